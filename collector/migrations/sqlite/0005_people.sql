-- What people wait for and decide: when machines are idle, what became of slots, due
-- dates, who took which item, and the way back into service.

-- One row per machine: seconds by the interlock's word and hour of the week, and the
-- newest changes of the word. Bytes, because it is read and written whole.
CREATE TABLE interlock_history (
    machine TEXT NOT NULL PRIMARY KEY REFERENCES machines (id),
    hours BLOB NOT NULL,
    changed_at INTEGER NOT NULL
) STRICT;

CREATE TABLE slot_outcomes (
    job TEXT NOT NULL REFERENCES jobs (id),
    slot_start INTEGER NOT NULL,
    machine TEXT NOT NULL REFERENCES machines (id),
    outcome TEXT NOT NULL,
    PRIMARY KEY (job, slot_start)
) STRICT;
CREATE INDEX outcomes_of_machine ON slot_outcomes (machine);

CREATE TABLE plan_due (
    plan TEXT NOT NULL PRIMARY KEY REFERENCES plans (id),
    due INTEGER NOT NULL
) STRICT;

-- Machines that were asked for and are in no slot of a plan.
CREATE TABLE plan_unfit (
    plan TEXT NOT NULL,
    machine TEXT NOT NULL,
    reason TEXT NOT NULL,
    owner TEXT NOT NULL,
    PRIMARY KEY (plan, machine)
) STRICT;

CREATE TABLE item_takers (
    item TEXT NOT NULL PRIMARY KEY,
    taker TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;

CREATE TABLE exceptions (
    machine TEXT NOT NULL PRIMARY KEY REFERENCES machines (id),
    until INTEGER NOT NULL,
    control TEXT NOT NULL,
    set_by TEXT NOT NULL,
    set_at INTEGER NOT NULL
) STRICT;

-- The empty model stands for every model of the class.
CREATE TABLE checklists (
    class TEXT NOT NULL,
    model TEXT NOT NULL,
    step TEXT NOT NULL,
    position INTEGER NOT NULL,
    title TEXT NOT NULL,
    PRIMARY KEY (class, model, step)
) STRICT;
