-- How many machines stood how, counted once a day: of each unit, and of the whole hospital,
-- which has no name here. A day without a row of the whole was not counted.
CREATE TABLE fleet_days (
    unit TEXT NOT NULL,
    -- Days since 1970-01-01, in UTC.
    day INTEGER NOT NULL,
    counted_at INTEGER NOT NULL,
    -- As `planned=2 verified=40`.
    states TEXT NOT NULL,
    PRIMARY KEY (unit, day)
) STRICT;
-- What is too old goes day by day.
CREATE INDEX fleet_days_by_day ON fleet_days (day);
