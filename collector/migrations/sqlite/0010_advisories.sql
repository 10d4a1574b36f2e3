-- Advisories, what of them the hospital has, and what people said about it.

-- Every revision with its exact bytes; `is_newest` marks the one that counts.
CREATE TABLE advisories (
    id TEXT NOT NULL,
    revision INTEGER NOT NULL,
    version TEXT NOT NULL,
    form TEXT NOT NULL,
    publisher TEXT NOT NULL,
    title TEXT NOT NULL,
    category TEXT NOT NULL,
    status TEXT NOT NULL,
    digest TEXT NOT NULL,
    document BLOB NOT NULL,
    published INTEGER,
    changed INTEGER,
    due INTEGER,
    score INTEGER,
    severity TEXT NOT NULL,
    added_at INTEGER NOT NULL,
    is_newest INTEGER NOT NULL,
    PRIMARY KEY (id, revision)
) STRICT;
CREATE INDEX newest_advisories ON advisories (is_newest, id);

-- The vulnerabilities of the newest revision, for searching.
CREATE TABLE advisory_vulnerabilities (
    advisory TEXT NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (advisory, name)
) STRICT;
CREATE INDEX advisories_of_vulnerability ON advisory_vulnerabilities (name);

CREATE TABLE advisory_readers (
    advisory TEXT NOT NULL PRIMARY KEY,
    reader TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;

CREATE TABLE advisory_comments (
    advisory TEXT NOT NULL,
    number INTEGER NOT NULL,
    author TEXT NOT NULL,
    at INTEGER NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (advisory, number)
) STRICT;

-- One row per advisory and distinct thing: whatever has the same maker, name and version.
CREATE TABLE advisory_matches (
    advisory TEXT NOT NULL,
    thing TEXT NOT NULL,
    who TEXT NOT NULL,
    shown TEXT NOT NULL,
    value TEXT NOT NULL,
    reason TEXT NOT NULL,
    why TEXT NOT NULL,
    product TEXT NOT NULL,
    product_id TEXT NOT NULL,
    outlook TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    since INTEGER NOT NULL,
    PRIMARY KEY (advisory, thing)
) STRICT;
CREATE INDEX matches_of_thing ON advisory_matches (thing);

-- How far the work on one machine or asset is; the empty holder stands for all.
CREATE TABLE advisory_marks (
    advisory TEXT NOT NULL,
    vulnerability TEXT NOT NULL,
    holder TEXT NOT NULL,
    mark TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    marked_by TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (advisory, vulnerability, holder)
) STRICT;

-- What a person said of a product and a thing. An empty version stands for every one.
CREATE TABLE advisory_decisions (
    number INTEGER NOT NULL PRIMARY KEY,
    advisory TEXT NOT NULL,
    product TEXT NOT NULL,
    who TEXT NOT NULL,
    version TEXT NOT NULL,
    value TEXT NOT NULL,
    reason TEXT NOT NULL,
    decided_by TEXT NOT NULL,
    at INTEGER NOT NULL,
    ended_by TEXT,
    ended_at INTEGER
) STRICT;

-- Names that stand for others; the empty vendor marks an alias of a vendor itself.
CREATE TABLE advisory_aliases (
    vendor TEXT NOT NULL,
    name TEXT NOT NULL,
    means TEXT NOT NULL,
    added_by TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (vendor, name)
) STRICT;

CREATE TABLE exploited (
    cve TEXT NOT NULL PRIMARY KEY,
    product TEXT NOT NULL,
    added TEXT NOT NULL,
    due TEXT NOT NULL,
    ransomware INTEGER NOT NULL
) STRICT;

-- Whoever holds a model, an asset or a set of components is found by it.
CREATE INDEX machines_of_model ON machines (model);
CREATE INDEX assets_of_model ON assets (manufacturer, model);
CREATE INDEX assets_of_machine ON assets (machine);

-- What a repository was read with when all that it offers was taken in: the vendor's grant of
-- the charter, and the timestamp.
CREATE TABLE repository_reads (
    repository TEXT NOT NULL PRIMARY KEY,
    granted TEXT NOT NULL,
    timestamp TEXT NOT NULL
) STRICT;
