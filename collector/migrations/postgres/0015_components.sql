-- Bills of materials of releases, and until when things are supported.

-- The bill of a release: the file as it came, by its digest.
CREATE TABLE release_boms (
    release TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    file TEXT COLLATE "C" NOT NULL,
    length BIGINT NOT NULL,
    format TEXT COLLATE "C" NOT NULL,
    taken_by TEXT COLLATE "C" NOT NULL,
    taken_at BIGINT NOT NULL
);

-- What the bill lists. The name comes first: that is what is searched for.
CREATE TABLE release_components (
    release TEXT COLLATE "C" NOT NULL REFERENCES release_boms (release),
    source TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    version TEXT COLLATE "C" NOT NULL,
    purl TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (name, version, source, purl, release)
);
CREATE INDEX components_of_release ON release_components (release);

-- The last day of support of an operating system, a model or a product.
CREATE TABLE support_ends (
    kind TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    versions TEXT COLLATE "C" NOT NULL,
    ends_on TEXT COLLATE "C" NOT NULL,
    source TEXT COLLATE "C",
    put_by TEXT COLLATE "C" NOT NULL,
    put_at BIGINT NOT NULL,
    PRIMARY KEY (kind, name, versions)
);
