-- What people state for planning, and what a plan was made by.

-- How much may go on at once at a site, or in all of the hospital under the empty name,
-- and what a site's line carries.
CREATE TABLE work_limits (
    site TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    parallel BIGINT,
    bytes_per_second BIGINT
);

-- A server comes before its workstations.
CREATE TABLE precedence (
    first TEXT COLLATE "C" NOT NULL REFERENCES machines (id),
    next TEXT COLLATE "C" NOT NULL REFERENCES machines (id),
    PRIMARY KEY (first, next)
);

-- Releases for which people must be trained, in a unit, or in all under the empty name.
CREATE TABLE trainings (
    product TEXT COLLATE "C" NOT NULL,
    version TEXT COLLATE "C" NOT NULL,
    unit TEXT COLLATE "C" NOT NULL,
    what TEXT COLLATE "C" NOT NULL,
    confirmed_by TEXT COLLATE "C",
    confirmed_at BIGINT,
    PRIMARY KEY (product, version, unit)
);

-- Who returns machines to service, in a unit, or in all under the empty name.
CREATE TABLE duties (
    unit TEXT COLLATE "C" NOT NULL,
    who TEXT COLLATE "C" NOT NULL,
    starts_at BIGINT NOT NULL,
    ends_at BIGINT NOT NULL,
    PRIMARY KEY (unit, who, starts_at),
    CHECK (starts_at < ends_at)
);
CREATE INDEX duties_by_end ON duties (ends_at);

-- A person's dated word for a member of a coverage group that has no agent.
CREATE TABLE member_statements (
    asset TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES assets (tag),
    said_by TEXT COLLATE "C" NOT NULL,
    said_at BIGINT NOT NULL,
    until BIGINT NOT NULL
);
