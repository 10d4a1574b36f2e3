-- Calendars that freezes come from: where they are, and their last good copy. How a feed
-- is stands in calendar_feeds; a calendar without a place was handed in once.

CREATE TABLE calendars (
    name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    scope TEXT COLLATE "C" NOT NULL,
    subject TEXT COLLATE "C" NOT NULL,
    place TEXT COLLATE "C",
    zone TEXT COLLATE "C" NOT NULL,
    every_minutes BIGINT NOT NULL,
    body BYTEA NOT NULL,
    tried_at BIGINT NOT NULL
);
