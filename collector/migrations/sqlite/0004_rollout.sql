-- How waves open, what halts a release on a model, and who is called at night.

-- What was asked for when a plan was made: what a finished plan shows of it may be less.
-- `asked` is the request itself, from which the same can be asked again.
CREATE TABLE plan_policies (
    plan TEXT NOT NULL PRIMARY KEY REFERENCES plans (id),
    soak_ms INTEGER NOT NULL,
    share_percent INTEGER NOT NULL,
    asked TEXT
) STRICT;

CREATE TABLE plan_releases (
    plan TEXT NOT NULL REFERENCES plans (id),
    sha256 TEXT NOT NULL,
    PRIMARY KEY (plan, sha256)
) STRICT;
CREATE INDEX plans_of_release ON plan_releases (sha256);

-- A person opened a wave whose wave before had too few outcomes, or too few good ones.
CREATE TABLE wave_openings (
    plan TEXT NOT NULL REFERENCES plans (id),
    wave INTEGER NOT NULL,
    opened_at INTEGER NOT NULL,
    opened_by TEXT NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (plan, wave)
) STRICT;

-- What went wrong counts until a person judged it: 1 for the plan, 2 for the release on
-- its model, 4 for a wave that was opened. A new state of the job is not judged.
ALTER TABLE jobs ADD COLUMN judged INTEGER NOT NULL DEFAULT 0;

-- Every go counts what came out of the wave before, and what went wrong.
CREATE INDEX jobs_by_wave ON jobs (plan, wave, word);
CREATE INDEX jobs_gone_wrong ON jobs (plan) WHERE word IN ('failed', 'rolled_back', 'freed');

-- Who is called, first level first; the empty subject stands for the whole hospital.
CREATE TABLE on_call (
    scope TEXT NOT NULL,
    subject TEXT NOT NULL,
    level INTEGER NOT NULL,
    who TEXT NOT NULL,
    contact TEXT NOT NULL,
    after_minutes INTEGER NOT NULL,
    PRIMARY KEY (scope, subject, level)
) STRICT;

-- Who has heard of an item, as it is open since then: escalation ends.
CREATE TABLE acknowledgements (
    item TEXT NOT NULL PRIMARY KEY,
    since INTEGER NOT NULL,
    heard_by TEXT NOT NULL,
    heard_at INTEGER NOT NULL
) STRICT;
