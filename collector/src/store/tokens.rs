//! Enrolment tokens: a secret that lets a few machines of a unit ask to be enrolled.

use super::value::{args, from_row, words};
use super::{Change, StoreError, View};
use patchward_common::digest::Digest;
use patchward_common::id::Name;
use patchward_common::time::UtcMs;
use serde_json::json;

words! {
    /// What happens to a machine that comes with the token.
    Acceptance {
        /// It waits for a person.
        Person = "person",
        /// It is enrolled at once.
        Automatic = "automatic",
    }
}

/// A token. The secret itself is with whoever enrols; here is its hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// What people call it.
    pub id: Name,
    /// SHA-256 of the secret.
    pub secret_hash: Digest,
    /// The unit that its machines join.
    pub unit: Name,
    /// Host names that may use it, with `*` for any part.
    pub host_pattern: String,
    /// What happens to its machines.
    pub acceptance: Acceptance,
    /// How often it may still be used.
    pub uses_left: u32,
    /// When it was made.
    pub created_at: UtcMs,
    /// From when on it is worth nothing.
    pub expires_at: UtcMs,
    /// When a person ended it.
    pub revoked_at: Option<UtcMs>,
}
from_row!(Token {
    id,
    secret_hash,
    unit,
    host_pattern,
    acceptance,
    uses_left,
    created_at,
    expires_at,
    revoked_at
});

impl View {
    /// Every token, by id.
    pub async fn tokens(&mut self) -> Result<Vec<Token>, StoreError> {
        self.tx
            .all(
                "SELECT id, secret_hash, unit, host_pattern, acceptance, uses_left, created_at,
                        expires_at, revoked_at
                 FROM tokens ORDER BY id",
                args![],
            )
            .await
    }

    /// The token with this secret, in whatever state. An index finds a hash, so the time
    /// that this takes tells nothing about the secret.
    pub async fn token_by_secret(
        &mut self,
        secret_hash: &Digest,
    ) -> Result<Option<Token>, StoreError> {
        self.tx
            .first(
                "SELECT id, secret_hash, unit, host_pattern, acceptance, uses_left, created_at,
                        expires_at, revoked_at
                 FROM tokens WHERE secret_hash = $1",
                args![secret_hash],
            )
            .await
    }
}

impl Change {
    /// Adds a token; `created_at` and `revoked_at` of `token` are not looked at.
    pub async fn add_token(&mut self, token: &Token) -> Result<(), StoreError> {
        self.view().need_unit(&token.unit).await?;
        let now = self.now();
        let detail = json!({
            "unit": token.unit,
            "host_pattern": token.host_pattern,
            "acceptance": token.acceptance,
            "uses": token.uses_left,
            "expires": token.expires_at.to_string(),
        });
        let added = self
            .step("token.add", &token.id, detail)
            .execute(
                "INSERT INTO tokens (id, secret_hash, unit, host_pattern, acceptance, uses_left,
                                     created_at, expires_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
                args![
                    token.id,
                    token.secret_hash,
                    token.unit,
                    token.host_pattern,
                    token.acceptance,
                    token.uses_left,
                    now,
                    token.expires_at
                ],
            )
            .await?;
        self.done_if(added, || {
            StoreError::conflict(format!("there is a token {} already", token.id))
        })
    }

    /// Uses a token once, if it is still worth something now; two that use the last one at
    /// once do not both succeed. Gives back the token as it is afterwards.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where it is used up, expired or revoked.
    pub async fn use_token(&mut self, id: &Name) -> Result<Token, StoreError> {
        let now = self.now();
        let token = self
            .step("token.use", id, json!({}))
            .first(
                "UPDATE tokens SET uses_left = uses_left - 1
                 WHERE id = $1 AND uses_left > 0 AND expires_at > $2 AND revoked_at IS NULL
                 RETURNING id, secret_hash, unit, host_pattern, acceptance, uses_left,
                           created_at, expires_at, revoked_at",
                args![id, now],
            )
            .await?
            .ok_or_else(|| {
                StoreError::conflict(format!("token {id} is used up, expired or revoked"))
            })?;
        self.done();
        Ok(token)
    }

    /// Ends a token.
    pub async fn revoke_token(&mut self, id: &Name) -> Result<(), StoreError> {
        let now = self.now();
        let changed = self
            .step("token.revoke", id, json!({}))
            .execute(
                "UPDATE tokens SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL",
                args![id, now],
            )
            .await?;
        self.done_if(changed, || {
            StoreError::missing("token that is not revoked", id)
        })
    }
}
