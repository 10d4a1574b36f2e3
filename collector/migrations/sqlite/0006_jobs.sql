-- What people decide on single jobs.

-- Who closed the open item of a job that has ended, and why. What the machine reports of
-- the job later opens the matter again.
CREATE TABLE job_closings (
    job TEXT NOT NULL PRIMARY KEY REFERENCES jobs (id),
    closed_by TEXT NOT NULL,
    closed_at INTEGER NOT NULL,
    reason TEXT NOT NULL
) STRICT;

-- Machines without an agent: who works on them.
CREATE TABLE manual_machines (
    machine TEXT NOT NULL PRIMARY KEY REFERENCES machines (id),
    worker TEXT NOT NULL
) STRICT;

-- What people recorded of the work of a manual job, each attempt once.
CREATE TABLE manual_records (
    job TEXT NOT NULL REFERENCES jobs (id),
    attempt INTEGER NOT NULL,
    recorded_by TEXT NOT NULL,
    recorded_at INTEGER NOT NULL,
    done_by TEXT,
    outcome TEXT NOT NULL,
    versions BLOB NOT NULL,
    work_order TEXT NOT NULL,
    photo TEXT,
    PRIMARY KEY (job, attempt)
) STRICT;
