-- The collectors that run on this database, each with what it last said of itself. That `beat`
-- moves is its sign of life: those who look measure with their own clocks for how long it stood
-- still, so that no two clocks are held against each other.
CREATE TABLE collectors (
    -- Drawn at its start.
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    host TEXT COLLATE "C" NOT NULL,
    -- Where machines reach it.
    address TEXT COLLATE "C" NOT NULL,
    version TEXT COLLATE "C" NOT NULL,
    started_at BIGINT NOT NULL,
    beat BIGINT NOT NULL,
    -- By its own clock, for people.
    beat_at BIGINT NOT NULL,
    -- How many machines are connected with it.
    connected BIGINT NOT NULL,
    -- How far each stop in force has come with them, as JSON.
    reach TEXT COLLATE "C" NOT NULL
);
-- Work that must happen once, and which collector does it. It ends with the row of its holder.
CREATE TABLE claims (
    work TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    holder TEXT COLLATE "C" NOT NULL,
    since BIGINT NOT NULL
);
-- What machines have reported to other collectors since a while ago.
CREATE INDEX machine_sets_by_since ON machine_sets (since);
