//! What the agent proves itself with: its TLS key and certificate, and the authorities
//! that it trusts. One file, so that key and certificate always belong together.

use crate::state::{self, StateError};
use crate::tls_key::TlsKey;
use patchward_common::codec;
use patchward_common::id::MachineId;
use patchward_common::time::UtcMs;
use patchward_common::wire::machine::{CERTIFICATE_LIFE_MS, Certificate};
use rustls_pki_types::CertificateDer;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use std::path::{Path, PathBuf};

/// The file's name in the agent's folder.
pub(crate) const FILE: &str = "credentials";
/// Largest file: two authorities, eight addresses.
const MAX_BYTES: usize = 32 * 1024;

/// Key, certificate and whom to trust.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credentials {
    /// The collector's addresses from the enrolment token.
    pub addresses: Vec<String>,
    /// This machine.
    pub machine: MachineId,
    /// The TLS key, PKCS #8.
    pub key: ByteBuf,
    /// The certificate for it, and the authorities.
    pub certificate: Certificate,
    /// The certificate's end.
    pub expires: UtcMs,
}

impl std::fmt::Debug for Credentials {
    /// The key stays out of logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials")
            .field("machine", &self.machine)
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

/// Why there are no credentials.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// The machine was not enrolled.
    #[error("this machine is not enrolled; run `patchward-agent enroll` with a token")]
    NotEnrolled,
    /// The file is damaged.
    #[error("{}: {problem}; enrol this machine again", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// It could not be read or written.
    #[error(transparent)]
    State(#[from] StateError),
    /// The collector gave something else than a certificate for our key.
    #[error("the collector's certificate is not for this machine's key")]
    NotOurs,
}

impl Credentials {
    /// Takes a certificate from a collector, if it is for this key and machine.
    pub fn new(
        addresses: Vec<String>,
        machine: MachineId,
        key: &TlsKey,
        certificate: Certificate,
    ) -> Result<Self, CredentialsError> {
        let (_, parsed) = x509_parser::parse_x509_certificate(&certificate.certificate)
            .map_err(|_| CredentialsError::NotOurs)?;
        let name = parsed.subject().iter_common_name().next();
        let name = name.and_then(|name| name.as_str().ok());
        if name != Some(machine.to_string().as_str()) || parsed.public_key().raw != key.spki() {
            return Err(CredentialsError::NotOurs);
        }
        let expires = UtcMs(
            parsed
                .validity()
                .not_after
                .timestamp()
                .saturating_mul(1_000),
        );
        Ok(Self {
            addresses,
            machine,
            key: ByteBuf::from(key.pkcs8()),
            certificate,
            expires,
        })
    }

    /// Reads them from the agent's folder.
    pub fn load(folder: &Path) -> Result<Self, CredentialsError> {
        let path = folder.join(FILE);
        let bytes = state::read(&path, MAX_BYTES)?.ok_or(CredentialsError::NotEnrolled)?;
        codec::decode(&bytes, MAX_BYTES).map_err(|error| CredentialsError::Damaged {
            path,
            problem: error.to_string(),
        })
    }

    /// Writes them into the agent's folder.
    pub fn save(&self, folder: &Path) -> Result<(), StateError> {
        state::make_folder(folder)?;
        state::write(&folder.join(FILE), &codec::encode(self))
    }

    /// Whether it is time for the next certificate: two thirds of its life are over.
    pub fn is_due(&self, now: UtcMs) -> bool {
        self.expires.since_ms(now) < CERTIFICATE_LIFE_MS / 3
    }

    /// Whether the certificate is over.
    pub fn is_expired(&self, now: UtcMs) -> bool {
        self.expires <= now
    }

    /// The authorities that a collector's certificate must come from.
    pub fn authorities(&self) -> impl Iterator<Item = CertificateDer<'static>> + '_ {
        let authorities = self.certificate.authorities.iter();
        authorities.map(|der| CertificateDer::from(der.to_vec()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use patchward_common::time::DAY_MS;

    #[test]
    fn it_is_due_at_two_thirds_of_its_life_and_over_at_its_end() {
        let issued = UtcMs(1_000_000);
        let credentials = Credentials {
            addresses: Vec::new(),
            machine: MachineId([1; 32]),
            key: ByteBuf::new(),
            certificate: Certificate {
                certificate: ByteBuf::new(),
                authorities: Vec::new(),
            },
            expires: issued.plus_ms(CERTIFICATE_LIFE_MS),
        };
        for (days, is_due, is_expired) in [
            (0, false, false),
            (60, false, false),
            (61, true, false),
            (89, true, false),
            (90, true, true),
            (400, true, true),
        ] {
            let now = issued.plus_ms(days * DAY_MS);
            assert_eq!(credentials.is_due(now), is_due, "day {days}");
            assert_eq!(credentials.is_expired(now), is_expired, "day {days}");
        }
    }
}
