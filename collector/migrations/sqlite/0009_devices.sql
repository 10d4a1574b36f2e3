-- Medical devices: which machine may speak for which asset, and what the device answered.

CREATE TABLE device_watches (
    asset TEXT NOT NULL REFERENCES assets (tag),
    machine TEXT NOT NULL REFERENCES machines (id),
    PRIMARY KEY (asset, machine)
) STRICT;
CREATE INDEX devices_of_machine ON device_watches (machine);

-- The last answer of each component by each way: a version stays while newer asks fail.
CREATE TABLE device_answers (
    asset TEXT NOT NULL,
    component TEXT NOT NULL,
    machine TEXT NOT NULL REFERENCES machines (id),
    asked_at INTEGER NOT NULL,
    problem TEXT,
    answered_at INTEGER,
    version TEXT,
    PRIMARY KEY (asset, component, machine)
) STRICT;

-- Which set a machine had from when on: what ran there on a day. The newest is the row of
-- machine_sets too.
CREATE TABLE machine_set_history (
    machine TEXT NOT NULL REFERENCES machines (id),
    since INTEGER NOT NULL,
    digest TEXT NOT NULL REFERENCES component_sets (digest),
    PRIMARY KEY (machine, since)
) STRICT;
CREATE INDEX history_of_set ON machine_set_history (digest);
INSERT INTO machine_set_history (machine, since, digest)
    SELECT machine, since, digest FROM machine_sets;
