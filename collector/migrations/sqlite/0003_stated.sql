-- What people state for planning, and what a plan was made by.

-- How much may go on at once at a site, or in all of the hospital under the empty name,
-- and what a site's line carries.
CREATE TABLE work_limits (
    site TEXT NOT NULL PRIMARY KEY,
    parallel INTEGER,
    bytes_per_second INTEGER
) STRICT;

-- A server comes before its workstations.
CREATE TABLE precedence (
    first TEXT NOT NULL REFERENCES machines (id),
    next TEXT NOT NULL REFERENCES machines (id),
    PRIMARY KEY (first, next)
) STRICT;

-- Releases for which people must be trained, in a unit, or in all under the empty name.
CREATE TABLE trainings (
    product TEXT NOT NULL,
    version TEXT NOT NULL,
    unit TEXT NOT NULL,
    what TEXT NOT NULL,
    confirmed_by TEXT,
    confirmed_at INTEGER,
    PRIMARY KEY (product, version, unit)
) STRICT;

-- Who returns machines to service, in a unit, or in all under the empty name.
CREATE TABLE duties (
    unit TEXT NOT NULL,
    who TEXT NOT NULL,
    starts_at INTEGER NOT NULL,
    ends_at INTEGER NOT NULL,
    PRIMARY KEY (unit, who, starts_at),
    CHECK (starts_at < ends_at)
) STRICT;
CREATE INDEX duties_by_end ON duties (ends_at);

-- A person's dated word for a member of a coverage group that has no agent.
CREATE TABLE member_statements (
    asset TEXT NOT NULL PRIMARY KEY REFERENCES assets (tag),
    said_by TEXT NOT NULL,
    said_at INTEGER NOT NULL,
    until INTEGER NOT NULL
) STRICT;
