-- Addresses that are read without an account: calendars, and figures for monitoring. Who has
-- the secret may read, and nothing else.
CREATE TABLE feed_links (
    name TEXT NOT NULL PRIMARY KEY,
    what TEXT NOT NULL,
    -- None for the whole hospital.
    unit TEXT REFERENCES units (name),
    secret_hash TEXT NOT NULL UNIQUE,
    made_at INTEGER NOT NULL,
    used_at INTEGER,
    ended_at INTEGER
) STRICT;

-- Which revision of an event is in people's calendars: what did not change keeps its number.
CREATE TABLE calendar_revisions (
    uid TEXT NOT NULL PRIMARY KEY,
    digest TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    -- When the event is over; it is forgotten some time after.
    ends_at INTEGER NOT NULL
) STRICT;
CREATE INDEX calendar_revisions_by_end ON calendar_revisions (ends_at);

-- Whom the collector tells by itself what is open.
CREATE TABLE notice_targets (
    name TEXT NOT NULL PRIMARY KEY,
    way TEXT NOT NULL,
    -- A URL, or addresses of mail apart by commas.
    place TEXT NOT NULL,
    -- What a webhook is signed with: it must be known to sign.
    secret TEXT,
    -- Kinds of items and units, apart by commas; none for the usual ones and for all.
    kinds TEXT NOT NULL,
    units TEXT NOT NULL,
    added_at INTEGER NOT NULL,
    -- Tries in a row that failed, the last of them, and until when it is left alone.
    failures INTEGER NOT NULL DEFAULT 0,
    problem TEXT,
    rest_until INTEGER NOT NULL DEFAULT 0,
    delivered_at INTEGER,
    -- Since when something was given up and nothing has arrived.
    gave_up_at INTEGER
) STRICT;

-- What each of them was told is open, and that it is no more.
CREATE TABLE notices_told (
    target TEXT NOT NULL REFERENCES notice_targets (name),
    item TEXT NOT NULL,
    since INTEGER NOT NULL,
    notice TEXT NOT NULL,
    told_at INTEGER NOT NULL,
    ended_at INTEGER,
    PRIMARY KEY (target, item, since)
) STRICT;

-- What waits to be delivered, and what was given up.
CREATE TABLE notice_outbox (
    id TEXT NOT NULL PRIMARY KEY,
    target TEXT NOT NULL REFERENCES notice_targets (name),
    body TEXT NOT NULL,
    made_at INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    problem TEXT,
    given_up_at INTEGER
) STRICT;
CREATE INDEX notice_outbox_of_target ON notice_outbox (target, given_up_at, due_at);
