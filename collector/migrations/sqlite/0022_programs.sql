-- Programs that ask over the network: what they may, and until when.

CREATE TABLE programs (
    name TEXT NOT NULL PRIMARY KEY,
    secret_hash TEXT NOT NULL UNIQUE,
    -- The gravest that it may ask for: ask, change or decide.
    scope TEXT NOT NULL,
    added_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    -- When it last asked, to the minute.
    seen_at INTEGER,
    ended_at INTEGER
) STRICT;

CREATE TABLE program_grants (
    program TEXT NOT NULL REFERENCES programs (name),
    given TEXT NOT NULL,
    PRIMARY KEY (program, given)
) STRICT;
