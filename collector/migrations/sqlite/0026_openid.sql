-- Who people are at the hospital's OpenID provider. A person or an administrator makes a link;
-- the provider never does.

CREATE TABLE account_subjects (
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    account TEXT NOT NULL REFERENCES accounts (name),
    linked_at INTEGER NOT NULL,
    PRIMARY KEY (issuer, subject),
    UNIQUE (account, issuer)
) STRICT;

-- Whether a second factor that is none of the account's own was proved; rotation keeps it.
ALTER TABLE sessions ADD COLUMN second_factor INTEGER NOT NULL DEFAULT 0;
