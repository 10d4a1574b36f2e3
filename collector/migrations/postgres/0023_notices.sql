-- Addresses that are read without an account: calendars, and figures for monitoring. Who has
-- the secret may read, and nothing else.
CREATE TABLE feed_links (
    name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    what TEXT COLLATE "C" NOT NULL,
    -- None for the whole hospital.
    unit TEXT COLLATE "C" REFERENCES units (name),
    secret_hash TEXT COLLATE "C" NOT NULL UNIQUE,
    made_at BIGINT NOT NULL,
    used_at BIGINT,
    ended_at BIGINT
);

-- Which revision of an event is in people's calendars: what did not change keeps its number.
CREATE TABLE calendar_revisions (
    uid TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    digest TEXT COLLATE "C" NOT NULL,
    sequence BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    -- When the event is over; it is forgotten some time after.
    ends_at BIGINT NOT NULL
);
CREATE INDEX calendar_revisions_by_end ON calendar_revisions (ends_at);

-- Whom the collector tells by itself what is open.
CREATE TABLE notice_targets (
    name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    way TEXT COLLATE "C" NOT NULL,
    -- A URL, or addresses of mail apart by commas.
    place TEXT COLLATE "C" NOT NULL,
    -- What a webhook is signed with: it must be known to sign.
    secret TEXT COLLATE "C",
    -- Kinds of items and units, apart by commas; none for the usual ones and for all.
    kinds TEXT COLLATE "C" NOT NULL,
    units TEXT COLLATE "C" NOT NULL,
    added_at BIGINT NOT NULL,
    -- Tries in a row that failed, the last of them, and until when it is left alone.
    failures BIGINT NOT NULL DEFAULT 0,
    problem TEXT COLLATE "C",
    rest_until BIGINT NOT NULL DEFAULT 0,
    delivered_at BIGINT,
    -- Since when something was given up and nothing has arrived.
    gave_up_at BIGINT
);

-- What each of them was told is open, and that it is no more.
CREATE TABLE notices_told (
    target TEXT COLLATE "C" NOT NULL REFERENCES notice_targets (name),
    item TEXT COLLATE "C" NOT NULL,
    since BIGINT NOT NULL,
    notice TEXT COLLATE "C" NOT NULL,
    told_at BIGINT NOT NULL,
    ended_at BIGINT,
    PRIMARY KEY (target, item, since)
);

-- What waits to be delivered, and what was given up.
CREATE TABLE notice_outbox (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    target TEXT COLLATE "C" NOT NULL REFERENCES notice_targets (name),
    body TEXT COLLATE "C" NOT NULL,
    made_at BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL DEFAULT 0,
    problem TEXT COLLATE "C",
    given_up_at BIGINT
);
CREATE INDEX notice_outbox_of_target ON notice_outbox (target, given_up_at, due_at);
