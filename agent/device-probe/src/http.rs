//! One page by HTTP.

use anyhow::{Context as _, anyhow, bail};
use patchward_common::device::MAX_ANSWER_BYTES;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use std::sync::Arc;
use std::time::Duration;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

/// Gets a page: no redirect leads to an address that nobody listed.
pub(super) fn ask(url: &str, ca_file: Option<&str>, step: Duration) -> anyhow::Result<Vec<u8>> {
    let roots = match ca_file {
        None => RootCerts::PlatformVerifier,
        Some(file) => trusted(file)?,
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = TlsConfig::builder()
        .root_certs(roots)
        .unversioned_rustls_crypto_provider(provider)
        .build();
    let agent = ureq::Agent::config_builder()
        .tls_config(tls)
        .proxy(None)
        .timeout_global(Some(step))
        .max_redirects(0)
        .max_redirects_will_error(false)
        .user_agent("patchward-device-probe")
        .build()
        .new_agent();
    let mut answer = agent
        .get(url)
        .call()
        .map_err(|error| anyhow!("{url}: {error}"))?;
    if answer.status().is_redirection() {
        bail!("{url} points to another address; name that one");
    }
    let body = answer.body_mut().with_config();
    let bytes = body.limit(MAX_ANSWER_BYTES as u64 + 1).read_to_vec();
    bytes.map_err(|error| anyhow!("{url}: {error}"))
}

fn trusted(file: &str) -> anyhow::Result<RootCerts> {
    let read = CertificateDer::pem_file_iter(file).with_context(|| format!("reading {file}"))?;
    let certificates: Result<Vec<_>, _> = read.collect();
    let certificates = certificates.with_context(|| format!("reading {file}"))?;
    if certificates.is_empty() {
        bail!("{file} holds no certificate");
    }
    let own = |der: &CertificateDer<'_>| Certificate::from_der(der.as_ref()).to_owned();
    let roots = certificates.iter().map(own).collect();
    Ok(RootCerts::Specific(Arc::new(roots)))
}
