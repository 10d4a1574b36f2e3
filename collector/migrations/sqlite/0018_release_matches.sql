-- What advisories say of what releases would bring, as their bills of materials list it. A row
-- per release, advisory and distinct component; what is not affected is none.
CREATE TABLE release_matches (
    release TEXT NOT NULL,
    advisory TEXT NOT NULL,
    thing TEXT NOT NULL,
    shown TEXT NOT NULL,
    value TEXT NOT NULL,
    reason TEXT NOT NULL,
    why TEXT NOT NULL,
    PRIMARY KEY (release, advisory, thing)
) STRICT;
CREATE INDEX release_matches_of_advisory ON release_matches (advisory);
