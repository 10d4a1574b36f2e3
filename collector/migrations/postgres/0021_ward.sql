-- "Not now", said by several on one thing: each ends their own, and the longest counts.
ALTER TABLE holds RENAME TO holds_before;
CREATE TABLE holds (
    scope TEXT COLLATE "C" NOT NULL,
    subject TEXT COLLATE "C" NOT NULL,
    until BIGINT NOT NULL,
    reason TEXT COLLATE "C" NOT NULL,
    set_by TEXT COLLATE "C" NOT NULL,
    set_at BIGINT NOT NULL,
    PRIMARY KEY (scope, subject, set_by)
);
INSERT INTO holds (scope, subject, until, reason, set_by, set_at)
SELECT scope, subject, until, reason, set_by, set_at FROM holds_before;
DROP TABLE holds_before;

-- The ward asks for the handover of a machine. It hands nothing over: that is signed, or
-- said at the machine.
CREATE TABLE handover_asks (
    machine TEXT COLLATE "C" NOT NULL REFERENCES machines (id),
    asked_at BIGINT NOT NULL,
    asked_by TEXT COLLATE "C" NOT NULL,
    ended_at BIGINT,
    ended_by TEXT COLLATE "C",
    PRIMARY KEY (machine, asked_at)
);
CREATE UNIQUE INDEX handover_asks_open ON handover_asks (machine) WHERE ended_at IS NULL;
