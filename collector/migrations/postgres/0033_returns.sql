-- Machines whose certificate ended while they were away, or that were put away, and that ask to
-- come back. One row until the machine has its next certificate.
CREATE TABLE machine_returns (
    machine TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES machines (id),
    asked_at BIGINT NOT NULL,
    -- When a person said yes.
    accepted_at BIGINT
);
