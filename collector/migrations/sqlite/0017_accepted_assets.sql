-- When an asset was accepted, so that what goes from acceptance into storage does not come
-- into use from there unseen. What is used counts as accepted; of what is stored or loaned
-- nobody kept it, and it is accepted before it is used again.
ALTER TABLE assets ADD COLUMN accepted_at INTEGER;
UPDATE assets SET accepted_at = COALESCE(life_cycle_since, 0) WHERE life_cycle = 'in_use';
