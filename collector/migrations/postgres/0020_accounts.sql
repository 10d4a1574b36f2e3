-- People who use the page. What starts work is signed by keys of the roster, not by these.

CREATE TABLE accounts (
    name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    title TEXT COLLATE "C" NOT NULL,
    -- Argon2id as a PHC string; none until a link was followed.
    password TEXT COLLATE "C",
    -- The secret of the second factor, in base 32; none until it was confirmed.
    totp TEXT COLLATE "C",
    -- The last step whose code was taken: none is taken twice.
    totp_step BIGINT NOT NULL DEFAULT 0,
    -- Wrong answers in a row, and until when none is heard.
    failures BIGINT NOT NULL DEFAULT 0,
    locked_until BIGINT,
    added_at BIGINT NOT NULL,
    ended_at BIGINT
);

CREATE TABLE account_grants (
    account TEXT COLLATE "C" NOT NULL REFERENCES accounts (name),
    given TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (account, given)
);

-- One-time links: of the first administrator (no account yet), and of each new account.
CREATE TABLE account_links (
    secret_hash TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    account TEXT COLLATE "C" REFERENCES accounts (name),
    made_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT
);

CREATE TABLE sessions (
    secret_hash TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    account TEXT COLLATE "C" NOT NULL REFERENCES accounts (name),
    -- What its forms carry; rotation keeps it.
    form_token TEXT COLLATE "C" NOT NULL,
    -- When the person proved who they are; rotation keeps it.
    proved_at BIGINT NOT NULL,
    -- When this secret was made, when it was last used, when it is worth nothing.
    made_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    ends_at BIGINT NOT NULL
);
CREATE INDEX sessions_of_account ON sessions (account);
CREATE INDEX sessions_by_end ON sessions (ends_at);

-- Forms that were carried out: none is carried out twice.
CREATE TABLE used_forms (
    form TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    used_at BIGINT NOT NULL
);
CREATE INDEX used_forms_by_time ON used_forms (used_at);

-- The ward's links: who has one may say "not now" in its unit, and nothing else.
CREATE TABLE kiosks (
    name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    unit TEXT COLLATE "C" NOT NULL REFERENCES units (name),
    secret_hash TEXT COLLATE "C" NOT NULL UNIQUE,
    made_at BIGINT NOT NULL,
    ended_at BIGINT
);

-- Public keys that browsers ask to have taken into the roster. A registrar decides.
CREATE TABLE key_requests (
    key TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    account TEXT COLLATE "C" NOT NULL REFERENCES accounts (name),
    asked_at BIGINT NOT NULL,
    dropped_at BIGINT
);
