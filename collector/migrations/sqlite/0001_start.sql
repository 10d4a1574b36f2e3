-- The collector's schema. Ids are lower-case hex or names, instants are UTC
-- milliseconds, documents are kept as their exact bytes beside the columns that are
-- asked for. The folder for the other engine holds the same text with that engine's
-- names of types; a test compares the two.

CREATE TABLE meta (
    key TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

CREATE TABLE counters (
    name TEXT NOT NULL PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT;
INSERT INTO counters (name, value) VALUES ('component', 0), ('crl', 0);

-- Audit: one row per change, each with the hash of the one before.

CREATE TABLE audit_head (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    seq INTEGER NOT NULL,
    hash TEXT NOT NULL
) STRICT;
INSERT INTO audit_head (id, seq, hash)
VALUES (1, 0, '0000000000000000000000000000000000000000000000000000000000000000');

CREATE TABLE audit (
    seq INTEGER NOT NULL PRIMARY KEY,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL,
    previous TEXT NOT NULL,
    hash TEXT NOT NULL
) STRICT;
CREATE INDEX audit_of_subject ON audit (subject, seq);

-- Places.

CREATE TABLE sites (
    name TEXT NOT NULL PRIMARY KEY,
    title TEXT NOT NULL
) STRICT;

CREATE TABLE units (
    name TEXT NOT NULL PRIMARY KEY,
    site TEXT NOT NULL REFERENCES sites (name),
    title TEXT NOT NULL,
    class TEXT NOT NULL
) STRICT;
CREATE INDEX units_of_site ON units (site);

CREATE TABLE coverage_groups (
    name TEXT NOT NULL PRIMARY KEY,
    unit TEXT NOT NULL REFERENCES units (name),
    minimum_ready INTEGER NOT NULL,
    switched_off TEXT NOT NULL
) STRICT;

-- Who decides on a group raises its row first; the empty name stands for machines
-- without a group. Apart from coverage_groups, so that every group has one.
CREATE TABLE group_locks (
    name TEXT NOT NULL PRIMARY KEY,
    generation INTEGER NOT NULL
) STRICT;
INSERT INTO group_locks (name, generation) VALUES ('', 0);

-- Machines.

CREATE TABLE tokens (
    id TEXT NOT NULL PRIMARY KEY,
    secret_hash TEXT NOT NULL UNIQUE,
    unit TEXT NOT NULL REFERENCES units (name),
    host_pattern TEXT NOT NULL,
    acceptance TEXT NOT NULL,
    uses_left INTEGER NOT NULL CHECK (uses_left >= 0),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    revoked_at INTEGER
) STRICT;

CREATE TABLE enrolments (
    machine TEXT NOT NULL PRIMARY KEY,
    spki BLOB NOT NULL,
    host TEXT NOT NULL,
    unit TEXT NOT NULL REFERENCES units (name),
    token TEXT NOT NULL REFERENCES tokens (id),
    csr BLOB NOT NULL,
    facts BLOB NOT NULL,
    asked_at INTEGER NOT NULL,
    state TEXT NOT NULL,
    decided_at INTEGER
) STRICT;

CREATE TABLE machines (
    id TEXT NOT NULL PRIMARY KEY,
    spki BLOB NOT NULL,
    name TEXT NOT NULL,
    unit TEXT NOT NULL REFERENCES units (name),
    class TEXT NOT NULL,
    model TEXT NOT NULL,
    mode TEXT NOT NULL,
    state TEXT NOT NULL,
    enrolled_at INTEGER NOT NULL,
    clone_suspected_at INTEGER,
    clone_reason TEXT
) STRICT;
CREATE UNIQUE INDEX machines_by_name ON machines (name) WHERE state IN ('enrolled', 'stored');
CREATE INDEX machines_of_unit ON machines (unit);

-- What a machine last said of itself; written only when it changed.
CREATE TABLE machine_status (
    machine TEXT NOT NULL PRIMARY KEY REFERENCES machines (id),
    boot TEXT NOT NULL,
    agent_version TEXT NOT NULL,
    installer_version TEXT NOT NULL,
    readiness TEXT NOT NULL,
    interlock TEXT NOT NULL,
    hold_until INTEGER,
    watermark TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    changed_at INTEGER NOT NULL
) STRICT;

CREATE TABLE machine_facts (
    machine TEXT NOT NULL PRIMARY KEY REFERENCES machines (id),
    facts BLOB NOT NULL,
    changed_at INTEGER NOT NULL
) STRICT;

-- When a machine was last heard; narrow, because it is written for all of them.
CREATE TABLE machine_seen (
    machine TEXT NOT NULL PRIMARY KEY,
    at INTEGER NOT NULL
) STRICT;

CREATE TABLE group_members (
    group_name TEXT NOT NULL REFERENCES coverage_groups (name),
    machine TEXT NOT NULL REFERENCES machines (id),
    PRIMARY KEY (group_name, machine)
) STRICT;
CREATE INDEX groups_of_machine ON group_members (machine);

CREATE TABLE certificates (
    serial TEXT NOT NULL PRIMARY KEY,
    machine TEXT NOT NULL REFERENCES machines (id),
    issued_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    revoked_at INTEGER
) STRICT;
CREATE INDEX certificates_of_machine ON certificates (machine);
CREATE INDEX certificates_revoked ON certificates (expires_at) WHERE revoked_at IS NOT NULL;

CREATE TABLE assets (
    tag TEXT NOT NULL PRIMARY KEY,
    serial TEXT NOT NULL,
    manufacturer TEXT NOT NULL,
    model TEXT NOT NULL,
    udi TEXT NOT NULL,
    unit TEXT REFERENCES units (name),
    location TEXT NOT NULL,
    criticality TEXT NOT NULL,
    coverage_group TEXT REFERENCES coverage_groups (name),
    machine TEXT UNIQUE REFERENCES machines (id)
) STRICT;
CREATE INDEX assets_of_unit ON assets (unit);

-- Inventory: components once, sets of their numbers once, one digest per machine.

CREATE TABLE components (
    number INTEGER NOT NULL PRIMARY KEY,
    source TEXT NOT NULL,
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    arch TEXT NOT NULL,
    UNIQUE (name, version, arch, source)
) STRICT;

CREATE TABLE component_sets (
    digest TEXT NOT NULL PRIMARY KEY,
    members BLOB NOT NULL,
    added_at INTEGER NOT NULL
) STRICT;

CREATE TABLE machine_sets (
    machine TEXT NOT NULL PRIMARY KEY REFERENCES machines (id),
    digest TEXT NOT NULL REFERENCES component_sets (digest),
    since INTEGER NOT NULL
) STRICT;
CREATE INDEX machines_of_set ON machine_sets (digest);

-- Vendors and what they publish.

CREATE TABLE vendors (
    name TEXT NOT NULL PRIMARY KEY,
    repository TEXT NOT NULL UNIQUE,
    url TEXT NOT NULL,
    root_digest TEXT NOT NULL
) STRICT;

CREATE TABLE tuf_files (
    repository TEXT NOT NULL REFERENCES vendors (repository),
    file TEXT NOT NULL,
    version INTEGER NOT NULL,
    digest TEXT NOT NULL,
    bytes BLOB NOT NULL,
    fetched_at INTEGER NOT NULL,
    PRIMARY KEY (repository, file)
) STRICT;

CREATE TABLE releases (
    repository TEXT NOT NULL REFERENCES vendors (repository),
    path TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    length INTEGER NOT NULL,
    product TEXT NOT NULL,
    version TEXT NOT NULL,
    counter INTEGER NOT NULL,
    kind TEXT NOT NULL,
    provenance TEXT NOT NULL,
    description BLOB NOT NULL,
    state TEXT NOT NULL,
    added_at INTEGER NOT NULL,
    PRIMARY KEY (repository, path, sha256)
) STRICT;
CREATE INDEX releases_of_product ON releases (product, counter);
CREATE INDEX releases_by_digest ON releases (sha256);

CREATE TABLE artifacts (
    sha256 TEXT NOT NULL PRIMARY KEY,
    length INTEGER NOT NULL,
    state TEXT NOT NULL,
    changed_at INTEGER NOT NULL
) STRICT;

-- Signed documents, and signatures over them and over plans.

CREATE TABLE documents (
    digest TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    number INTEGER,
    scope TEXT,
    subject TEXT,
    payload BLOB NOT NULL,
    added_at INTEGER NOT NULL,
    expires_at INTEGER,
    ended_at INTEGER,
    ended_by TEXT,
    UNIQUE (kind, number)
) STRICT;
CREATE INDEX documents_in_force ON documents (kind, added_at) WHERE ended_at IS NULL;

CREATE TABLE signatures (
    document TEXT NOT NULL,
    signer TEXT NOT NULL,
    bytes BLOB NOT NULL,
    added_at INTEGER NOT NULL,
    PRIMARY KEY (document, signer)
) STRICT;

CREATE TABLE assignment_leaves (
    document TEXT NOT NULL REFERENCES documents (digest),
    machine TEXT NOT NULL,
    leaf BLOB NOT NULL,
    PRIMARY KEY (document, machine)
) STRICT;
CREATE INDEX assignments_of_machine ON assignment_leaves (machine);

-- When work may be done, and when not.

CREATE TABLE windows (
    id TEXT NOT NULL PRIMARY KEY,
    unit TEXT NOT NULL REFERENCES units (name),
    cron TEXT,
    starts_at INTEGER,
    zone TEXT NOT NULL,
    minutes INTEGER NOT NULL,
    day_offset INTEGER NOT NULL,
    valid_from INTEGER,
    valid_until INTEGER,
    CHECK ((cron IS NULL) <> (starts_at IS NULL))
) STRICT;
CREATE INDEX windows_of_unit ON windows (unit);

CREATE TABLE freezes (
    id TEXT NOT NULL PRIMARY KEY,
    scope TEXT NOT NULL,
    subject TEXT NOT NULL,
    starts_at INTEGER NOT NULL,
    ends_at INTEGER NOT NULL,
    reason TEXT NOT NULL,
    source TEXT NOT NULL,
    CHECK (starts_at < ends_at)
) STRICT;
CREATE INDEX freezes_by_end ON freezes (ends_at);
CREATE INDEX freezes_of_source ON freezes (source);

CREATE TABLE calendar_feeds (
    source TEXT NOT NULL PRIMARY KEY,
    read_at INTEGER NOT NULL,
    problem TEXT
) STRICT;

CREATE TABLE holds (
    scope TEXT NOT NULL,
    subject TEXT NOT NULL,
    until INTEGER NOT NULL,
    reason TEXT NOT NULL,
    set_by TEXT NOT NULL,
    set_at INTEGER NOT NULL,
    PRIMARY KEY (scope, subject)
) STRICT;

-- Plans and the work on them.

CREATE TABLE plans (
    id TEXT NOT NULL PRIMARY KEY,
    title TEXT NOT NULL,
    payload BLOB NOT NULL,
    state TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL
) STRICT;
CREATE INDEX plans_by_state ON plans (state);

CREATE TABLE plan_leaves (
    plan TEXT NOT NULL REFERENCES plans (id),
    machine TEXT NOT NULL,
    wave INTEGER NOT NULL,
    leaf BLOB NOT NULL,
    PRIMARY KEY (plan, machine)
) STRICT;
CREATE INDEX plans_of_machine ON plan_leaves (machine);

CREATE TABLE plan_groups (
    plan TEXT NOT NULL REFERENCES plans (id),
    group_name TEXT NOT NULL,
    PRIMARY KEY (plan, group_name)
) STRICT;
CREATE INDEX plans_of_group ON plan_groups (group_name);

CREATE TABLE halts (
    scope TEXT NOT NULL,
    subject TEXT NOT NULL,
    wave INTEGER NOT NULL,
    at INTEGER NOT NULL,
    reason TEXT NOT NULL,
    resumed_at INTEGER,
    resumed_by TEXT,
    PRIMARY KEY (scope, subject, wave, at)
) STRICT;
CREATE UNIQUE INDEX halts_in_force ON halts (scope, subject, wave) WHERE resumed_at IS NULL;

CREATE TABLE jobs (
    id TEXT NOT NULL PRIMARY KEY,
    plan TEXT NOT NULL REFERENCES plans (id),
    machine TEXT NOT NULL REFERENCES machines (id),
    wave INTEGER NOT NULL,
    word TEXT NOT NULL,
    standing TEXT NOT NULL,
    state BLOB NOT NULL,
    since INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    slot_start INTEGER,
    slot_end INTEGER,
    generation INTEGER NOT NULL,
    UNIQUE (plan, machine)
) STRICT;
CREATE UNIQUE INDEX one_open_job ON jobs (machine) WHERE standing = 'open';
CREATE INDEX jobs_of_machine ON jobs (machine);

CREATE TABLE goes (
    nonce TEXT NOT NULL PRIMARY KEY,
    job TEXT NOT NULL REFERENCES jobs (id),
    machine TEXT NOT NULL REFERENCES machines (id),
    token BLOB NOT NULL,
    issued_at INTEGER NOT NULL,
    ended_at INTEGER,
    ended_by TEXT
) STRICT;
CREATE UNIQUE INDEX one_outstanding_go ON goes (machine) WHERE ended_at IS NULL;
CREATE INDEX goes_of_job ON goes (job);

CREATE TABLE evidence (
    job TEXT NOT NULL REFERENCES jobs (id),
    digest TEXT NOT NULL,
    bytes BLOB NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (job, digest)
) STRICT;

-- What machines send, stored exactly once.

-- Per outbox: everything up to `contiguous` is stored, and up to `consumed` has been
-- turned into states of jobs. Events name it by its number: they are many.
CREATE TABLE outboxes (
    id INTEGER PRIMARY KEY,
    machine TEXT NOT NULL,
    outbox TEXT NOT NULL,
    contiguous INTEGER NOT NULL,
    highest INTEGER NOT NULL,
    consumed INTEGER NOT NULL DEFAULT 0,
    UNIQUE (machine, outbox)
) STRICT;
CREATE INDEX outboxes_to_consume ON outboxes (id) WHERE consumed < contiguous;

CREATE TABLE journal_events (
    outbox INTEGER NOT NULL REFERENCES outboxes (id),
    sequence INTEGER NOT NULL,
    bytes BLOB NOT NULL,
    received_at INTEGER NOT NULL,
    PRIMARY KEY (outbox, sequence)
) STRICT;
