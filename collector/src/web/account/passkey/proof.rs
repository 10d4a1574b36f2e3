//! What is asked of authenticators, and whether their answers prove what they should. The
//! library draws the challenges and verifies (Web Authentication Level 3, §7.1 and §7.2); here
//! stands what we ask for.

use super::CHALLENGE_MS;
use super::party::Party;
use crate::control::Failure;
use crate::store::accounts::{Account, Passkey};
use patchward_common::id::Label;
use patchward_common::time::UtcMs;
use serde_json::Value;
use std::num::NonZeroU32;
use webauthn_rp::bin::{Decode as _, Encode as _};
use webauthn_rp::request::auth::AuthenticationVerificationOptions;
use webauthn_rp::request::register::{
    CredProtect, Nickname, PublicKeyCredentialUserEntity, RegistrationVerificationOptions,
    UserHandle64, Username,
};
use webauthn_rp::request::{ExtensionInfo, PublicKeyCredentialDescriptor};
use webauthn_rp::response::auth::DiscoverableAuthentication64;
use webauthn_rp::response::auth::error::AuthCeremonyErr;
use webauthn_rp::response::register::{CompressedPubKey, DynamicState, Registration, StaticState};
use webauthn_rp::response::{AuthTransports, CredentialId};
use webauthn_rp::{
    AuthenticatedCredential, DiscoverableAuthenticationServerState,
    DiscoverableCredentialRequestOptions, PublicKeyCredentialCreationOptions,
    RegistrationServerState,
};

/// A challenge for a new passkey.
pub(super) type Adding = RegistrationServerState<HANDLE_BYTES>;
/// A challenge for signing in.
pub(super) type Entering = DiscoverableAuthenticationServerState;

/// Bytes of what authenticators call a person: as many as the standard advises (§14.6.1).
const HANDLE_BYTES: usize = 64;
/// Public keys as they are kept: Ed25519, P-256, P-384, RSA.
type Key = CompressedPubKey<[u8; 32], [u8; 32], [u8; 48], Vec<u8>>;

/// Why an answer proves nothing.
#[derive(Debug)]
pub(super) enum Wrong {
    /// The authenticator has signed less often than it had: there may be two of it.
    Copied,
    /// Anything else, for the log.
    Other(String),
}

/// How long browsers wait, in milliseconds.
fn patience() -> NonZeroU32 {
    let ms = u32::try_from(CHALLENGE_MS).unwrap_or(u32::MAX);
    NonZeroU32::new(ms).unwrap_or(NonZeroU32::MIN)
}

fn fault(error: impl std::fmt::Display) -> Failure {
    tracing::error!(%error, "a challenge for a passkey could not be made");
    Failure::fault()
}

/// A challenge for a new passkey, and what the browser is told. It is to be on a device that
/// makes sure who holds it, and found there without a name.
pub(super) fn ask_new(
    party: &Party,
    account: &Account,
    known: &[Passkey],
) -> Result<(Adding, Value), Failure> {
    // All of a person's passkeys call the person the same, so that a device keeps one of them.
    let handle = match known.first().and_then(|first| handle_of(&first.handle)) {
        Some(handle) => handle,
        None => UserHandle64::new(),
    };
    let user = PublicKeyCredentialUserEntity {
        name: Username::try_from(account.name.as_str()).map_err(fault)?,
        id: &handle,
        // A name that would not be shown as it is written is left out.
        display_name: Nickname::try_from(account.title.as_str()).ok(),
    };
    let mut listed = Vec::with_capacity(known.len());
    for passkey in known {
        listed.push(PublicKeyCredentialDescriptor {
            id: CredentialId::<Vec<u8>>::decode(passkey.id.clone()).map_err(fault)?,
            transports: AuthTransports::decode(0).map_err(fault)?,
        });
    }
    let mut asked = PublicKeyCredentialCreationOptions::passkey(&party.id, user, listed);
    asked.timeout = patience();
    // A wish alone: many devices do not know it, and each use is verified anyway.
    asked.extensions.cred_protect =
        CredProtect::UserVerificationRequired(ExtensionInfo::AllowDontEnforceValue);
    let (adding, told) = asked.start_ceremony().map_err(fault)?;
    let told = serde_json::to_value(&told).map_err(fault)?;
    Ok((adding, told))
}

/// The passkey that an answer brings.
///
/// # Errors
/// Why it brings none, for the log.
pub(super) fn added(
    adding: Adding,
    party: &Party,
    answer: &Registration,
    account: &Account,
    title: Label,
    now: UtcMs,
) -> Result<Passkey, String> {
    let origins = [party.origin.as_str()];
    let options = RegistrationVerificationOptions::<&str, &str> {
        allowed_origins: &origins,
        // Browsers add extensions of their own (§9).
        error_on_unsolicited_extensions: false,
        ..RegistrationVerificationOptions::default()
    };
    let made = adding
        .verify(&party.id, answer, &options)
        .map_err(|error| error.to_string())?;
    let Ok(key) = made.static_state().encode();
    let Ok(state) = made.dynamic_state().encode();
    Ok(Passkey {
        id: made.id().as_ref().to_vec(),
        account: account.name.clone(),
        title,
        handle: made.user_id().as_ref().to_vec(),
        key,
        state: state.to_vec(),
        added_at: now,
        used_at: None,
    })
}

/// A challenge for signing in, and what the browser is told. It names no passkey: which of
/// theirs it is, the device and the person know.
pub(super) fn ask(party: &Party) -> Result<(Entering, Value), Failure> {
    let mut asked = DiscoverableCredentialRequestOptions::passkey(&party.id);
    asked.0.timeout = patience();
    let (entering, told) = asked.start_ceremony().map_err(fault)?;
    let told = serde_json::to_value(&told).map_err(fault)?;
    Ok((entering, told))
}

/// What the state of `passkey` is after an answer that proves it.
pub(super) fn entered(
    entering: Entering,
    party: &Party,
    answer: &DiscoverableAuthentication64,
    passkey: &Passkey,
) -> Result<Vec<u8>, Wrong> {
    let damaged = || Wrong::Other("what is stored of this passkey cannot be read".to_owned());
    let handle = handle_of(&passkey.handle).ok_or_else(damaged)?;
    let id = CredentialId::<&[u8]>::decode(&passkey.id).map_err(|_| damaged())?;
    let key = StaticState::<Key>::decode(&passkey.key).map_err(|_| damaged())?;
    let state = <[u8; 7]>::try_from(passkey.state.as_slice()).map_err(|_| damaged())?;
    let state = DynamicState::decode(state).map_err(|_| damaged())?;
    let mut known = AuthenticatedCredential::new(id, &handle, key, state).map_err(|_| damaged())?;
    let origins = [party.origin.as_str()];
    let options = AuthenticationVerificationOptions::<&str, &str> {
        allowed_origins: &origins,
        error_on_unsolicited_extensions: false,
        ..AuthenticationVerificationOptions::default()
    };
    match entering.verify(&party.id, answer, &mut known, &options) {
        Ok(_) => {
            let Ok(state) = known.dynamic_state().encode();
            Ok(state.to_vec())
        }
        Err(AuthCeremonyErr::SignatureCounter) => Err(Wrong::Copied),
        Err(error) => Err(Wrong::Other(error.to_string())),
    }
}

fn handle_of(bytes: &[u8]) -> Option<UserHandle64> {
    let bytes = <[u8; HANDLE_BYTES]>::try_from(bytes).ok()?;
    UserHandle64::decode(bytes).ok()
}
