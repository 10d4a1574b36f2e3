-- Events of jobs that are not here yet: a restored collector may lack a plan that its machines
-- hold. They become states once the job is here.
CREATE TABLE early_events (
    outbox INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    job TEXT NOT NULL,
    PRIMARY KEY (outbox, sequence),
    FOREIGN KEY (outbox, sequence) REFERENCES journal_events (outbox, sequence)
) STRICT;
CREATE INDEX early_events_of_job ON early_events (job);
