-- How many machines stood how, counted once a day: of each unit, and of the whole hospital,
-- which has no name here. A day without a row of the whole was not counted.
CREATE TABLE fleet_days (
    unit TEXT COLLATE "C" NOT NULL,
    -- Days since 1970-01-01, in UTC.
    day BIGINT NOT NULL,
    counted_at BIGINT NOT NULL,
    -- As `planned=2 verified=40`.
    states TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (unit, day)
);
-- What is too old goes day by day.
CREATE INDEX fleet_days_by_day ON fleet_days (day);
