-- "Not now", said by several on one thing: each ends their own, and the longest counts.
ALTER TABLE holds RENAME TO holds_before;
CREATE TABLE holds (
    scope TEXT NOT NULL,
    subject TEXT NOT NULL,
    until INTEGER NOT NULL,
    reason TEXT NOT NULL,
    set_by TEXT NOT NULL,
    set_at INTEGER NOT NULL,
    PRIMARY KEY (scope, subject, set_by)
) STRICT;
INSERT INTO holds (scope, subject, until, reason, set_by, set_at)
SELECT scope, subject, until, reason, set_by, set_at FROM holds_before;
DROP TABLE holds_before;

-- The ward asks for the handover of a machine. It hands nothing over: that is signed, or
-- said at the machine.
CREATE TABLE handover_asks (
    machine TEXT NOT NULL REFERENCES machines (id),
    asked_at INTEGER NOT NULL,
    asked_by TEXT NOT NULL,
    ended_at INTEGER,
    ended_by TEXT,
    PRIMARY KEY (machine, asked_at)
) STRICT;
CREATE UNIQUE INDEX handover_asks_open ON handover_asks (machine) WHERE ended_at IS NULL;
