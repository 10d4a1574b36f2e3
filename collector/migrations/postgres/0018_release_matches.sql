-- What advisories say of what releases would bring, as their bills of materials list it. A row
-- per release, advisory and distinct component; what is not affected is none.
CREATE TABLE release_matches (
    release TEXT COLLATE "C" NOT NULL,
    advisory TEXT COLLATE "C" NOT NULL,
    thing TEXT COLLATE "C" NOT NULL,
    shown TEXT COLLATE "C" NOT NULL,
    value TEXT COLLATE "C" NOT NULL,
    reason TEXT COLLATE "C" NOT NULL,
    why TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (release, advisory, thing)
);
CREATE INDEX release_matches_of_advisory ON release_matches (advisory);
