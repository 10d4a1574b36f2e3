//! Passkeys: public keys of authenticators, with which people sign in without a password
//! (Web Authentication Level 3).

use crate::account::MAX_PASSKEYS;
use crate::store::value::{args, from_row};
use crate::store::{Change, StoreError, View};
use patchward_common::id::{Label, Name};
use patchward_common::time::UtcMs;
use serde_json::json;

/// A passkey. Its private half is in an authenticator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passkey {
    /// What the authenticator calls it (§4, credential ID): 16 to 1,023 bytes.
    pub id: Vec<u8>,
    /// Whose.
    pub account: Name,
    /// What that person calls it; no two of theirs are called the same.
    pub title: Label,
    /// What the authenticator calls the person (§4, user handle): 64 bytes.
    pub handle: Vec<u8>,
    /// The public key, as it was registered.
    pub key: Vec<u8>,
    /// What each use may change: flags, and how often it has signed.
    pub state: Vec<u8>,
    /// When it was added.
    pub added_at: UtcMs,
    /// When somebody last signed in with it.
    pub used_at: Option<UtcMs>,
}
from_row!(Passkey {
    id,
    account,
    title,
    handle,
    key,
    state,
    added_at,
    used_at
});

impl View {
    /// An account's passkeys, the oldest first.
    pub async fn passkeys_of(&mut self, account: &Name) -> Result<Vec<Passkey>, StoreError> {
        self.tx
            .all(
                "SELECT id, account, title, handle, key, state, added_at, used_at FROM passkeys
                 WHERE account = $1 ORDER BY added_at, title",
                args![account],
            )
            .await
    }

    /// The passkey that an authenticator calls so.
    pub async fn passkey(&mut self, id: &[u8]) -> Result<Option<Passkey>, StoreError> {
        self.tx
            .first(
                "SELECT id, account, title, handle, key, state, added_at, used_at FROM passkeys
                 WHERE id = $1",
                args![id],
            )
            .await
    }

    /// How many passkeys each account has that has any, by account.
    pub async fn passkey_counts(&mut self) -> Result<Vec<(Name, i64)>, StoreError> {
        self.tx
            .all(
                "SELECT account, COUNT(*) FROM passkeys GROUP BY account ORDER BY account",
                args![],
            )
            .await
    }

    /// Whether an account has a passkey.
    pub async fn has_passkey(&mut self, account: &Name) -> Result<bool, StoreError> {
        let (count,): (i64,) = self
            .tx
            .one(
                "SELECT COUNT(*) FROM passkeys WHERE account = $1",
                args![account],
            )
            .await?;
        Ok(count > 0)
    }
}

impl Change {
    /// Adds a passkey.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where the account has as many as it may, has one that is called
    /// the same, or has ended; and where the authenticator's key is there already.
    pub async fn add_passkey(&mut self, new: &Passkey) -> Result<(), StoreError> {
        if self.view().passkeys_of(&new.account).await?.len() >= MAX_PASSKEYS {
            return Err(StoreError::conflict(format!(
                "there are {MAX_PASSKEYS} passkeys already, as many as an account may have; \
                 remove one first"
            )));
        }
        let added = self
            .step(
                "account.passkey_add",
                &new.account,
                json!({ "passkey": new.title }),
            )
            .execute(
                "INSERT INTO passkeys (id, account, title, handle, key, state, added_at)
                 SELECT $1, name, $3, $4, $5, $6, $7 FROM accounts
                 WHERE name = $2 AND ended_at IS NULL
                 ON CONFLICT DO NOTHING",
                args![
                    new.id,
                    new.account,
                    new.title,
                    new.handle,
                    new.key,
                    new.state,
                    new.added_at
                ],
            )
            .await?;
        self.done_if(added, || {
            StoreError::conflict(format!(
                "a passkey {} is there already, or this device's key is, or the account ended",
                new.title
            ))
        })
    }

    /// Notes that somebody signed in with a passkey, and what that changed of it. Of two answers
    /// that count on the same state, one is taken, unless neither changes it.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where the state is no longer that of `passkey`, or it is gone.
    pub async fn use_passkey(&mut self, passkey: &Passkey, state: &[u8]) -> Result<(), StoreError> {
        let now = self.now();
        let detail = json!({ "passkey": passkey.title });
        let taken = self
            .step("account.passkey", &passkey.account, detail)
            .execute(
                "UPDATE passkeys SET state = $3, used_at = $4 WHERE id = $1 AND state = $2",
                args![passkey.id, passkey.state, state, now],
            )
            .await?;
        self.done_if(taken, || {
            StoreError::conflict("this passkey was used or removed in between".to_owned())
        })
    }

    /// Removes a passkey.
    pub async fn remove_passkey(
        &mut self,
        account: &Name,
        title: &Label,
    ) -> Result<(), StoreError> {
        let removed = self
            .step(
                "account.passkey_remove",
                account,
                json!({ "passkey": title }),
            )
            .execute(
                "DELETE FROM passkeys WHERE account = $1 AND title = $2",
                args![account, title],
            )
            .await?;
        self.done_if(removed, || StoreError::NotFound {
            what: "passkey of this account",
            name: title.to_string(),
        })
    }
}
