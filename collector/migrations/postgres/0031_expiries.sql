-- Which steps on the way to an end the log has told of: 90, 30 and 7 days before, and 0. One
-- line for each, whichever collector writes it and however often it starts.
CREATE TABLE expiries_told (
    -- Its kind and its name.
    thing TEXT COLLATE "C" NOT NULL,
    ends_at BIGINT NOT NULL,
    days BIGINT NOT NULL,
    told_at BIGINT NOT NULL,
    PRIMARY KEY (thing, ends_at, days)
);
-- What ended long ago is forgotten.
CREATE INDEX expiries_told_by_end ON expiries_told (ends_at);
