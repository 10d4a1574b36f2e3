-- The collector's schema. Ids are lower-case hex or names, instants are UTC
-- milliseconds, documents are kept as their exact bytes beside the columns that are
-- asked for. The folder for the other engine holds the same text with that engine's
-- names of types; a test compares the two.

CREATE TABLE meta (
    key TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    value TEXT COLLATE "C" NOT NULL
);

CREATE TABLE counters (
    name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    value BIGINT NOT NULL
);
INSERT INTO counters (name, value) VALUES ('component', 0), ('crl', 0);

-- Audit: one row per change, each with the hash of the one before.

CREATE TABLE audit_head (
    id BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    seq BIGINT NOT NULL,
    hash TEXT COLLATE "C" NOT NULL
);
INSERT INTO audit_head (id, seq, hash)
VALUES (1, 0, '0000000000000000000000000000000000000000000000000000000000000000');

CREATE TABLE audit (
    seq BIGINT NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL,
    actor TEXT COLLATE "C" NOT NULL,
    action TEXT COLLATE "C" NOT NULL,
    subject TEXT COLLATE "C" NOT NULL,
    detail TEXT COLLATE "C" NOT NULL,
    previous TEXT COLLATE "C" NOT NULL,
    hash TEXT COLLATE "C" NOT NULL
);
CREATE INDEX audit_of_subject ON audit (subject, seq);

-- Places.

CREATE TABLE sites (
    name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    title TEXT COLLATE "C" NOT NULL
);

CREATE TABLE units (
    name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    site TEXT COLLATE "C" NOT NULL REFERENCES sites (name),
    title TEXT COLLATE "C" NOT NULL,
    class TEXT COLLATE "C" NOT NULL
);
CREATE INDEX units_of_site ON units (site);

CREATE TABLE coverage_groups (
    name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    unit TEXT COLLATE "C" NOT NULL REFERENCES units (name),
    minimum_ready BIGINT NOT NULL,
    switched_off TEXT COLLATE "C" NOT NULL
);

-- Who decides on a group raises its row first; the empty name stands for machines
-- without a group. Apart from coverage_groups, so that every group has one.
CREATE TABLE group_locks (
    name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    generation BIGINT NOT NULL
);
INSERT INTO group_locks (name, generation) VALUES ('', 0);

-- Machines.

CREATE TABLE tokens (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    secret_hash TEXT COLLATE "C" NOT NULL UNIQUE,
    unit TEXT COLLATE "C" NOT NULL REFERENCES units (name),
    host_pattern TEXT COLLATE "C" NOT NULL,
    acceptance TEXT COLLATE "C" NOT NULL,
    uses_left BIGINT NOT NULL CHECK (uses_left >= 0),
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT
);

CREATE TABLE enrolments (
    machine TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    spki BYTEA NOT NULL,
    host TEXT COLLATE "C" NOT NULL,
    unit TEXT COLLATE "C" NOT NULL REFERENCES units (name),
    token TEXT COLLATE "C" NOT NULL REFERENCES tokens (id),
    csr BYTEA NOT NULL,
    facts BYTEA NOT NULL,
    asked_at BIGINT NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    decided_at BIGINT
);

CREATE TABLE machines (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    spki BYTEA NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    unit TEXT COLLATE "C" NOT NULL REFERENCES units (name),
    class TEXT COLLATE "C" NOT NULL,
    model TEXT COLLATE "C" NOT NULL,
    mode TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    enrolled_at BIGINT NOT NULL,
    clone_suspected_at BIGINT,
    clone_reason TEXT COLLATE "C"
);
CREATE UNIQUE INDEX machines_by_name ON machines (name) WHERE state IN ('enrolled', 'stored');
CREATE INDEX machines_of_unit ON machines (unit);

-- What a machine last said of itself; written only when it changed.
CREATE TABLE machine_status (
    machine TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES machines (id),
    boot TEXT COLLATE "C" NOT NULL,
    agent_version TEXT COLLATE "C" NOT NULL,
    installer_version TEXT COLLATE "C" NOT NULL,
    readiness TEXT COLLATE "C" NOT NULL,
    interlock TEXT COLLATE "C" NOT NULL,
    hold_until BIGINT,
    watermark TEXT COLLATE "C" NOT NULL,
    fingerprint TEXT COLLATE "C" NOT NULL,
    changed_at BIGINT NOT NULL
);

CREATE TABLE machine_facts (
    machine TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES machines (id),
    facts BYTEA NOT NULL,
    changed_at BIGINT NOT NULL
);

-- When a machine was last heard; narrow, because it is written for all of them.
CREATE TABLE machine_seen (
    machine TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL
);

CREATE TABLE group_members (
    group_name TEXT COLLATE "C" NOT NULL REFERENCES coverage_groups (name),
    machine TEXT COLLATE "C" NOT NULL REFERENCES machines (id),
    PRIMARY KEY (group_name, machine)
);
CREATE INDEX groups_of_machine ON group_members (machine);

