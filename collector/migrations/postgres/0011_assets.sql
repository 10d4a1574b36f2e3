-- The hospital's own list: what an asset is, where it stands in its life, how its file is
-- read, and where machines are seen.

ALTER TABLE assets ADD COLUMN software_version TEXT COLLATE "C" NOT NULL DEFAULT '';
-- What it is where it is no machine: `device`, or `none_yet`.
ALTER TABLE assets ADD COLUMN kind TEXT COLLATE "C" NOT NULL DEFAULT 'none_yet';
ALTER TABLE assets ADD COLUMN life_cycle TEXT COLLATE "C" NOT NULL DEFAULT 'in_use';
ALTER TABLE assets ADD COLUMN life_cycle_since BIGINT;

-- Which column of a hospital's file is which field, by the mapping's name.
CREATE TABLE asset_mappings (
    mapping TEXT COLLATE "C" NOT NULL,
    heading TEXT COLLATE "C" NOT NULL,
    field TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (mapping, heading)
);

-- What a new machine of a model must show before it is used.
CREATE TABLE baselines (
    name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    model TEXT COLLATE "C" NOT NULL,
    is_ready BIGINT NOT NULL,
    has_interlock BIGINT NOT NULL,
    mode TEXT COLLATE "C"
);
CREATE INDEX baselines_of_model ON baselines (model);

CREATE TABLE baseline_components (
    baseline TEXT COLLATE "C" NOT NULL REFERENCES baselines (name),
    component TEXT COLLATE "C" NOT NULL,
    versions TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (baseline, component)
);

-- Steps of leaving that only people can do, and who said that they are done.
CREATE TABLE leaving_steps (
    asset TEXT COLLATE "C" NOT NULL REFERENCES assets (tag),
    step TEXT COLLATE "C" NOT NULL,
    done_by TEXT COLLATE "C" NOT NULL,
    done_at BIGINT NOT NULL,
    PRIMARY KEY (asset, step)
);

CREATE TABLE unit_subnets (
    unit TEXT COLLATE "C" NOT NULL REFERENCES units (name),
    subnet TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (unit, subnet)
);

-- From which address a machine was heard last, and since when it is that one.
ALTER TABLE machine_seen ADD COLUMN address TEXT COLLATE "C";
ALTER TABLE machine_seen ADD COLUMN address_since BIGINT;
