//! Sessions: who proved who they are, until when; and forms, which are carried out once.

use crate::account::{IDLE_MS, SESSION_MS};
use crate::store::change::settled;
use crate::store::sql::Tx;
use crate::store::value::{args, from_row};
use crate::store::{Change, Store, StoreError, View};
use patchward_common::digest::Digest;
use patchward_common::id::Name;
use patchward_common::time::{DAY_MS, UtcMs};
use serde_json::json;
use std::sync::Arc;

/// How long it is remembered that a form was carried out: longer than any session.
const FORMS_KEPT_MS: i64 = 2 * DAY_MS;

/// A session. The secret is with the browser; here is its hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Whose.
    pub account: Name,
    /// What its forms carry.
    pub form_token: String,
    /// When the person proved who they are.
    pub proved_at: UtcMs,
    /// When this secret was made.
    pub made_at: UtcMs,
    /// When it was last used.
    pub seen_at: UtcMs,
    /// From when on it is worth nothing.
    pub ends_at: UtcMs,
    /// Whether a second factor that is none of the account's own was proved: 1 or 0.
    pub second_factor: u32,
}
from_row!(Session {
    account,
    form_token,
    proved_at,
    made_at,
    seen_at,
    ends_at,
    second_factor
});

impl View {
    /// How many sessions of an account are open and in use.
    pub async fn open_sessions(&mut self, account: &Name, now: UtcMs) -> Result<u64, StoreError> {
        // The secret of a session changes, its forms' does not.
        let (count,) = self
            .tx
            .one(
                "SELECT COUNT(DISTINCT form_token) FROM sessions
                 WHERE account = $1 AND ends_at > $2 AND seen_at > $3",
                args![account, now, now.plus_ms(-IDLE_MS)],
            )
            .await?;
        Ok(count)
    }
}

impl Change {
    /// Begins a session: what went wrong before is forgotten.
    pub async fn begin_session(
        &mut self,
        secret_hash: &Digest,
        account: &Name,
        form_token: &str,
        ends_at: UtcMs,
    ) -> Result<(), StoreError> {
        let now = self.now();
        let tx = self.step("session.begin", account, json!({}));
        tx.execute(
            "INSERT INTO sessions (secret_hash, account, form_token, proved_at, made_at, seen_at,
                                   ends_at)
             VALUES ($1, $2, $3, $4, $4, $4, $5)",
            args![secret_hash, account, form_token, now, ends_at],
        )
        .await?;
        tx.execute(
            "UPDATE accounts SET failures = 0, locked_until = NULL WHERE name = $1",
            args![account],
        )
        .await?;
        tx.execute("DELETE FROM sessions WHERE ends_at <= $1", args![now])
            .await?;
        self.done();
        Ok(())
    }

    /// Notes that who has a session proved a second factor that is none of the account's codes,
    /// for it and for the secret before its last exchange.
    pub async fn prove_second_factor(
        &mut self,
        secret_hash: &Digest,
        account: &Name,
    ) -> Result<(), StoreError> {
        let proved = self
            .step("session.second_factor", account, json!({}))
            .execute(
                "UPDATE sessions SET second_factor = 1 WHERE account = $2 AND form_token IN
                     (SELECT form_token FROM sessions WHERE secret_hash = $1)",
                args![secret_hash, account],
            )
            .await?;
        self.done_if(proved, || StoreError::NotFound {
            what: "session",
            name: account.to_string(),
        })
    }

    /// Ends a session, with the secret before its last exchange.
    pub async fn end_session(
        &mut self,
        secret_hash: &Digest,
        account: &Name,
    ) -> Result<(), StoreError> {
        self.step("session.end", account, json!({}))
            .execute(
                "DELETE FROM sessions WHERE form_token IN
                     (SELECT form_token FROM sessions WHERE secret_hash = $1)",
                args![secret_hash],
            )
            .await?;
        self.done();
        Ok(())
    }
}

impl Store {
    /// Gives a session a new secret. The old one is good until `old_until`, for answers that
    /// are on their way. Of two that rotate at once, one does: `false` for the other.
    pub async fn rotate_session(
        &self,
        old: &Digest,
        new: &Digest,
        now: UtcMs,
        old_until: UtcMs,
    ) -> Result<bool, StoreError> {
        let mut tx = self.engine.begin().await?;
        let cut = tx
            .execute(
                "UPDATE sessions SET ends_at = $2 WHERE secret_hash = $1 AND ends_at > $2",
                args![old, old_until],
            )
            .await?;
        if cut == 0 {
            return Ok(false);
        }
        // The end of the whole session was overwritten just now; it follows from the proof.
        tx.execute(
            "INSERT INTO sessions (secret_hash, account, form_token, proved_at, made_at, seen_at,
                                   ends_at, second_factor)
             SELECT $2, account, form_token, proved_at, $3, $3, proved_at + $4, second_factor
             FROM sessions WHERE secret_hash = $1",
            args![old, new, now, SESSION_MS],
        )
        .await?;
        self.used(tx).await?;
        Ok(true)
    }

    /// Notes that a session was used. It says nothing that an auditor asks for.
    pub async fn session_seen(&self, secret_hash: &Digest, now: UtcMs) -> Result<(), StoreError> {
        let mut tx = self.engine.begin().await?;
        tx.execute(
            "UPDATE sessions SET seen_at = $2 WHERE secret_hash = $1 AND seen_at < $2",
            args![secret_hash, now],
        )
        .await?;
        self.used(tx).await
    }

    /// Commits what is no row of the audit log: who is remembered as signed in is read anew.
    async fn used(&self, tx: Tx) -> Result<(), StoreError> {
        let signed_in = Arc::clone(&self.signed_in);
        let work = async move {
            tx.commit().await?;
            signed_in.used();
            Ok(())
        };
        settled(work).await
    }

    /// Takes a form: `false` where it was taken before.
    pub async fn take_form(&self, form: &str, now: UtcMs) -> Result<bool, StoreError> {
        let mut tx = self.engine.begin().await?;
        tx.execute(
            "DELETE FROM used_forms WHERE used_at < $1",
            args![now.plus_ms(-FORMS_KEPT_MS)],
        )
        .await?;
        let taken = tx
            .execute(
                "INSERT INTO used_forms (form, used_at) VALUES ($1, $2) ON CONFLICT DO NOTHING",
                args![form, now],
            )
            .await?;
        tx.commit().await?;
        Ok(taken == 1)
    }
}
