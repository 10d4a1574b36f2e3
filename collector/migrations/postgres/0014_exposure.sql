-- What stands in until fixes are verified: mitigations, exceptions, vendors' cases, risks.

-- Steps, scope and attested parts are JSON: they are read whole, and nothing asks for a part.
CREATE TABLE mitigations (
    number BIGINT NOT NULL PRIMARY KEY,
    advisory TEXT COLLATE "C" NOT NULL,
    title TEXT COLLATE "C" NOT NULL,
    steps TEXT COLLATE "C" NOT NULL,
    owner TEXT COLLATE "C" NOT NULL,
    due BIGINT NOT NULL,
    scope TEXT COLLATE "C" NOT NULL,
    probe TEXT COLLATE "C",
    probe_answer TEXT COLLATE "C",
    made_by TEXT COLLATE "C" NOT NULL,
    made_at BIGINT NOT NULL,
    closed_by TEXT COLLATE "C",
    closed_at BIGINT,
    closed_why TEXT COLLATE "C"
);
CREATE INDEX mitigations_of_advisory ON mitigations (advisory);

CREATE TABLE mitigation_attestations (
    mitigation BIGINT NOT NULL REFERENCES mitigations (number),
    number BIGINT NOT NULL,
    scope TEXT COLLATE "C" NOT NULL,
    said_by TEXT COLLATE "C" NOT NULL,
    words TEXT COLLATE "C" NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (mitigation, number)
);

-- An advisory is not acted on, somewhere, for a time. `exceptions` are of whole machines.
CREATE TABLE exposure_exceptions (
    number BIGINT NOT NULL PRIMARY KEY,
    advisory TEXT COLLATE "C" NOT NULL,
    scope TEXT COLLATE "C" NOT NULL,
    until BIGINT NOT NULL,
    control TEXT COLLATE "C" NOT NULL,
    mitigation BIGINT REFERENCES mitigations (number),
    owner TEXT COLLATE "C" NOT NULL,
    set_by TEXT COLLATE "C" NOT NULL,
    set_at BIGINT NOT NULL,
    ended_by TEXT COLLATE "C",
    ended_at BIGINT
);
CREATE INDEX exceptions_of_advisory ON exposure_exceptions (advisory);

CREATE TABLE vendor_contacts (
    vendor TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    role TEXT COLLATE "C" NOT NULL,
    reached_by TEXT COLLATE "C" NOT NULL,
    added_by TEXT COLLATE "C" NOT NULL,
    added_at BIGINT NOT NULL,
    PRIMARY KEY (vendor, name)
);

CREATE TABLE vendor_cases (
    number BIGINT NOT NULL PRIMARY KEY,
    vendor TEXT COLLATE "C" NOT NULL,
    about_kind TEXT COLLATE "C" NOT NULL,
    about TEXT COLLATE "C" NOT NULL,
    contact TEXT COLLATE "C",
    opened_by TEXT COLLATE "C" NOT NULL,
    opened_at BIGINT NOT NULL,
    closed_by TEXT COLLATE "C",
    closed_at BIGINT,
    closed_why TEXT COLLATE "C"
);

-- `at` is when it was said, `said_at` when it was noted; a document lies among the artifacts.
CREATE TABLE vendor_case_steps (
    vendor_case BIGINT NOT NULL REFERENCES vendor_cases (number),
    number BIGINT NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    words TEXT COLLATE "C" NOT NULL,
    at BIGINT NOT NULL,
    due BIGINT,
    document TEXT COLLATE "C",
    file_name TEXT COLLATE "C",
    said_by TEXT COLLATE "C" NOT NULL,
    said_at BIGINT NOT NULL,
    PRIMARY KEY (vendor_case, number)
);

-- What a release on a model may do, and what waiting may do.
CREATE TABLE risks (
    product TEXT COLLATE "C" NOT NULL,
    version TEXT COLLATE "C" NOT NULL,
    model TEXT COLLATE "C" NOT NULL,
    of_patching TEXT COLLATE "C" NOT NULL,
    of_waiting TEXT COLLATE "C" NOT NULL,
    decision TEXT COLLATE "C" NOT NULL,
    reason TEXT COLLATE "C" NOT NULL,
    decided_by TEXT COLLATE "C" NOT NULL,
    review_at BIGINT NOT NULL,
    put_by TEXT COLLATE "C" NOT NULL,
    put_at BIGINT NOT NULL,
    PRIMARY KEY (product, version, model)
);

-- Since when training is needed; unknown for what was stated before.
ALTER TABLE trainings ADD COLUMN needed_at BIGINT;
