//! Who a relay is: a key that never leaves it, and a certificate that the collector's authority
//! gave for it.

use crate::control::Failure;
use crate::fleet;
use crate::item::expiry::Life;
use anyhow::Context as _;
use rcgen::{CertificateParams, KeyPair};
use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;

/// Key, certificate and whom to believe.
pub(super) struct Identity {
    pub(super) certificate: CertificateDer<'static>,
    pub(super) key: PrivateKeyDer<'static>,
    /// The authorities of the collector and of machines.
    pub(super) roots: RootCertStore,
}

pub(super) fn request(path: &Path) -> anyhow::Result<String> {
    let key = match std::fs::read_to_string(path) {
        Ok(text) => {
            KeyPair::from_pem(&text).with_context(|| format!("reading {}", path.display()))?
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let key = KeyPair::generate().context("making a key")?;
            let mut options = std::fs::OpenOptions::new();
            let options = options.write(true).create_new(true).mode(0o600);
            let write = |mut file: std::fs::File| {
                file.write_all(key.serialize_pem().as_bytes())?;
                file.sync_all()
            };
            let written = options.open(path).and_then(write);
            written.with_context(|| format!("writing {}", path.display()))?;
            key
        }
        Err(error) => return Err(error).with_context(|| format!("reading {}", path.display())),
    };
    // Names are the collector's to give.
    let params = CertificateParams::new(Vec::new()).context("making a request")?;
    let request = params.serialize_request(&key).context("making a request")?;
    request.pem().context("making a request")
}

impl Identity {
    pub(super) fn load(certificate: &Path, key: &Path) -> anyhow::Result<Self> {
        let missing = |path: &Path, error: &dyn std::fmt::Display| {
            Failure::not_found(format!(
                "{}: {error}; `patchward-collector relay --request` makes a request, and `ca relay` \
                 at the collector the certificate for it",
                path.display()
            ))
        };
        let chain = CertificateDer::pem_file_iter(certificate)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| missing(certificate, &error))?;
        let mut chain = chain.into_iter();
        let own = chain
            .next()
            .ok_or_else(|| missing(certificate, &"there is no certificate in it"))?;
        let mut roots = RootCertStore::empty();
        for authority in chain {
            let added = roots.add(authority);
            added.with_context(|| format!("reading {}", certificate.display()))?;
        }
        if roots.is_empty() {
            let what = "the authority is not in it";
            return Err(missing(certificate, &what).into());
        }
        Ok(Self {
            certificate: own,
            key: PrivateKeyDer::from_pem_file(key).map_err(|error| missing(key, &error))?,
            roots,
        })
    }

    /// What the collector calls this relay.
    pub(super) fn name(&self) -> Option<String> {
        fleet::ca::relay_of(&self.certificate).map(|name| name.to_string())
    }

    /// From when to when its certificate counts.
    pub(super) fn life(&self) -> Option<Life> {
        fleet::ca::life_of(&self.certificate)
    }

    pub(super) fn provider() -> Arc<CryptoProvider> {
        Arc::new(rustls::crypto::aws_lc_rs::default_provider())
    }
}
