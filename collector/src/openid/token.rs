//! Checks an ID token: who made it, for whom, for which sign-in, and whether it still counts.

use crate::account::SubjectId;
use crate::account::vouched::is_second_factor;
use openidconnect::core::{
    CoreIdToken, CoreIdTokenVerifier, CoreJwsSigningAlgorithm as Algorithm, CoreProviderMetadata,
};
use openidconnect::{
    ClaimsVerificationError as Wrong, ClientId, Nonce, SignatureVerificationError as BadSignature,
};
use patchward_common::time::{MINUTE_MS, UtcMs};
use std::time::{Duration, UNIX_EPOCH};

/// How far the clocks of provider and collector may stand apart.
const LEEWAY_MS: i64 = MINUTE_MS;
/// The signatures that count: those of a key that the provider alone has (RFC 7518 §3.1, RFC
/// 8037). With `HS256` whoever has our secret could say who somebody is, and `none` is none.
const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::RsaSsaPkcs1V15Sha256,
    Algorithm::RsaSsaPkcs1V15Sha384,
    Algorithm::RsaSsaPkcs1V15Sha512,
    Algorithm::RsaSsaPssSha256,
    Algorithm::RsaSsaPssSha384,
    Algorithm::RsaSsaPssSha512,
    Algorithm::EcdsaP256Sha256,
    Algorithm::EcdsaP384Sha384,
    Algorithm::EdDsa,
];

/// What an ID token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vouched {
    /// Who somebody is.
    pub subject: SubjectId,
    /// Whether they proved it in two ways.
    pub has_second_factor: bool,
}

/// What is asked of a token.
pub(super) struct Asked<'a> {
    /// Us, as the provider calls us.
    pub(super) client: &'a str,
    /// What stands in the token of this sign-in.
    pub(super) nonce: &'a str,
    /// Classes that count as two ways.
    pub(super) classes: &'a [String],
}

/// Why a token does not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It is signed by a key that we do not know; it may be a new one.
    UnknownKey,
    /// Whatever else is wrong.
    Other(&'static str),
}

/// What a token says, if everything about it holds (OpenID Connect Core 1.0 §3.1.3.7).
pub(super) fn vouched(
    token: &CoreIdToken,
    provider: &CoreProviderMetadata,
    asked: &Asked<'_>,
    now: UtcMs,
) -> Result<Vouched, Fault> {
    let client = ClientId::new(asked.client.to_owned());
    let issuer = provider.issuer().clone();
    // Whoever is no public client would have signatures by our secret count.
    let verifier = CoreIdTokenVerifier::new_public_client(client, issuer, provider.jwks().clone());
    let ms = u64::try_from(now.0.saturating_sub(LEEWAY_MS)).unwrap_or_default();
    let verifier = verifier
        .set_allowed_algs(ALGORITHMS)
        .set_time_fn(move || (UNIX_EPOCH + Duration::from_millis(ms)).into());
    let nonce = Nonce::new(asked.nonce.to_owned());
    let claims = token.claims(&verifier, &nonce).map_err(fault)?;
    let is_ours = claims
        .authorized_party()
        .is_none_or(|party| party.as_str() == asked.client);
    if !is_ours {
        return Err(Fault::Other("it was made for another program"));
    }
    let subject = claims.subject().to_string();
    let subject = SubjectId::try_from(subject)
        .map_err(|_| Fault::Other("it says who somebody is in no words of the standard"))?;
    let methods = claims.auth_method_refs().map_or(&[][..], Vec::as_slice);
    let amr: Vec<&str> = methods.iter().map(|word| word.as_str()).collect();
    let acr = claims.auth_context_ref().map(|acr| acr.as_str());
    Ok(Vouched {
        subject,
        has_second_factor: is_second_factor(&amr, acr, asked.classes),
    })
}

fn fault(wrong: Wrong) -> Fault {
    Fault::Other(match wrong {
        Wrong::SignatureVerification(BadSignature::NoMatchingKey) => return Fault::UnknownKey,
        Wrong::SignatureVerification(BadSignature::NoSignature) => "it is not signed",
        Wrong::SignatureVerification(BadSignature::DisallowedAlg(_)) => {
            "it is signed in a way that does not count"
        }
        Wrong::SignatureVerification(_) => "its signature does not hold",
        Wrong::Expired(_) => "its time is over, or the clocks of both computers differ",
        Wrong::InvalidAudience(_) => "it was made for another program",
        Wrong::InvalidIssuer(_) => "it was made by another provider",
        Wrong::InvalidNonce(_) => "it was made for another sign-in",
        _ => "it is none that we understand",
    })
}
