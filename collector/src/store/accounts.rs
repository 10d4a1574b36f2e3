//! People who use the page: what they are called, what they may, how they prove it.

mod kiosks;
mod passkeys;
mod programs;
mod sessions;
mod signed_in;
mod subjects;

pub use kiosks::{KeyRequest, Kiosk};
pub use passkeys::Passkey;
pub use programs::Program;
pub use sessions::Session;
pub use signed_in::Known;
pub(super) use signed_in::SignedIn;
pub use subjects::LinkedSubject;

use super::value::{args, from_row};
use super::{Change, StoreError, View};
use crate::account::Grant;
use crate::account::lockout;
use patchward_common::digest::Digest;
use patchward_common::id::{Label, Name};
use patchward_common::time::UtcMs;
use serde_json::json;

/// An account.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    /// Its name: the person's in the roster, where they are in it.
    pub name: Name,
    /// What people call them.
    pub title: Label,
    /// Argon2id, as a PHC string.
    pub password: Option<String>,
    /// The secret of the second factor, in base 32.
    pub totp: Option<String>,
    /// The last step of the second factor whose code was taken.
    pub totp_step: u64,
    /// Wrong answers in a row.
    pub failures: u32,
    /// Until when no answer is heard.
    pub locked_until: Option<UtcMs>,
    /// When it was added.
    pub added_at: UtcMs,
    /// When it ended.
    pub ended_at: Option<UtcMs>,
}
from_row!(Account {
    name,
    title,
    password,
    totp,
    totp_step,
    failures,
    locked_until,
    added_at,
    ended_at
});

/// Never shows what proves who somebody is.
impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Account")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// A one-time link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountLink {
    /// Whose; of the first administrator, if it is nobody's.
    pub account: Option<Name>,
    /// From when on it is worth nothing.
    pub expires_at: UtcMs,
    /// When it was used.
    pub used_at: Option<UtcMs>,
}
from_row!(AccountLink {
    account,
    expires_at,
    used_at
});

impl View {
    /// Every account, by name.
    pub async fn accounts(&mut self) -> Result<Vec<Account>, StoreError> {
        self.tx
            .all(
                "SELECT name, title, password, totp, totp_step, failures, locked_until, added_at,
                        ended_at
                 FROM accounts ORDER BY name",
                args![],
            )
            .await
    }

    /// An account, in whatever state.
    pub async fn account(&mut self, name: &Name) -> Result<Option<Account>, StoreError> {
        self.tx
            .first(
                "SELECT name, title, password, totp, totp_step, failures, locked_until, added_at,
                        ended_at
                 FROM accounts WHERE name = $1",
                args![name],
            )
            .await
    }

    /// What every account may, by account.
    pub async fn grants(&mut self) -> Result<Vec<(Name, Grant)>, StoreError> {
        self.tx
            .all(
                "SELECT account, given FROM account_grants ORDER BY account, given",
                args![],
            )
            .await
    }

    /// What an account may.
    pub async fn grants_of(&mut self, account: &Name) -> Result<Vec<Grant>, StoreError> {
        let rows: Vec<(Grant,)> = self
            .tx
            .all(
                "SELECT given FROM account_grants WHERE account = $1 ORDER BY given",
                args![account],
            )
            .await?;
        Ok(rows.into_iter().map(|(grant,)| grant).collect())
    }

    /// The link with this secret, in whatever state.
    pub async fn account_link(
        &mut self,
        secret_hash: &Digest,
    ) -> Result<Option<AccountLink>, StoreError> {
        self.tx
            .first(
                "SELECT account, expires_at, used_at FROM account_links WHERE secret_hash = $1",
                args![secret_hash],
            )
            .await
    }
}

impl Change {
    /// Adds an account that nobody can use before a link was followed.
    pub async fn add_account(&mut self, name: &Name, title: &Label) -> Result<(), StoreError> {
        let now = self.now();
        let added = self
            .step("account.add", name, json!({ "title": title }))
            .execute(
                "INSERT INTO accounts (name, title, added_at) VALUES ($1, $2, $3)
                 ON CONFLICT DO NOTHING",
                args![name, title, now],
            )
            .await?;
        self.done_if(added, || {
            StoreError::conflict(format!("there is, or was, an account {name} already"))
        })
    }

    /// Gives an account exactly these roles.
    pub async fn grant_roles(
        &mut self,
        account: &Name,
        grants: &[Grant],
    ) -> Result<(), StoreError> {
        for grant in grants {
            if let Some(unit) = &grant.unit {
                self.view().need_unit(unit).await?;
            }
        }
        let tx = self.step("account.grant", account, json!({ "roles": grants }));
        tx.execute(
            "DELETE FROM account_grants WHERE account = $1",
            args![account],
        )
        .await?;
        for grant in grants {
            tx.execute(
                "INSERT INTO account_grants (account, given) VALUES ($1, $2)
                 ON CONFLICT DO NOTHING",
                args![account, grant],
            )
            .await?;
        }
        self.done();
        Ok(())
    }

