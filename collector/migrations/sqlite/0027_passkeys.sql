-- Passkeys: public keys of authenticators, with which people sign in without a password. The
-- private halves never leave the devices of these people.

CREATE TABLE passkeys (
    -- What the authenticator calls it: 16 to 1,023 bytes of its own choice.
    id BLOB NOT NULL PRIMARY KEY,
    account TEXT NOT NULL REFERENCES accounts (name),
    -- What its person calls it.
    title TEXT NOT NULL,
    -- What the authenticator calls the person: 64 random bytes, the same for all of theirs.
    handle BLOB NOT NULL,
    -- The public key.
    key BLOB NOT NULL,
    -- What each use may change: flags, and how often it has signed.
    state BLOB NOT NULL,
    added_at INTEGER NOT NULL,
    used_at INTEGER,
    UNIQUE (account, title)
) STRICT;
