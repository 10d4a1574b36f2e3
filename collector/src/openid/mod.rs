//! Sign-in by the hospital's OpenID provider (OpenID Connect Core 1.0): the authorization code
//! flow with PKCE, `state` and `nonce`, and no other.
//!
//! The provider says who somebody is there. Which account that is, and what it may, is known
//! here alone.

mod client;
mod provider;
pub mod ticket;
mod token;

pub use token::Vouched;

use crate::config::Settings;
use crate::credential;
use client::{Client, NoAnswer};
use openidconnect::core::{
    CoreAuthPrompt, CoreAuthenticationFlow, CoreClient, CoreClientAuthMethod,
    CoreErrorResponseType, CoreIdToken, CoreProviderMetadata, CoreRequestTokenError,
};
use openidconnect::{
    AuthType, AuthenticationContextClass, AuthorizationCode, ClientId, ClientSecret, CsrfToken,
    EndpointMaybeSet, EndpointNotSet, EndpointSet, IssuerUrl, Nonce, PkceCodeChallenge,
    PkceCodeVerifier, RedirectUrl, RequestTokenError, TokenResponse as _,
};
use patchward_common::time::UtcMs;
use provider::{Metadata, Provider};
use std::path::PathBuf;
use ticket::{Stage, Ticket, Tickets};
use token::{Asked, Fault};
use tokio::sync::Semaphore;
use ureq::tls::RootCerts;
use zeroize::Zeroizing;

/// Where the provider sends people back to.
pub const DONE: &str = "/login/openid/done";
/// How many codes are exchanged at once: each holds a thread while the provider thinks.
const MAX_EXCHANGES: usize = 8;
/// What systemd calls the secret, where it hands it over.
const CREDENTIAL: &str = "oidc-secret";

/// The crate's client, once the provider has said where it is.
type Known = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// Sign-in by a provider.
pub struct OpenId {
    /// The provider, as it calls itself.
    pub issuer: String,
    /// What people call the account that they have there.
    pub title: String,
    /// What browsers carry from one request to the next.
    pub tickets: Tickets,
    client: String,
    classes: Vec<String>,
    secret_file: Option<PathBuf>,
    redirect: RedirectUrl,
    http: Client,
    provider: Provider,
    exchanges: Semaphore,
}

/// A sign-in that was begun.
pub struct Begun {
    /// Where the browser goes.
    pub address: String,
    /// What it carries until it is back.
    pub ticket: String,
}

/// Why somebody is not known by the provider's word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The provider cannot be asked, or not by us; why.
    Unasked(String),
    /// It did not take the code that the browser brought.
    Code,
    /// What it said does not hold; why.
    Token(&'static str),
}

impl OpenId {
    /// As the settings say; `None` where they name no provider.
    pub fn of(settings: &Settings) -> Option<Self> {
        Self::trusting(settings, RootCerts::PlatformVerifier)
    }

    fn trusting(settings: &Settings, roots: RootCerts) -> Option<Self> {
        Self::asked_by(settings, Client::new(roots))
    }

    fn asked_by(settings: &Settings, http: Client) -> Option<Self> {
        let issuer = settings.oidc_issuer.clone()?;
        let url = IssuerUrl::new(issuer.clone()).ok()?;
        Some(Self {
            issuer,
            title: settings.oidc_title.clone(),
            tickets: Tickets::new(),
            client: settings.oidc_client.clone()?,
            classes: settings.oidc_second_factor_acr.clone(),
            secret_file: settings.oidc_secret_file.clone(),
            redirect: RedirectUrl::new(settings.web_link(DONE)).ok()?,
            provider: Provider::new(url, http.clone()),
            http,
            exchanges: Semaphore::new(MAX_EXCHANGES),
        })
    }

