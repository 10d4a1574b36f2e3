-- How waves open, what halts a release on a model, and who is called at night.

-- What was asked for when a plan was made: what a finished plan shows of it may be less.
-- `asked` is the request itself, from which the same can be asked again.
CREATE TABLE plan_policies (
    plan TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES plans (id),
    soak_ms BIGINT NOT NULL,
    share_percent BIGINT NOT NULL,
    asked TEXT COLLATE "C"
);

CREATE TABLE plan_releases (
    plan TEXT COLLATE "C" NOT NULL REFERENCES plans (id),
    sha256 TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (plan, sha256)
);
CREATE INDEX plans_of_release ON plan_releases (sha256);

-- A person opened a wave whose wave before had too few outcomes, or too few good ones.
CREATE TABLE wave_openings (
    plan TEXT COLLATE "C" NOT NULL REFERENCES plans (id),
    wave BIGINT NOT NULL,
    opened_at BIGINT NOT NULL,
    opened_by TEXT COLLATE "C" NOT NULL,
    reason TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (plan, wave)
);

-- What went wrong counts until a person judged it: 1 for the plan, 2 for the release on
-- its model, 4 for a wave that was opened. A new state of the job is not judged.
ALTER TABLE jobs ADD COLUMN judged BIGINT NOT NULL DEFAULT 0;

-- Every go counts what came out of the wave before, and what went wrong.
CREATE INDEX jobs_by_wave ON jobs (plan, wave, word);
CREATE INDEX jobs_gone_wrong ON jobs (plan) WHERE word IN ('failed', 'rolled_back', 'freed');

-- Who is called, first level first; the empty subject stands for the whole hospital.
CREATE TABLE on_call (
    scope TEXT COLLATE "C" NOT NULL,
    subject TEXT COLLATE "C" NOT NULL,
    level BIGINT NOT NULL,
    who TEXT COLLATE "C" NOT NULL,
    contact TEXT COLLATE "C" NOT NULL,
    after_minutes BIGINT NOT NULL,
    PRIMARY KEY (scope, subject, level)
);

-- Who has heard of an item, as it is open since then: escalation ends.
CREATE TABLE acknowledgements (
    item TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    since BIGINT NOT NULL,
    heard_by TEXT COLLATE "C" NOT NULL,
    heard_at BIGINT NOT NULL
);
