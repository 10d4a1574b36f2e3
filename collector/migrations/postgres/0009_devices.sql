-- Medical devices: which machine may speak for which asset, and what the device answered.

CREATE TABLE device_watches (
    asset TEXT COLLATE "C" NOT NULL REFERENCES assets (tag),
    machine TEXT COLLATE "C" NOT NULL REFERENCES machines (id),
    PRIMARY KEY (asset, machine)
);
CREATE INDEX devices_of_machine ON device_watches (machine);

-- The last answer of each component by each way: a version stays while newer asks fail.
CREATE TABLE device_answers (
    asset TEXT COLLATE "C" NOT NULL,
    component TEXT COLLATE "C" NOT NULL,
    machine TEXT COLLATE "C" NOT NULL REFERENCES machines (id),
    asked_at BIGINT NOT NULL,
    problem TEXT COLLATE "C",
    answered_at BIGINT,
    version TEXT COLLATE "C",
    PRIMARY KEY (asset, component, machine)
);

-- Which set a machine had from when on: what ran there on a day. The newest is the row of
-- machine_sets too.
CREATE TABLE machine_set_history (
    machine TEXT COLLATE "C" NOT NULL REFERENCES machines (id),
    since BIGINT NOT NULL,
    digest TEXT COLLATE "C" NOT NULL REFERENCES component_sets (digest),
    PRIMARY KEY (machine, since)
);
CREATE INDEX history_of_set ON machine_set_history (digest);
INSERT INTO machine_set_history (machine, since, digest)
    SELECT machine, since, digest FROM machine_sets;
