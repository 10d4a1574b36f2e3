-- What stands in until fixes are verified: mitigations, exceptions, vendors' cases, risks.

-- Steps, scope and attested parts are JSON: they are read whole, and nothing asks for a part.
CREATE TABLE mitigations (
    number INTEGER NOT NULL PRIMARY KEY,
    advisory TEXT NOT NULL,
    title TEXT NOT NULL,
    steps TEXT NOT NULL,
    owner TEXT NOT NULL,
    due INTEGER NOT NULL,
    scope TEXT NOT NULL,
    probe TEXT,
    probe_answer TEXT,
    made_by TEXT NOT NULL,
    made_at INTEGER NOT NULL,
    closed_by TEXT,
    closed_at INTEGER,
    closed_why TEXT
) STRICT;
CREATE INDEX mitigations_of_advisory ON mitigations (advisory);

CREATE TABLE mitigation_attestations (
    mitigation INTEGER NOT NULL REFERENCES mitigations (number),
    number INTEGER NOT NULL,
    scope TEXT NOT NULL,
    said_by TEXT NOT NULL,
    words TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (mitigation, number)
) STRICT;

-- An advisory is not acted on, somewhere, for a time. `exceptions` are of whole machines.
CREATE TABLE exposure_exceptions (
    number INTEGER NOT NULL PRIMARY KEY,
    advisory TEXT NOT NULL,
    scope TEXT NOT NULL,
    until INTEGER NOT NULL,
    control TEXT NOT NULL,
    mitigation INTEGER REFERENCES mitigations (number),
    owner TEXT NOT NULL,
    set_by TEXT NOT NULL,
    set_at INTEGER NOT NULL,
    ended_by TEXT,
    ended_at INTEGER
) STRICT;
CREATE INDEX exceptions_of_advisory ON exposure_exceptions (advisory);

CREATE TABLE vendor_contacts (
    vendor TEXT NOT NULL,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    reached_by TEXT NOT NULL,
    added_by TEXT NOT NULL,
    added_at INTEGER NOT NULL,
    PRIMARY KEY (vendor, name)
) STRICT;

CREATE TABLE vendor_cases (
    number INTEGER NOT NULL PRIMARY KEY,
    vendor TEXT NOT NULL,
    about_kind TEXT NOT NULL,
    about TEXT NOT NULL,
    contact TEXT,
    opened_by TEXT NOT NULL,
    opened_at INTEGER NOT NULL,
    closed_by TEXT,
    closed_at INTEGER,
    closed_why TEXT
) STRICT;

-- `at` is when it was said, `said_at` when it was noted; a document lies among the artifacts.
CREATE TABLE vendor_case_steps (
    vendor_case INTEGER NOT NULL REFERENCES vendor_cases (number),
    number INTEGER NOT NULL,
    kind TEXT NOT NULL,
    words TEXT NOT NULL,
    at INTEGER NOT NULL,
    due INTEGER,
    document TEXT,
    file_name TEXT,
    said_by TEXT NOT NULL,
    said_at INTEGER NOT NULL,
    PRIMARY KEY (vendor_case, number)
) STRICT;

-- What a release on a model may do, and what waiting may do.
CREATE TABLE risks (
    product TEXT NOT NULL,
    version TEXT NOT NULL,
    model TEXT NOT NULL,
    of_patching TEXT NOT NULL,
    of_waiting TEXT NOT NULL,
    decision TEXT NOT NULL,
    reason TEXT NOT NULL,
    decided_by TEXT NOT NULL,
    review_at INTEGER NOT NULL,
    put_by TEXT NOT NULL,
    put_at INTEGER NOT NULL,
    PRIMARY KEY (product, version, model)
) STRICT;

-- Since when training is needed; unknown for what was stated before.
ALTER TABLE trainings ADD COLUMN needed_at INTEGER;
