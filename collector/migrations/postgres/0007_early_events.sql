-- Events of jobs that are not here yet: a restored collector may lack a plan that its machines
-- hold. They become states once the job is here.
CREATE TABLE early_events (
    outbox BIGINT NOT NULL,
    sequence BIGINT NOT NULL,
    job TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (outbox, sequence),
    FOREIGN KEY (outbox, sequence) REFERENCES journal_events (outbox, sequence)
);
CREATE INDEX early_events_of_job ON early_events (job);
