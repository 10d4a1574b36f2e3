-- On which machines and assets a mitigation was open when a person said that it is in place:
-- what comes later, nobody has looked at. Unknown for what was said before this was kept.
ALTER TABLE mitigation_attestations ADD COLUMN holders TEXT;
