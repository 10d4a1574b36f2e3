-- Long lists, a page at a time: in the order in which they are shown, and by unit.
CREATE INDEX machines_in_order ON machines (name, id);
CREATE INDEX machines_of_unit_in_order ON machines (unit, name, id);
DROP INDEX machines_of_unit;
-- Narrow, so that all of them are counted by it too.
CREATE INDEX jobs_in_order ON jobs (since);

-- The jobs that may ask something of somebody: few among all that ended well.
CREATE INDEX jobs_not_in_service ON jobs (machine) WHERE word <> 'in_service';
