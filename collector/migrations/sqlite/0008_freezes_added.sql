-- Since when a freeze is known: the ward is told since when signed work is withheld. Freezes
-- that were there before have 0, which is before every plan.
ALTER TABLE freezes ADD COLUMN added_at INTEGER NOT NULL DEFAULT 0;
