-- What there are few of among all assets and machines, and every plan and every list of matches asks for.
-- The members of coverage groups that are no machine.
CREATE INDEX assets_in_groups ON assets (tag) WHERE machine IS NULL AND coverage_group IS NOT NULL;
-- The makers and models that the hospital still has.
CREATE INDEX models_of_assets ON assets (manufacturer, model)
    WHERE model <> '' AND life_cycle <> 'decommissioned';
-- The machines without an agent.
CREATE INDEX machines_by_hand ON machines (id) WHERE mode = 'manual';
