-- What people decide on single jobs.

-- Who closed the open item of a job that has ended, and why. What the machine reports of
-- the job later opens the matter again.
CREATE TABLE job_closings (
    job TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES jobs (id),
    closed_by TEXT COLLATE "C" NOT NULL,
    closed_at BIGINT NOT NULL,
    reason TEXT COLLATE "C" NOT NULL
);
