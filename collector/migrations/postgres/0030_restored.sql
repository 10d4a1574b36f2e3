-- A collector that was put back to a backup asks each machine what it remembers, and shows a
-- person what of that is not here. One row per machine that has answered since.
CREATE TABLE witnesses (
    machine TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES machines (id),
    at BIGINT NOT NULL,
    -- What it knows and this collector does not, in words; empty where that is nothing.
    ahead TEXT COLLATE "C" NOT NULL
);

-- Heads that machines remember are looked up among all rows.
CREATE INDEX audit_by_hash ON audit (hash);
