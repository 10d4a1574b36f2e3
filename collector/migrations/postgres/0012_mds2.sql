-- What vendors answered on the security of their devices (MDS2, ANSI/NEMA HN 1-2019).

-- The newest document of a model counts; its file lies among the artifacts.
CREATE TABLE mds2_documents (
    model TEXT COLLATE "C" NOT NULL,
    digest TEXT COLLATE "C" NOT NULL,
    length BIGINT NOT NULL,
    file_name TEXT COLLATE "C" NOT NULL,
    document_id TEXT COLLATE "C" NOT NULL,
    released_on TEXT COLLATE "C",
    software_version TEXT COLLATE "C" NOT NULL,
    answers BYTEA NOT NULL,
    imported_by TEXT COLLATE "C" NOT NULL,
    imported_at BIGINT NOT NULL,
    PRIMARY KEY (model, digest)
);

-- Which class of components a product belongs to, as the questions part them.
CREATE TABLE mds2_products (
    product TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    class TEXT COLLATE "C" NOT NULL
);

-- What a person read in a document whose answer is only a note, or is missing.
CREATE TABLE mds2_readings (
    document TEXT COLLATE "C" NOT NULL,
    model TEXT COLLATE "C" NOT NULL,
    question TEXT COLLATE "C" NOT NULL,
    answer TEXT COLLATE "C" NOT NULL,
    reason TEXT COLLATE "C" NOT NULL,
    said_by TEXT COLLATE "C" NOT NULL,
    said_at BIGINT NOT NULL,
    PRIMARY KEY (model, document, question),
    FOREIGN KEY (model, document) REFERENCES mds2_documents (model, digest)
);
