-- Passkeys: public keys of authenticators, with which people sign in without a password. The
-- private halves never leave the devices of these people.

CREATE TABLE passkeys (
    -- What the authenticator calls it: 16 to 1,023 bytes of its own choice.
    id BYTEA NOT NULL PRIMARY KEY,
    account TEXT COLLATE "C" NOT NULL REFERENCES accounts (name),
    -- What its person calls it.
    title TEXT COLLATE "C" NOT NULL,
    -- What the authenticator calls the person: 64 random bytes, the same for all of theirs.
    handle BYTEA NOT NULL,
    -- The public key.
    key BYTEA NOT NULL,
    -- What each use may change: flags, and how often it has signed.
    state BYTEA NOT NULL,
    added_at BIGINT NOT NULL,
    used_at BIGINT,
    UNIQUE (account, title)
);
