-- The custodian repository: what vendors send by portal and disc.

-- Releases that were adopted and wait for the custodian's signature.
CREATE TABLE adoptions (
    repository TEXT NOT NULL REFERENCES vendors (repository),
    path TEXT NOT NULL,
    product TEXT NOT NULL,
    version TEXT NOT NULL,
    provenance TEXT NOT NULL,
    targets BLOB NOT NULL,
    adopted_by TEXT NOT NULL,
    adopted_at INTEGER NOT NULL,
    PRIMARY KEY (repository, path)
) STRICT;

-- How releases came here, as the custodian signed it.
CREATE TABLE release_origins (
    repository TEXT NOT NULL,
    path TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    origin BLOB NOT NULL,
    PRIMARY KEY (repository, path, sha256)
) STRICT;

-- The newest release file that was seen of each archive: an older one is not read again.
CREATE TABLE archive_marks (
    place TEXT NOT NULL,
    suite TEXT NOT NULL,
    signed_at INTEGER NOT NULL,
    PRIMARY KEY (place, suite)
) STRICT;