CREATE TABLE certificates (
    serial TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    machine TEXT COLLATE "C" NOT NULL REFERENCES machines (id),
    issued_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT
);
CREATE INDEX certificates_of_machine ON certificates (machine);
CREATE INDEX certificates_revoked ON certificates (expires_at) WHERE revoked_at IS NOT NULL;

CREATE TABLE assets (
    tag TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    serial TEXT COLLATE "C" NOT NULL,
    manufacturer TEXT COLLATE "C" NOT NULL,
    model TEXT COLLATE "C" NOT NULL,
    udi TEXT COLLATE "C" NOT NULL,
    unit TEXT COLLATE "C" REFERENCES units (name),
    location TEXT COLLATE "C" NOT NULL,
    criticality TEXT COLLATE "C" NOT NULL,
    coverage_group TEXT COLLATE "C" REFERENCES coverage_groups (name),
    machine TEXT COLLATE "C" UNIQUE REFERENCES machines (id)
);
CREATE INDEX assets_of_unit ON assets (unit);

-- Inventory: components once, sets of their numbers once, one digest per machine.

CREATE TABLE components (
    number BIGINT NOT NULL PRIMARY KEY,
    source TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    version TEXT COLLATE "C" NOT NULL,
    arch TEXT COLLATE "C" NOT NULL,
    UNIQUE (name, version, arch, source)
);

CREATE TABLE component_sets (
    digest TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    members BYTEA NOT NULL,
    added_at BIGINT NOT NULL
);

CREATE TABLE machine_sets (
    machine TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES machines (id),
    digest TEXT COLLATE "C" NOT NULL REFERENCES component_sets (digest),
    since BIGINT NOT NULL
);
CREATE INDEX machines_of_set ON machine_sets (digest);

-- Vendors and what they publish.

CREATE TABLE vendors (
    name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    repository TEXT COLLATE "C" NOT NULL UNIQUE,
    url TEXT COLLATE "C" NOT NULL,
    root_digest TEXT COLLATE "C" NOT NULL
);

CREATE TABLE tuf_files (
    repository TEXT COLLATE "C" NOT NULL REFERENCES vendors (repository),
    file TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    digest TEXT COLLATE "C" NOT NULL,
    bytes BYTEA NOT NULL,
    fetched_at BIGINT NOT NULL,
    PRIMARY KEY (repository, file)
);

CREATE TABLE releases (
    repository TEXT COLLATE "C" NOT NULL REFERENCES vendors (repository),
    path TEXT COLLATE "C" NOT NULL,
    sha256 TEXT COLLATE "C" NOT NULL,
    length BIGINT NOT NULL,
    product TEXT COLLATE "C" NOT NULL,
    version TEXT COLLATE "C" NOT NULL,
    counter BIGINT NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    provenance TEXT COLLATE "C" NOT NULL,
    description BYTEA NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    added_at BIGINT NOT NULL,
    PRIMARY KEY (repository, path, sha256)
);
CREATE INDEX releases_of_product ON releases (product, counter);
CREATE INDEX releases_by_digest ON releases (sha256);

CREATE TABLE artifacts (
    sha256 TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    length BIGINT NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    changed_at BIGINT NOT NULL
);

-- Signed documents, and signatures over them and over plans.

CREATE TABLE documents (
    digest TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    kind TEXT COLLATE "C" NOT NULL,
    number BIGINT,
    scope TEXT COLLATE "C",
    subject TEXT COLLATE "C",
    payload BYTEA NOT NULL,
    added_at BIGINT NOT NULL,
    expires_at BIGINT,
    ended_at BIGINT,
    ended_by TEXT COLLATE "C",
    UNIQUE (kind, number)
);
CREATE INDEX documents_in_force ON documents (kind, added_at) WHERE ended_at IS NULL;

CREATE TABLE signatures (
    document TEXT COLLATE "C" NOT NULL,
    signer TEXT COLLATE "C" NOT NULL,
    bytes BYTEA NOT NULL,
    added_at BIGINT NOT NULL,
    PRIMARY KEY (document, signer)
);

CREATE TABLE assignment_leaves (
    document TEXT COLLATE "C" NOT NULL REFERENCES documents (digest),
    machine TEXT COLLATE "C" NOT NULL,
    leaf BYTEA NOT NULL,
    PRIMARY KEY (document, machine)
);
CREATE INDEX assignments_of_machine ON assignment_leaves (machine);

-- When work may be done, and when not.

CREATE TABLE windows (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    unit TEXT COLLATE "C" NOT NULL REFERENCES units (name),
    cron TEXT COLLATE "C",
    starts_at BIGINT,
    zone TEXT COLLATE "C" NOT NULL,
    minutes BIGINT NOT NULL,
    day_offset BIGINT NOT NULL,
    valid_from BIGINT,
    valid_until BIGINT,
    CHECK ((cron IS NULL) <> (starts_at IS NULL))
);
CREATE INDEX windows_of_unit ON windows (unit);

