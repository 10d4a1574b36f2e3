-- The certificate of each site relay that was made last, and until when it counts: who renews it
-- by hand has to hear of its end. Which relays there are stands in the settings.
CREATE TABLE relay_certificates (
    relay TEXT NOT NULL PRIMARY KEY,
    serial TEXT NOT NULL,
    issued_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
