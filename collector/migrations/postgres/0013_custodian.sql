-- The custodian repository: what vendors send by portal and disc.

-- Releases that were adopted and wait for the custodian's signature.
CREATE TABLE adoptions (
    repository TEXT COLLATE "C" NOT NULL REFERENCES vendors (repository),
    path TEXT COLLATE "C" NOT NULL,
    product TEXT COLLATE "C" NOT NULL,
    version TEXT COLLATE "C" NOT NULL,
    provenance TEXT COLLATE "C" NOT NULL,
    targets BYTEA NOT NULL,
    adopted_by TEXT COLLATE "C" NOT NULL,
    adopted_at BIGINT NOT NULL,
    PRIMARY KEY (repository, path)
);

-- How releases came here, as the custodian signed it.
CREATE TABLE release_origins (
    repository TEXT COLLATE "C" NOT NULL,
    path TEXT COLLATE "C" NOT NULL,
    sha256 TEXT COLLATE "C" NOT NULL,
    origin BYTEA NOT NULL,
    PRIMARY KEY (repository, path, sha256)
);

-- The newest release file that was seen of each archive: an older one is not read again.
CREATE TABLE archive_marks (
    place TEXT COLLATE "C" NOT NULL,
    suite TEXT COLLATE "C" NOT NULL,
    signed_at BIGINT NOT NULL,
    PRIMARY KEY (place, suite)
);
