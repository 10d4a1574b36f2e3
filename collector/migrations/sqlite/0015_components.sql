-- Bills of materials of releases, and until when things are supported.

-- The bill of a release: the file as it came, by its digest.
CREATE TABLE release_boms (
    release TEXT NOT NULL PRIMARY KEY,
    file TEXT NOT NULL,
    length INTEGER NOT NULL,
    format TEXT NOT NULL,
    taken_by TEXT NOT NULL,
    taken_at INTEGER NOT NULL
) STRICT;

-- What the bill lists. The name comes first: that is what is searched for.
CREATE TABLE release_components (
    release TEXT NOT NULL REFERENCES release_boms (release),
    source TEXT NOT NULL,
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    purl TEXT NOT NULL,
    PRIMARY KEY (name, version, source, purl, release)
) STRICT;
CREATE INDEX components_of_release ON release_components (release);

-- The last day of support of an operating system, a model or a product.
CREATE TABLE support_ends (
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    versions TEXT NOT NULL,
    ends_on TEXT NOT NULL,
    source TEXT,
    put_by TEXT NOT NULL,
    put_at INTEGER NOT NULL,
    PRIMARY KEY (kind, name, versions)
) STRICT;
