//! What the provider says of itself (OpenID Connect Discovery 1.0), and its keys: kept for a
//! while, and asked for again where a key is unknown.

use super::client::{Client, NoAnswer};
use openidconnect::core::CoreProviderMetadata;
use openidconnect::url::Url;
use openidconnect::{DiscoveryError, IssuerUrl};
use patchward_common::time::{HOUR_MS, MINUTE_MS, SECOND_MS, UtcMs};
use std::sync::Arc;
use tokio::sync::Mutex;

/// How long what it says is kept: a provider that moves says so for longer.
const KEPT_MS: i64 = HOUR_MS;
/// How old its keys are at least before one that is unknown has them fetched again: whoever
/// brings tokens of such keys must not make us ask all the time.
const ANEW_MS: i64 = MINUTE_MS;
/// How long it is told without asking again that it could not be asked: people who wait for it
/// press the button again.
const FAILED_MS: i64 = 10 * SECOND_MS;

/// What the provider says of itself, with its keys.
pub(super) type Metadata = Arc<CoreProviderMetadata>;

/// A provider.
pub(super) struct Provider {
    issuer: IssuerUrl,
    client: Client,
    /// Locked while somebody asks: the others wait for the same answer.
    kept: Mutex<Option<Kept>>,
}

struct Kept {
    at: UtcMs,
    said: Result<Metadata, String>,
}

impl Kept {
    fn is_younger(&self, than: i64, now: UtcMs) -> bool {
        (0..than).contains(&now.since_ms(self.at))
    }
}

impl Provider {
    pub(super) fn new(issuer: IssuerUrl, client: Client) -> Self {
        Self {
            issuer,
            client,
            kept: Mutex::new(None),
        }
    }

    /// What it says of itself.
    ///
    /// # Errors
    /// Why that is not known, in words for people.
    pub(super) async fn metadata(&self, now: UtcMs) -> Result<Metadata, String> {
        let mut kept = self.kept.lock().await;
        if let Some(found) = &*kept {
            let counts = match found.said {
                Ok(_) => KEPT_MS,
                Err(_) => FAILED_MS,
            };
            if found.is_younger(counts, now) {
                return found.said.clone();
            }
        }
        self.fetch(&mut kept, now).await
    }

    /// The same with keys that are newer than what was told before; `None` where it was asked
    /// just now.
    pub(super) async fn anew(&self, now: UtcMs) -> Result<Option<Metadata>, String> {
        let mut kept = self.kept.lock().await;
        let is_new = kept
            .as_ref()
            .is_some_and(|kept| kept.is_younger(ANEW_MS, now));
        match is_new {
            true => Ok(None),
            false => self.fetch(&mut kept, now).await.map(Some),
        }
    }

    async fn fetch(&self, kept: &mut Option<Kept>, now: UtcMs) -> Result<Metadata, String> {
        let (issuer, client) = (self.issuer.clone(), self.client.clone());
        let asked = tokio::task::spawn_blocking(move || discover(&issuer, &client)).await;
        let said = asked.unwrap_or_else(|error| Err(error.to_string()));
        let said = said.map(Arc::new);
        if let Err(problem) = &said {
            tracing::warn!(problem, "the OpenID provider cannot be asked");
        }
        *kept = Some(Kept {
            at: now,
            said: said.clone(),
        });
        said
    }
}

fn discover(issuer: &IssuerUrl, client: &Client) -> Result<CoreProviderMetadata, String> {
    let metadata = CoreProviderMetadata::discover(issuer, client).map_err(said)?;
    let token = metadata
        .token_endpoint()
        .ok_or("it names no address for codes")?;
    let is_secure = |url: &Url| url.scheme() == "https" && url.host().is_some();
    match is_secure(token.url()) && is_secure(metadata.authorization_endpoint().url()) {
        true => Ok(metadata),
        false => Err("it names an address of its own without https".to_owned()),
    }
}

/// What went wrong; nothing of what was answered stands in it but a number.
fn said(error: DiscoveryError<NoAnswer>) -> String {
    match error {
        DiscoveryError::Request(problem) => problem.to_string(),
        DiscoveryError::Response(status, _, _) if status.is_success() => {
            "it answers with something else than JSON".to_owned()
        }
        DiscoveryError::Response(status, _, _) => format!(
            "it answered {} where it should say what it is; oidc_issuer may be written otherwise \
             than it calls itself",
            status.as_u16()
        ),
        DiscoveryError::Parse(_) => "what it says of itself cannot be read".to_owned(),
        DiscoveryError::Validation(_) => {
            "it calls itself otherwise; write oidc_issuer letter by letter as it does".to_owned()
        }
        _ => "it cannot be asked".to_owned(),
    }
}