    /// Ends an account with all its sessions and links. Its name is not given again.
    pub async fn end_account(&mut self, name: &Name) -> Result<(), StoreError> {
        let now = self.now();
        let tx = self.step("account.end", name, json!({}));
        let ended = tx
            .execute(
                "UPDATE accounts SET ended_at = $2, password = NULL, totp = NULL
                 WHERE name = $1 AND ended_at IS NULL",
                args![name, now],
            )
            .await?;
        for rest in [
            "DELETE FROM sessions WHERE account = $1",
            "DELETE FROM account_links WHERE account = $1",
            "DELETE FROM passkeys WHERE account = $1",
            "DELETE FROM account_grants WHERE account = $1",
        ] {
            tx.execute(rest, args![name]).await?;
        }
        self.done_if(ended, || StoreError::NotFound {
            what: "account that has not ended",
            name: name.to_string(),
        })
    }

    /// Makes a one-time link in place of earlier ones that were not used. Without an account
    /// it is the first administrator's.
    pub async fn add_account_link(
        &mut self,
        secret_hash: &Digest,
        account: Option<&Name>,
        expires_at: UtcMs,
    ) -> Result<(), StoreError> {
        let now = self.now();
        let whose = account
            .map_or("first administrator", Name::as_str)
            .to_owned();
        let detail = json!({ "expires": expires_at.to_string() });
        let tx = self.step("account.link", whose, detail);
        tx.execute(
            "DELETE FROM account_links
             WHERE used_at IS NULL AND COALESCE(account, '') = COALESCE($1, '')",
            args![account],
        )
        .await?;
        tx.execute(
            "INSERT INTO account_links (secret_hash, account, made_at, expires_at)
             VALUES ($1, $2, $3, $4)",
            args![secret_hash, account, now, expires_at],
        )
        .await?;
        self.done();
        Ok(())
    }

    /// Uses a link; of two who use it at once, one does.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where it was used or is over, or is no link at all.
    pub async fn use_account_link(
        &mut self,
        secret_hash: &Digest,
    ) -> Result<Option<Name>, StoreError> {
        let now = self.now();
        let found: Option<AccountLink> = self
            .step("account.link_use", "", json!({}))
            .first(
                "UPDATE account_links SET used_at = $2
                 WHERE secret_hash = $1 AND used_at IS NULL AND expires_at > $2
                 RETURNING account, expires_at, used_at",
                args![secret_hash, now],
            )
            .await?;
        let link = found.ok_or_else(|| {
            StoreError::conflict("this link was used already, or its time is over".to_owned())
        })?;
        self.done();
        Ok(link.account)
    }

    /// Sets a password: every session of the account ends. Its second factor is asked for anew,
    /// and its passkeys are gone, if `keep_second_factor` is not set.
    pub async fn set_password(
        &mut self,
        account: &Name,
        password: &str,
        keep_second_factor: bool,
    ) -> Result<(), StoreError> {
        let detail = json!({ "second_factor_kept": keep_second_factor });
        let tx = self.step("account.password", account, detail);
        let set = tx
            .execute(
                "UPDATE accounts SET password = $2, failures = 0, locked_until = NULL,
                        totp = CASE WHEN $3 = 1 THEN totp END
                 WHERE name = $1 AND ended_at IS NULL",
                args![account, password, i64::from(keep_second_factor)],
            )
            .await?;
        tx.execute("DELETE FROM sessions WHERE account = $1", args![account])
            .await?;
        tx.execute(
            "DELETE FROM passkeys WHERE account = $1 AND $2 = 0",
            args![account, i64::from(keep_second_factor)],
        )
        .await?;
        self.done_if(set, || no_account(account))
    }

    /// Sets the second factor, and the step whose code proved it.
    pub async fn set_totp(
        &mut self,
        account: &Name,
        secret: &str,
        step: u64,
    ) -> Result<(), StoreError> {
        let set = self
            .step("account.second_factor", account, json!({}))
            .execute(
                "UPDATE accounts SET totp = $2, totp_step = $3
                 WHERE name = $1 AND ended_at IS NULL",
                args![account, secret, step],
            )
            .await?;
        self.done_if(set, || no_account(account))
    }

    /// Takes a step of the second factor: no code proves anything twice.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where this or a later one was taken.
    pub async fn take_totp_step(&mut self, account: &Name, step: u64) -> Result<(), StoreError> {
        let taken = self
            .step("account.code", account, json!({}))
            .execute(
                "UPDATE accounts SET totp_step = $2 WHERE name = $1 AND totp_step < $2",
                args![account, step],
            )
            .await?;
        self.done_if(taken, || {
            StoreError::conflict("this code was used already; wait for the next".to_owned())
        })
    }

    /// Counts a wrong answer, and locks the account for a while where it is one too many.
    pub async fn count_failed_login(&mut self, account: &Name) -> Result<(), StoreError> {
        let now = self.now();
        let tx = self.step("account.refused", account, json!({}));
        let (failures,): (u32,) = tx
            .first(
                "UPDATE accounts SET failures = failures + 1 WHERE name = $1 RETURNING failures",
                args![account],
            )
            .await?
            .ok_or_else(|| no_account(account))?;
        if let Some(until) = lockout::locked_until(failures, now) {
            tx.execute(
                "UPDATE accounts SET locked_until = $2 WHERE name = $1",
                args![account, until],
            )
            .await?;
        }
        self.done();
        Ok(())
    }
}

fn no_account(name: &Name) -> StoreError {
    StoreError::NotFound {
        what: "account that has not ended",
        name: name.to_string(),
    }
}