    /// Begins a sign-in, or a link of an account where its person is signed in: then the provider
    /// asks who they are even where it knows the browser.
    ///
    /// # Errors
    /// Why the provider cannot be asked, in words for people.
    pub async fn begin(&self, stage: Stage, now: UtcMs) -> Result<Begun, String> {
        let is_link = matches!(&stage, Stage::Away { linking, .. } if linking.is_some());
        let ticket = Ticket::new(stage, now);
        let metadata = self.provider.metadata(now).await?;
        let client = self.known(&metadata, None);
        let (state, nonce) = (ticket.state(), ticket.nonce());
        let verifier = PkceCodeVerifier::new(ticket.verifier());
        let mut request = client
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                move || CsrfToken::new(state),
                move || Nonce::new(nonce),
            )
            .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier));
        for class in &self.classes {
            let class = AuthenticationContextClass::new(class.clone());
            request = request.add_auth_context_value(class);
        }
        if is_link {
            request = request.add_prompt(CoreAuthPrompt::Login);
        }
        let (address, _, _) = request.url();
        Ok(Begun {
            address: address.to_string(),
            ticket: self.tickets.seal(&ticket),
        })
    }

    /// What the provider says of who brings `code`, which it gave out for the sign-in of
    /// `ticket`.
    pub async fn vouched(
        &self,
        ticket: &Ticket,
        code: String,
        now: UtcMs,
    ) -> Result<Vouched, Refused> {
        let unasked = |problem: String| Refused::Unasked(problem);
        let place = self.exchanges.acquire().await;
        let _place = place.map_err(|error| unasked(error.to_string()))?;
        let metadata = self.provider.metadata(now).await.map_err(unasked)?;
        let token = self.exchange(&metadata, ticket.verifier(), code).await?;
        let nonce = ticket.nonce();
        let asked = Asked {
            client: &self.client,
            nonce: &nonce,
            classes: &self.classes,
        };
        match token::vouched(&token, &metadata, &asked, now) {
            Ok(vouched) => return Ok(vouched),
            Err(Fault::Other(why)) => return Err(Refused::Token(why)),
            // Providers change their keys every few weeks.
            Err(Fault::UnknownKey) => {}
        }
        let unknown = Refused::Token("it is signed by a key that the provider does not name");
        match self.provider.anew(now).await.map_err(unasked)? {
            None => Err(unknown),
            Some(newer) => {
                let vouched = token::vouched(&token, &newer, &asked, now);
                vouched.map_err(|fault| match fault {
                    Fault::UnknownKey => unknown,
                    Fault::Other(why) => Refused::Token(why),
                })
            }
        }
    }

    fn known(&self, metadata: &Metadata, secret: Option<ClientSecret>) -> Known {
        let id = ClientId::new(self.client.clone());
        let metadata = CoreProviderMetadata::clone(metadata);
        let way = way_of(&metadata);
        CoreClient::from_provider_metadata(metadata, id, secret)
            .set_redirect_uri(self.redirect.clone())
            .set_auth_type(way)
    }

    async fn exchange(
        &self,
        metadata: &Metadata,
        verifier: String,
        code: String,
    ) -> Result<CoreIdToken, Refused> {
        let file = self.secret_file.clone();
        let reading = tokio::task::spawn_blocking(move || secret(file));
        let secret = joined(reading.await)?.map_err(Refused::Unasked)?;
        let client = self.known(metadata, Some(ClientSecret::new(secret.to_string())));
        let http = self.http.clone();
        let asking = tokio::task::spawn_blocking(move || {
            let request = client
                .exchange_code(AuthorizationCode::new(code))
                .map_err(|error| Refused::Unasked(error.to_string()))?
                .set_pkce_verifier(PkceCodeVerifier::new(verifier));
            request.request(&http).map_err(refused)
        });
        let answer = joined(asking.await)??;
        let token = answer.id_token().cloned();
        token.ok_or(Refused::Token("there is none in its answer"))
    }
}

/// How the secret is sent: in the head, as providers do unless they say otherwise
/// (`token_endpoint_auth_methods_supported`, OpenID Connect Discovery 1.0 §3).
fn way_of(metadata: &CoreProviderMetadata) -> AuthType {
    let ways = metadata.token_endpoint_auth_methods_supported();
    let only_post = ways.is_some_and(|ways| {
        !ways.contains(&CoreClientAuthMethod::ClientSecretBasic)
            && ways.contains(&CoreClientAuthMethod::ClientSecretPost)
    });
    match only_post {
        true => AuthType::RequestBody,
        false => AuthType::BasicAuth,
    }
}

fn secret(file: Option<PathBuf>) -> Result<Zeroizing<String>, String> {
    let missing = "the secret that it gave us is missing: write oidc_secret_file into \
                   collector.toml, or hand it over as systemd's credential oidc-secret";
    credential::read(file.as_deref(), CREDENTIAL, missing)
}

fn joined<T>(done: Result<T, tokio::task::JoinError>) -> Result<T, Refused> {
    done.map_err(|error| Refused::Unasked(error.to_string()))
}

/// What is wrong with an answer about a code; nothing of what it says stands in it but a
/// word of the standard (RFC 6749 §5.2).
fn refused(error: CoreRequestTokenError<NoAnswer>) -> Refused {
    match error {
        RequestTokenError::Request(problem) => Refused::Unasked(problem.to_string()),
        RequestTokenError::ServerResponse(answer) => match answer.error() {
            CoreErrorResponseType::InvalidGrant => Refused::Code,
            CoreErrorResponseType::InvalidClient | CoreErrorResponseType::UnauthorizedClient => {
                Refused::Unasked(
                    "it does not know this collector by oidc_client and its secret; somebody has \
                     to look at both"
                        .to_owned(),
                )
            }
            _ => Refused::Unasked("it refused to exchange a code".to_owned()),
        },
        // A provider that is unwell, more often than one that means harm.
        RequestTokenError::Parse(..) | RequestTokenError::Other(_) => {
            Refused::Unasked("its answer to a code cannot be read".to_owned())
        }
    }
}

#[cfg(test)]
mod tests;
