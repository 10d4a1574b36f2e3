-- What lists count and sort by, without looking at each row.
-- The jobs of a plan that did not come to their good end.
CREATE INDEX jobs_of_plan_not_in_service ON jobs (plan, word) WHERE word <> 'in_service';
-- The assets that are no machine.
CREATE INDEX assets_without_machine ON assets (tag) WHERE machine IS NULL;
-- The hospital's list by its tags, as people sort it.
CREATE INDEX assets_in_order ON assets (LOWER(tag), tag);
