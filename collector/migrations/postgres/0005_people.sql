-- What people wait for and decide: when machines are idle, what became of slots, due
-- dates, who took which item, and the way back into service.

-- One row per machine: seconds by the interlock's word and hour of the week, and the
-- newest changes of the word. Bytes, because it is read and written whole.
CREATE TABLE interlock_history (
    machine TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES machines (id),
    hours BYTEA NOT NULL,
    changed_at BIGINT NOT NULL
);

CREATE TABLE slot_outcomes (
    job TEXT COLLATE "C" NOT NULL REFERENCES jobs (id),
    slot_start BIGINT NOT NULL,
    machine TEXT COLLATE "C" NOT NULL REFERENCES machines (id),
    outcome TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (job, slot_start)
);
CREATE INDEX outcomes_of_machine ON slot_outcomes (machine);

CREATE TABLE plan_due (
    plan TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES plans (id),
    due BIGINT NOT NULL
);

-- Machines that were asked for and are in no slot of a plan.
CREATE TABLE plan_unfit (
    plan TEXT COLLATE "C" NOT NULL,
    machine TEXT COLLATE "C" NOT NULL,
    reason TEXT COLLATE "C" NOT NULL,
    owner TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (plan, machine)
);

CREATE TABLE item_takers (
    item TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    taker TEXT COLLATE "C" NOT NULL,
    at BIGINT NOT NULL
);

CREATE TABLE exceptions (
    machine TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES machines (id),
    until BIGINT NOT NULL,
    control TEXT COLLATE "C" NOT NULL,
    set_by TEXT COLLATE "C" NOT NULL,
    set_at BIGINT NOT NULL
);

-- The empty model stands for every model of the class.
CREATE TABLE checklists (
    class TEXT COLLATE "C" NOT NULL,
    model TEXT COLLATE "C" NOT NULL,
    step TEXT COLLATE "C" NOT NULL,
    position BIGINT NOT NULL,
    title TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (class, model, step)
);
