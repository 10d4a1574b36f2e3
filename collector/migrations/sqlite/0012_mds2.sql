-- What vendors answered on the security of their devices (MDS2, ANSI/NEMA HN 1-2019).

-- The newest document of a model counts; its file lies among the artifacts.
CREATE TABLE mds2_documents (
    model TEXT NOT NULL,
    digest TEXT NOT NULL,
    length INTEGER NOT NULL,
    file_name TEXT NOT NULL,
    document_id TEXT NOT NULL,
    released_on TEXT,
    software_version TEXT NOT NULL,
    answers BLOB NOT NULL,
    imported_by TEXT NOT NULL,
    imported_at INTEGER NOT NULL,
    PRIMARY KEY (model, digest)
) STRICT;

-- Which class of components a product belongs to, as the questions part them.
CREATE TABLE mds2_products (
    product TEXT NOT NULL PRIMARY KEY,
    class TEXT NOT NULL
) STRICT;

-- What a person read in a document whose answer is only a note, or is missing.
CREATE TABLE mds2_readings (
    document TEXT NOT NULL,
    model TEXT NOT NULL,
    question TEXT NOT NULL,
    answer TEXT NOT NULL,
    reason TEXT NOT NULL,
    said_by TEXT NOT NULL,
    said_at INTEGER NOT NULL,
    PRIMARY KEY (model, document, question),
    FOREIGN KEY (model, document) REFERENCES mds2_documents (model, digest)
) STRICT;
