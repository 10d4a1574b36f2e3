-- People who use the page. What starts work is signed by keys of the roster, not by these.

CREATE TABLE accounts (
    name TEXT NOT NULL PRIMARY KEY,
    title TEXT NOT NULL,
    -- Argon2id as a PHC string; none until a link was followed.
    password TEXT,
    -- The secret of the second factor, in base 32; none until it was confirmed.
    totp TEXT,
    -- The last step whose code was taken: none is taken twice.
    totp_step INTEGER NOT NULL DEFAULT 0,
    -- Wrong answers in a row, and until when none is heard.
    failures INTEGER NOT NULL DEFAULT 0,
    locked_until INTEGER,
    added_at INTEGER NOT NULL,
    ended_at INTEGER
) STRICT;

CREATE TABLE account_grants (
    account TEXT NOT NULL REFERENCES accounts (name),
    given TEXT NOT NULL,
    PRIMARY KEY (account, given)
) STRICT;

-- One-time links: of the first administrator (no account yet), and of each new account.
CREATE TABLE account_links (
    secret_hash TEXT NOT NULL PRIMARY KEY,
    account TEXT REFERENCES accounts (name),
    made_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER
) STRICT;

CREATE TABLE sessions (
    secret_hash TEXT NOT NULL PRIMARY KEY,
    account TEXT NOT NULL REFERENCES accounts (name),
    -- What its forms carry; rotation keeps it.
    form_token TEXT NOT NULL,
    -- When the person proved who they are; rotation keeps it.
    proved_at INTEGER NOT NULL,
    -- When this secret was made, when it was last used, when it is worth nothing.
    made_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,
    ends_at INTEGER NOT NULL
) STRICT;
CREATE INDEX sessions_of_account ON sessions (account);
CREATE INDEX sessions_by_end ON sessions (ends_at);

-- Forms that were carried out: none is carried out twice.
CREATE TABLE used_forms (
    form TEXT NOT NULL PRIMARY KEY,
    used_at INTEGER NOT NULL
) STRICT;
CREATE INDEX used_forms_by_time ON used_forms (used_at);

-- The ward's links: who has one may say "not now" in its unit, and nothing else.
CREATE TABLE kiosks (
    name TEXT NOT NULL PRIMARY KEY,
    unit TEXT NOT NULL REFERENCES units (name),
    secret_hash TEXT NOT NULL UNIQUE,
    made_at INTEGER NOT NULL,
    ended_at INTEGER
) STRICT;

-- Public keys that browsers ask to have taken into the roster. A registrar decides.
CREATE TABLE key_requests (
    key TEXT NOT NULL PRIMARY KEY,
    account TEXT NOT NULL REFERENCES accounts (name),
    asked_at INTEGER NOT NULL,
    dropped_at INTEGER
) STRICT;
