-- What people decide on single jobs.

-- Who closed the open item of a job that has ended, and why. What the machine reports of
-- the job later opens the matter again.
CREATE TABLE job_closings (
    job TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES jobs (id),
    closed_by TEXT COLLATE "C" NOT NULL,
    closed_at BIGINT NOT NULL,
    reason TEXT COLLATE "C" NOT NULL
);

-- Machines without an agent: who works on them.
CREATE TABLE manual_machines (
    machine TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES machines (id),
    worker TEXT COLLATE "C" NOT NULL
);

-- What people recorded of the work of a manual job, each attempt once.
CREATE TABLE manual_records (
    job TEXT COLLATE "C" NOT NULL REFERENCES jobs (id),
    attempt BIGINT NOT NULL,
    recorded_by TEXT COLLATE "C" NOT NULL,
    recorded_at BIGINT NOT NULL,
    done_by TEXT COLLATE "C",
    outcome TEXT COLLATE "C" NOT NULL,
    versions BYTEA NOT NULL,
    work_order TEXT COLLATE "C" NOT NULL,
    photo TEXT COLLATE "C",
    PRIMARY KEY (job, attempt)
);
