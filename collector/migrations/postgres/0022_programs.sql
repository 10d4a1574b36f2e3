-- Programs that ask over the network: what they may, and until when.

CREATE TABLE programs (
    name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    secret_hash TEXT COLLATE "C" NOT NULL UNIQUE,
    -- The gravest that it may ask for: ask, change or decide.
    scope TEXT COLLATE "C" NOT NULL,
    added_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    -- When it last asked, to the minute.
    seen_at BIGINT,
    ended_at BIGINT
);

CREATE TABLE program_grants (
    program TEXT COLLATE "C" NOT NULL REFERENCES programs (name),
    given TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (program, given)
);
