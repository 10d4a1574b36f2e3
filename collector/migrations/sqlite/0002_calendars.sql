-- Calendars that freezes come from: where they are, and their last good copy. How a feed
-- is stands in calendar_feeds; a calendar without a place was handed in once.

CREATE TABLE calendars (
    name TEXT NOT NULL PRIMARY KEY,
    scope TEXT NOT NULL,
    subject TEXT NOT NULL,
    place TEXT,
    zone TEXT NOT NULL,
    every_minutes INTEGER NOT NULL,
    body BLOB NOT NULL,
    tried_at INTEGER NOT NULL
) STRICT;
