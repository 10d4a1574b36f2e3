-- While the certificate authority is being followed by the next one: machines that came with a
-- certificate of the next, and so trust it. Emptied when it begins and when it is over.
CREATE TABLE authority_reached (
    machine TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES machines (id),
    at BIGINT NOT NULL
);
