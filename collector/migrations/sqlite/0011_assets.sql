-- The hospital's own list: what an asset is, where it stands in its life, how its file is
-- read, and where machines are seen.

ALTER TABLE assets ADD COLUMN software_version TEXT NOT NULL DEFAULT '';
-- What it is where it is no machine: `device`, or `none_yet`.
ALTER TABLE assets ADD COLUMN kind TEXT NOT NULL DEFAULT 'none_yet';
ALTER TABLE assets ADD COLUMN life_cycle TEXT NOT NULL DEFAULT 'in_use';
ALTER TABLE assets ADD COLUMN life_cycle_since INTEGER;

-- Which column of a hospital's file is which field, by the mapping's name.
CREATE TABLE asset_mappings (
    mapping TEXT NOT NULL,
    heading TEXT NOT NULL,
    field TEXT NOT NULL,
    PRIMARY KEY (mapping, heading)
) STRICT;

-- What a new machine of a model must show before it is used.
CREATE TABLE baselines (
    name TEXT NOT NULL PRIMARY KEY,
    model TEXT NOT NULL,
    is_ready INTEGER NOT NULL,
    has_interlock INTEGER NOT NULL,
    mode TEXT
) STRICT;
CREATE INDEX baselines_of_model ON baselines (model);

CREATE TABLE baseline_components (
    baseline TEXT NOT NULL REFERENCES baselines (name),
    component TEXT NOT NULL,
    versions TEXT NOT NULL,
    PRIMARY KEY (baseline, component)
) STRICT;

-- Steps of leaving that only people can do, and who said that they are done.
CREATE TABLE leaving_steps (
    asset TEXT NOT NULL REFERENCES assets (tag),
    step TEXT NOT NULL,
    done_by TEXT NOT NULL,
    done_at INTEGER NOT NULL,
    PRIMARY KEY (asset, step)
) STRICT;

CREATE TABLE unit_subnets (
    unit TEXT NOT NULL REFERENCES units (name),
    subnet TEXT NOT NULL,
    PRIMARY KEY (unit, subnet)
) STRICT;

-- From which address a machine was heard last, and since when it is that one.
ALTER TABLE machine_seen ADD COLUMN address TEXT;
ALTER TABLE machine_seen ADD COLUMN address_since INTEGER;
