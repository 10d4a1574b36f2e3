//! How this machine comes to a certificate, for the first time and anew. The agent makes
//! the TLS key; the installer, with the machine's key, says that it is this machine's.

use crate::credentials::{Credentials, CredentialsError};
use crate::installer::{Installer, InstallerError};
use crate::link::{Identity, Link, LinkError};
use crate::tls_key::{NoKey, TlsKey};
use patchward_common::codec;
use patchward_common::digest::Digest;
use patchward_common::facts::{Facts, PackedFacts};
use patchward_common::id::BootId;
use patchward_common::time::UtcMs;
use patchward_common::trust::sign::Signed;
use patchward_common::wire::machine::{
    Answer, Certificate, Enroll, EnrolmentStatement, MAX_REQUEST_BYTES, Refused, Request,
};
use patchward_common::wire::token::EnrolmentToken;
use serde_bytes::ByteBuf;

/// Why this machine has no certificate.
#[derive(Debug, thiserror::Error)]
pub enum EnrolError {
    /// The installer did not sign.
    #[error(transparent)]
    Installer(#[from] InstallerError),
    /// The collector cannot be reached.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// The collector said no.
    #[error("the collector refused: {}", .0.text)]
    Refused(Refused),
    /// The certificate could not be taken or kept.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// The installer was pinned to another hospital, or not at all.
    #[error("{0}")]
    Pin(&'static str),
    /// The TLS key could not be made.
    #[error(transparent)]
    Key(#[from] NoKey),
}

/// What the machine says of itself while it enrols.
#[derive(Clone, Debug)]
pub struct Myself {
    /// Its facts.
    pub facts: Facts,
    /// Their part by which a clone is told.
    pub fingerprint: Digest,
    /// This boot.
    pub boot: BootId,
}

/// What became of a request for a certificate.
#[derive(Debug)]
pub enum Asked {
    /// It is here.
    Certified(Box<Credentials>),
    /// A person has to accept; ask again after so many milliseconds.
    Wait(u64),
}

/// A machine that asks with a token; the TLS key stays the same until it is certified.
pub struct Enrolment {
    token: EnrolmentToken,
    installer: Installer,
    key: TlsKey,
}

impl Enrolment {
    /// Checks with the installer that the token is of the hospital that it was pinned to.
    pub async fn begin(token: EnrolmentToken, installer: Installer) -> Result<Self, EnrolError> {
        match installer.identity().await?.root {
            Some(root) if root == token.root.fingerprint() => Ok(Self {
                token,
                installer,
                key: TlsKey::generate()?,
            }),
            Some(_) => Err(EnrolError::Pin(
                "the installer is pinned to another hospital than the token's",
            )),
            None => Err(EnrolError::Pin(
                "the installer is not pinned yet; run `patchward-installer pin` with the token",
            )),
        }
    }

    /// Asks once.
    pub async fn ask(
        &self,
        addresses: &[String],
        myself: &Myself,
        now: UtcMs,
    ) -> Result<Asked, EnrolError> {
        let secret = Some(self.token.secret_digest());
        let machine = self.installer.identity().await?;
        let statement = statement(&self.key, machine.key, secret, myself, now)?;
        let signed = sign(&self.installer, &statement).await?;
        let request = Request::Enroll(Box::new(Enroll {
            secret: self.token.secret.clone(),
            statement: signed,
            facts: PackedFacts::of(&myself.facts),
        }));
        let link = Link::connect(addresses, Identity::Pinned(self.token.ca)).await?;
        let answer = link.ask(&request).await;
        link.close().await;
        match certificate(answer?)? {
            Ok(certificate) => {
                let is_pinned = |der: &ByteBuf| Digest::of(der) == self.token.ca;
                if !certificate.authorities.iter().any(is_pinned) {
                    return Err(CredentialsError::NotOurs.into());
                }
                let token = self.token.addresses.clone();
                let credentials = Credentials::new(token, machine.machine, &self.key, certificate)?;
                Ok(Asked::Certified(Box::new(credentials)))
            }
            Err(wait_ms) => Ok(Asked::Wait(wait_ms)),
        }
    }
}

/// Asks for the next certificate, with a new TLS key, over `link`.
pub async fn renew(
    link: &Link,
    installer: &Installer,
    old: &Credentials,
    myself: &Myself,
    now: UtcMs,
) -> Result<Asked, EnrolError> {
    let key = TlsKey::generate()?;
    let machine = installer.identity().await?;
    let statement = statement(&key, machine.key, None, myself, now)?;
    let signed = sign(installer, &statement).await?;
    match certificate(link.ask(&Request::Renew(signed)).await?)? {
        Ok(certificate) => {
            let addresses = old.addresses.clone();
            let credentials = Credentials::new(addresses, machine.machine, &key, certificate)?;
            Ok(Asked::Certified(Box::new(credentials)))
        }
        Err(wait_ms) => Ok(Asked::Wait(wait_ms)),
    }
}

fn certificate(answer: Answer) -> Result<Result<Certificate, u64>, EnrolError> {
    match answer {
        Answer::Certificate(certificate) => Ok(Ok(certificate)),
        Answer::Wait(again_ms) => Ok(Err(again_ms)),
        Answer::Refused(refused) => Err(EnrolError::Refused(refused)),
        _ => Err(LinkError::Unexpected("a certificate").into()),
    }
}

fn statement(
    tls_key: &TlsKey,
    machine_key: patchward_common::trust::sign::PublicKey,
    token: Option<Digest>,
    myself: &Myself,
    now: UtcMs,
) -> Result<EnrolmentStatement, EnrolError> {
    Ok(EnrolmentStatement {
        key: machine_key,
        csr: ByteBuf::from(tls_key.request()?),
        token,
        fingerprint: myself.fingerprint,
        boot: myself.boot,
        at: now,
    })
}

async fn sign(
    installer: &Installer,
    statement: &EnrolmentStatement,
) -> Result<Signed<EnrolmentStatement>, EnrolError> {
    let bytes = installer
        .sign(codec::encode_deterministic(statement))
        .await?;
    codec::decode(&bytes, MAX_REQUEST_BYTES)
        .map_err(|error| InstallerError::Answer(error.to_string()).into())
}