CREATE TABLE freezes (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    scope TEXT COLLATE "C" NOT NULL,
    subject TEXT COLLATE "C" NOT NULL,
    starts_at BIGINT NOT NULL,
    ends_at BIGINT NOT NULL,
    reason TEXT COLLATE "C" NOT NULL,
    source TEXT COLLATE "C" NOT NULL,
    CHECK (starts_at < ends_at)
);
CREATE INDEX freezes_by_end ON freezes (ends_at);
CREATE INDEX freezes_of_source ON freezes (source);

CREATE TABLE calendar_feeds (
    source TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    read_at BIGINT NOT NULL,
    problem TEXT COLLATE "C"
);

CREATE TABLE holds (
    scope TEXT COLLATE "C" NOT NULL,
    subject TEXT COLLATE "C" NOT NULL,
    until BIGINT NOT NULL,
    reason TEXT COLLATE "C" NOT NULL,
    set_by TEXT COLLATE "C" NOT NULL,
    set_at BIGINT NOT NULL,
    PRIMARY KEY (scope, subject)
);

-- Plans and the work on them.

CREATE TABLE plans (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    title TEXT COLLATE "C" NOT NULL,
    payload BYTEA NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT COLLATE "C" NOT NULL,
    expires_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL
);
CREATE INDEX plans_by_state ON plans (state);

CREATE TABLE plan_leaves (
    plan TEXT COLLATE "C" NOT NULL REFERENCES plans (id),
    machine TEXT COLLATE "C" NOT NULL,
    wave BIGINT NOT NULL,
    leaf BYTEA NOT NULL,
    PRIMARY KEY (plan, machine)
);
CREATE INDEX plans_of_machine ON plan_leaves (machine);

CREATE TABLE plan_groups (
    plan TEXT COLLATE "C" NOT NULL REFERENCES plans (id),
    group_name TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (plan, group_name)
);
CREATE INDEX plans_of_group ON plan_groups (group_name);

CREATE TABLE halts (
    scope TEXT COLLATE "C" NOT NULL,
    subject TEXT COLLATE "C" NOT NULL,
    wave BIGINT NOT NULL,
    at BIGINT NOT NULL,
    reason TEXT COLLATE "C" NOT NULL,
    resumed_at BIGINT,
    resumed_by TEXT COLLATE "C",
    PRIMARY KEY (scope, subject, wave, at)
);
CREATE UNIQUE INDEX halts_in_force ON halts (scope, subject, wave) WHERE resumed_at IS NULL;

CREATE TABLE jobs (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    plan TEXT COLLATE "C" NOT NULL REFERENCES plans (id),
    machine TEXT COLLATE "C" NOT NULL REFERENCES machines (id),
    wave BIGINT NOT NULL,
    word TEXT COLLATE "C" NOT NULL,
    standing TEXT COLLATE "C" NOT NULL,
    state BYTEA NOT NULL,
    since BIGINT NOT NULL,
    attempt BIGINT NOT NULL,
    slot_start BIGINT,
    slot_end BIGINT,
    generation BIGINT NOT NULL,
    UNIQUE (plan, machine)
);
CREATE UNIQUE INDEX one_open_job ON jobs (machine) WHERE standing = 'open';
CREATE INDEX jobs_of_machine ON jobs (machine);

CREATE TABLE goes (
    nonce TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    job TEXT COLLATE "C" NOT NULL REFERENCES jobs (id),
    machine TEXT COLLATE "C" NOT NULL REFERENCES machines (id),
    token BYTEA NOT NULL,
    issued_at BIGINT NOT NULL,
    ended_at BIGINT,
    ended_by TEXT COLLATE "C"
);
CREATE UNIQUE INDEX one_outstanding_go ON goes (machine) WHERE ended_at IS NULL;
CREATE INDEX goes_of_job ON goes (job);

CREATE TABLE evidence (
    job TEXT COLLATE "C" NOT NULL REFERENCES jobs (id),
    digest TEXT COLLATE "C" NOT NULL,
    bytes BYTEA NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (job, digest)
);

-- What machines send, stored exactly once.

-- Per outbox: everything up to `contiguous` is stored, and up to `consumed` has been
-- turned into states of jobs. Events name it by its number: they are many.
CREATE TABLE outboxes (
    id BIGINT PRIMARY KEY,
    machine TEXT COLLATE "C" NOT NULL,
    outbox TEXT COLLATE "C" NOT NULL,
    contiguous BIGINT NOT NULL,
    highest BIGINT NOT NULL,
    consumed BIGINT NOT NULL DEFAULT 0,
    UNIQUE (machine, outbox)
);
CREATE INDEX outboxes_to_consume ON outboxes (id) WHERE consumed < contiguous;

CREATE TABLE journal_events (
    outbox BIGINT NOT NULL REFERENCES outboxes (id),
    sequence BIGINT NOT NULL,
    bytes BYTEA NOT NULL,
    received_at BIGINT NOT NULL,
    PRIMARY KEY (outbox, sequence)
);
