-- The members of coverage groups that are no machine: a handful of assets, and every plan asks for them.
CREATE INDEX assets_in_groups ON assets (tag) WHERE machine IS NULL AND coverage_group IS NOT NULL;
