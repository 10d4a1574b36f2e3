-- How many jobs a plan was given: jobs are never removed, and the list of all of them says with
-- each page how many there are.
ALTER TABLE plans ADD COLUMN jobs BIGINT NOT NULL DEFAULT 0;
UPDATE plans SET jobs = (SELECT COUNT(*) FROM jobs WHERE jobs.plan = plans.id);
-- Added up from here, without the documents of the plans.
CREATE INDEX plans_by_jobs ON plans (jobs);
