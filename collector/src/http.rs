//! What every client of HTTP of ours shares: its TLS, and its words for what went wrong.

use std::sync::Arc;
use std::time::Duration;
use ureq::config::ConfigBuilder;
use ureq::tls::{RootCerts, TlsConfig};
use ureq::typestate::AgentScope;

/// A client that trusts `roots`, before its own limits are set.
pub(crate) fn client(roots: RootCerts) -> ConfigBuilder<AgentScope> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = TlsConfig::builder()
        .root_certs(roots)
        .unversioned_rustls_crypto_provider(provider)
        .build();
    ureq::Agent::config_builder()
        .tls_config(tls)
        .user_agent("patchward-collector")
}

/// What went wrong, without the address, which may be a secret, and what to do where people
/// can.
pub(crate) fn said(error: &ureq::Error, timeout: Duration) -> String {
    match error {
        ureq::Error::Timeout(_) => format!("no answer within {} seconds", timeout.as_secs()),
        // Others name the URL.
        ureq::Error::BadUri(_) => "this is no address".into(),
        ureq::Error::Io(error) => {
            let inner = error.get_ref();
            match inner.and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
                Some(error) => certificate(error),
                None => error.to_string(),
            }
        }
        ureq::Error::HostNotFound => "there is no server of this name".into(),
        ureq::Error::ConnectionFailed => "it cannot be reached".into(),
        ureq::Error::Rustls(error) => certificate(error),
        other => other.to_string(),
    }
}

/// What is wrong with the encrypted connection.
fn certificate(error: &rustls::Error) -> String {
    match error {
        rustls::Error::InvalidCertificate(reason) => format!(
            "its certificate does not hold ({reason:?}); where the hospital's own authority signed \
             it, install that on the collector's computer as Debian's ca-certificates says"
        ),
        other => format!("the encrypted connection failed: {other}"),
    }
}
