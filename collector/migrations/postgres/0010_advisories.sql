-- Advisories, what of them the hospital has, and what people said about it.

-- Every revision with its exact bytes; `is_newest` marks the one that counts.
CREATE TABLE advisories (
    id TEXT COLLATE "C" NOT NULL,
    revision BIGINT NOT NULL,
    version TEXT COLLATE "C" NOT NULL,
    form TEXT COLLATE "C" NOT NULL,
    publisher TEXT COLLATE "C" NOT NULL,
    title TEXT COLLATE "C" NOT NULL,
    category TEXT COLLATE "C" NOT NULL,
    status TEXT COLLATE "C" NOT NULL,
    digest TEXT COLLATE "C" NOT NULL,
    document BYTEA NOT NULL,
    published BIGINT,
    changed BIGINT,
    due BIGINT,
    score BIGINT,
    severity TEXT COLLATE "C" NOT NULL,
    added_at BIGINT NOT NULL,
    is_newest BIGINT NOT NULL,
    PRIMARY KEY (id, revision)
);
CREATE INDEX newest_advisories ON advisories (is_newest, id);

-- The vulnerabilities of the newest revision, for searching.
CREATE TABLE advisory_vulnerabilities (
    advisory TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (advisory, name)
);
CREATE INDEX advisories_of_vulnerability ON advisory_vulnerabilities (name);

CREATE TABLE advisory_readers (
    advisory TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    reader TEXT COLLATE "C" NOT NULL,
    at BIGINT NOT NULL
);

CREATE TABLE advisory_comments (
    advisory TEXT COLLATE "C" NOT NULL,
    number BIGINT NOT NULL,
    author TEXT COLLATE "C" NOT NULL,
    at BIGINT NOT NULL,
    text TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (advisory, number)
);

-- One row per advisory and distinct thing: whatever has the same maker, name and version.
CREATE TABLE advisory_matches (
    advisory TEXT COLLATE "C" NOT NULL,
    thing TEXT COLLATE "C" NOT NULL,
    who TEXT COLLATE "C" NOT NULL,
    shown TEXT COLLATE "C" NOT NULL,
    value TEXT COLLATE "C" NOT NULL,
    reason TEXT COLLATE "C" NOT NULL,
    why TEXT COLLATE "C" NOT NULL,
    product TEXT COLLATE "C" NOT NULL,
    product_id TEXT COLLATE "C" NOT NULL,
    outlook TEXT COLLATE "C" NOT NULL,
    fingerprint TEXT COLLATE "C" NOT NULL,
    since BIGINT NOT NULL,
    PRIMARY KEY (advisory, thing)
);
CREATE INDEX matches_of_thing ON advisory_matches (thing);

-- How far the work on one machine or asset is; the empty holder stands for all.
CREATE TABLE advisory_marks (
    advisory TEXT COLLATE "C" NOT NULL,
    vulnerability TEXT COLLATE "C" NOT NULL,
    holder TEXT COLLATE "C" NOT NULL,
    mark TEXT COLLATE "C" NOT NULL,
    fingerprint TEXT COLLATE "C" NOT NULL,
    marked_by TEXT COLLATE "C" NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (advisory, vulnerability, holder)
);

-- What a person said of a product and a thing. An empty version stands for every one.
CREATE TABLE advisory_decisions (
    number BIGINT NOT NULL PRIMARY KEY,
    advisory TEXT COLLATE "C" NOT NULL,
    product TEXT COLLATE "C" NOT NULL,
    who TEXT COLLATE "C" NOT NULL,
    version TEXT COLLATE "C" NOT NULL,
    value TEXT COLLATE "C" NOT NULL,
    reason TEXT COLLATE "C" NOT NULL,
    decided_by TEXT COLLATE "C" NOT NULL,
    at BIGINT NOT NULL,
    ended_by TEXT COLLATE "C",
    ended_at BIGINT
);

-- Names that stand for others; the empty vendor marks an alias of a vendor itself.
CREATE TABLE advisory_aliases (
    vendor TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    means TEXT COLLATE "C" NOT NULL,
    added_by TEXT COLLATE "C" NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (vendor, name)
);

CREATE TABLE exploited (
    cve TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    product TEXT COLLATE "C" NOT NULL,
    added TEXT COLLATE "C" NOT NULL,
    due TEXT COLLATE "C" NOT NULL,
    ransomware BIGINT NOT NULL
);

-- Whoever holds a model, an asset or a set of components is found by it.
CREATE INDEX machines_of_model ON machines (model);
CREATE INDEX assets_of_model ON assets (manufacturer, model);
CREATE INDEX assets_of_machine ON assets (machine);

-- What a repository was read with when all that it offers was taken in: the vendor's grant of
-- the charter, and the timestamp.
CREATE TABLE repository_reads (
    repository TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    granted TEXT COLLATE "C" NOT NULL,
    timestamp TEXT COLLATE "C" NOT NULL
);
