//! Who people are at an OpenID provider, and sessions that it vouched for.

use super::{Account, no_account};
use crate::account::SubjectId;
use crate::store::value::{args, from_row};
use crate::store::{Change, StoreError, View};
use patchward_common::digest::Digest;
use patchward_common::id::Name;
use patchward_common::time::UtcMs;
use serde_json::json;

/// Who somebody is at a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkedSubject {
    /// The account here.
    pub account: Name,
    /// The provider (`iss`).
    pub issuer: String,
    /// Who they are there (`sub`).
    pub subject: SubjectId,
    /// Since when that is known.
    pub linked_at: UtcMs,
}
from_row!(LinkedSubject {
    account,
    issuer,
    subject,
    linked_at
});

impl View {
    /// Every link, by account.
    pub async fn linked_subjects(&mut self) -> Result<Vec<LinkedSubject>, StoreError> {
        self.tx
            .all(
                "SELECT account, issuer, subject, linked_at FROM account_subjects
                 ORDER BY account, issuer",
                args![],
            )
            .await
    }

    /// Who an account is at a provider.
    pub async fn subject_of(
        &mut self,
        account: &Name,
        issuer: &str,
    ) -> Result<Option<LinkedSubject>, StoreError> {
        self.tx
            .first(
                "SELECT account, issuer, subject, linked_at FROM account_subjects
                 WHERE account = $1 AND issuer = $2",
                args![account, issuer],
            )
            .await
    }

    /// The account of who somebody is at a provider, in whatever state.
    pub async fn account_of_subject(
        &mut self,
        issuer: &str,
        subject: &SubjectId,
    ) -> Result<Option<Account>, StoreError> {
        self.tx
            .first(
                "SELECT name, title, password, totp, totp_step, failures, locked_until, added_at,
                        ended_at
                 FROM accounts WHERE name IN
                     (SELECT account FROM account_subjects WHERE issuer = $1 AND subject = $2)",
                args![issuer, subject],
            )
            .await
    }
}

impl Change {
    /// Links an account to who its person is at a provider. An account that ended gives its
    /// subject up: the person may have another by now.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where the account has a link to this provider, or the subject
    /// is somebody else's; [`StoreError::NotFound`] where there is no such account.
    pub async fn link_subject(
        &mut self,
        account: &Name,
        issuer: &str,
        subject: &SubjectId,
    ) -> Result<(), StoreError> {
        let found = self.view().account(account).await?;
        if found.is_none_or(|found| found.ended_at.is_some()) {
            return Err(no_account(account));
        }
        if let Some(linked) = self.view().subject_of(account, issuer).await? {
            return Err(StoreError::conflict(format!(
                "{account} is linked to {} already; end that link first",
                linked.subject
            )));
        }
        let now = self.now();
        let detail = json!({ "issuer": issuer, "subject": subject });
        let tx = self.step("account.provider_link", account, detail);
        tx.execute(
            "DELETE FROM account_subjects WHERE issuer = $1 AND subject = $2 AND account IN
                 (SELECT name FROM accounts WHERE ended_at IS NOT NULL)",
            args![issuer, subject],
        )
        .await?;
        let linked = tx
            .execute(
                "INSERT INTO account_subjects (issuer, subject, account, linked_at)
                 VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
                args![issuer, subject, account, now],
            )
            .await?;
        self.done_if(linked, || {
            StoreError::conflict(format!("{subject} is linked to another account"))
        })
    }

    /// Ends an account's link to a provider, and every session of the account: whoever came in
    /// by it is out.
    pub async fn unlink_subject(&mut self, account: &Name, issuer: &str) -> Result<(), StoreError> {
        let detail = json!({ "issuer": issuer });
        let tx = self.step("account.provider_unlink", account, detail);
        let ended = tx
            .execute(
                "DELETE FROM account_subjects WHERE account = $1 AND issuer = $2",
                args![account, issuer],
            )
            .await?;
        tx.execute("DELETE FROM sessions WHERE account = $1", args![account])
            .await?;
        self.done_if(ended, || StoreError::NotFound {
            what: "link to the provider",
            name: account.to_string(),
        })
    }

    /// Notes of a session that a provider vouched for it, and whether that was in two ways.
    pub async fn vouch_for_session(
        &mut self,
        secret_hash: &Digest,
        account: &Name,
        issuer: &str,
        has_second_factor: bool,
    ) -> Result<(), StoreError> {
        let detail = json!({ "issuer": issuer, "second_factor": has_second_factor });
        let vouched = self
            .step("session.vouched", account, detail)
            .execute(
                "UPDATE sessions SET second_factor = $3 WHERE secret_hash = $1 AND account = $2",
                args![secret_hash, account, i64::from(has_second_factor)],
            )
            .await?;
        self.done_if(vouched, || StoreError::NotFound {
            what: "session",
            name: account.to_string(),
        })
    }
}
