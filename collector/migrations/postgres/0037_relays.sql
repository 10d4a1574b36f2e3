-- The certificate of each site relay that was made last, and until when it counts: who renews it
-- by hand has to hear of its end. Which relays there are stands in the settings.
CREATE TABLE relay_certificates (
    relay TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    serial TEXT COLLATE "C" NOT NULL,
    issued_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
