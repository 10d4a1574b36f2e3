-- When an asset was accepted, so that what goes from acceptance into storage does not come
-- into use from there unseen. What is used counts as accepted; of what is stored or loaned
-- nobody kept it, and it is accepted before it is used again.
ALTER TABLE assets ADD COLUMN accepted_at INTEGER;
UPDATE assets SET accepted_at = COALESCE(life_cycle_since, 0) WHERE life_cycle = 'in_use';

-- Whether what a device answered is the version by which its model is known, until when the
-- answer says what there is (a week where nobody said how often it is asked), and since when
-- it says nothing any more.
ALTER TABLE device_answers ADD COLUMN of_model INTEGER NOT NULL DEFAULT 0;
ALTER TABLE device_answers ADD COLUMN known_until INTEGER;
ALTER TABLE device_answers ADD COLUMN lost_at INTEGER;
UPDATE device_answers SET known_until = answered_at + 604800000;
