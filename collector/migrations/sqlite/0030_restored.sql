-- A collector that was put back to a backup asks each machine what it remembers, and shows a
-- person what of that is not here. One row per machine that has answered since.
CREATE TABLE witnesses (
    machine TEXT NOT NULL PRIMARY KEY REFERENCES machines (id),
    at INTEGER NOT NULL,
    -- What it knows and this collector does not, in words; empty where that is nothing.
    ahead TEXT NOT NULL
) STRICT;

-- Heads that machines remember are looked up among all rows.
CREATE INDEX audit_by_hash ON audit (hash);
