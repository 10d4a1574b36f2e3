-- The jobs that are not over: few among all, so that those that are need not be counted by their rows.
CREATE INDEX jobs_not_ended ON jobs (plan, machine, since) WHERE standing <> 'ended';
