//! The certificate that browsers are shown: the hospital's own out of a file, or one of the
//! collector's authority, which is made anew while it is shown.

use crate::app::App;
use crate::clock;
use crate::config::{Settings, host_of};
use crate::fleet::ca::{Authority, BACKDATED_MS, ServerIdentity, life_of};
use crate::item::expiry::Life;
use anyhow::Context as _;
use patchward_common::digest::Digest;
use patchward_common::time::UtcMs;
use rustls::crypto::CryptoProvider;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// How often it is looked whether it is to be made anew.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// The certificate that is shown, and from when to when it counts.
#[derive(Debug)]
pub(super) struct Shown {
    certified: Mutex<Arc<CertifiedKey>>,
    /// The authority that made it, where it is not out of a file.
    issuer: Mutex<Digest>,
    life: watch::Sender<Option<Life>>,
    provider: Arc<CryptoProvider>,
    /// The hosts that one of the collector's authority names; nothing where it is out of a file,
    /// which the hospital renews.
    hosts: Option<Vec<String>>,
}

impl Shown {
    /// Reads it, or makes it.
    ///
    /// # Errors
    /// Where the files that the settings name hold no certificate with its key.
    pub(super) fn open(
        settings: &Settings,
        authority: &Authority,
        provider: Arc<CryptoProvider>,
        now: UtcMs,
    ) -> anyhow::Result<Self> {
        let (hosts, identity) = match (&settings.web_certificate, &settings.web_key) {
            (Some(certificate), Some(key)) => (None, of_files(certificate, key)?),
            _ => {
                let hosts = hosts(settings);
                let made = made(authority, &hosts, now)?;
                (Some(hosts), made)
            }
        };
        let (certified, life) = certified(identity, &provider)?;
        Ok(Self {
            certified: Mutex::new(certified),
            issuer: Mutex::new(authority.fingerprint()),
            life: watch::Sender::new(life),
            provider,
            hosts,
        })
    }

    /// From when to when the one counts that is shown now.
    pub(super) fn life(&self) -> watch::Receiver<Option<Life>> {
        self.life.subscribe()
    }

    /// Makes one of the collector's authority anew in time, and where another authority has followed,
    /// until the task is dropped.
    pub(super) async fn keep(&self, app: &App) {
        let mut every = clock::every(LOOK_EVERY);
        loop {
            every.tick().await;
            let authorities = app.fleet.authorities();
            if let Err(error) = self.renew(authorities.current(), app.fleet.now()) {
                let error = format!("{error:#}");
                tracing::error!(error, "could not renew the page's certificate");
            }
        }
    }

    fn renew(&self, authority: &Authority, now: UtcMs) -> anyhow::Result<()> {
        let Some(hosts) = &self.hosts else {
            return Ok(());
        };
        let shown = *self.life.borrow();
        let mut issuer = self.issuer.lock().unwrap_or_else(PoisonError::into_inner);
        // After `ca finish` at once, while who did that still sees what browsers say of it.
        let is_same = *issuer == authority.fingerprint();
        if is_same && shown.is_some_and(|life| !is_due(life, now)) {
            return Ok(());
        }
        let (certified, life) = certified(made(authority, hosts, now)?, &self.provider)?;
        *self
            .certified
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = certified;
        *issuer = authority.fingerprint();
        self.life.send_replace(life);
        let ends = life.map(|life| life.ends.to_string());
        tracing::info!(ends, "the page's certificate was renewed");
        Ok(())
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let certified = self.certified.lock();
        Some(certified.unwrap_or_else(PoisonError::into_inner).clone())
    }
}

/// Whether one of the collector's authority is to be made anew: two thirds of its life are over, or
/// it was made while the clock was ahead, and begins later than now.
fn is_due(life: Life, now: UtcMs) -> bool {
    life.from.is_none_or(|from| {
        let (age, whole) = (now.since_ms(from), life.ends.since_ms(from));
        age < BACKDATED_MS / 2 || age > whole / 3 * 2
    })
}

/// For whom one of the collector's authority is.
fn hosts(settings: &Settings) -> Vec<String> {
    let origin = settings.web_origin();
    let host = host_of(origin.trim_start_matches("https://"));
    vec![host.to_owned(), "localhost".to_owned()]
}

fn made(authority: &Authority, hosts: &[String], now: UtcMs) -> anyhow::Result<ServerIdentity> {
    let issued = authority.server(hosts, rand::random(), now);
    issued.context("issuing the page's certificate")
}

fn of_files(certificate: &Path, key: &Path) -> anyhow::Result<ServerIdentity> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_file_iter(certificate)
        .with_context(|| format!("reading {}", certificate.display()))?
        .collect();
    Ok(ServerIdentity {
        chain: chain.with_context(|| format!("reading {}", certificate.display()))?,
        key: PrivateKeyDer::from_pem_file(key)
            .with_context(|| format!("reading {}", key.display()))?,
    })
}

/// What is shown with a key, and from when to when it counts.
fn certified(
    identity: ServerIdentity,
    provider: &CryptoProvider,
) -> anyhow::Result<(Arc<CertifiedKey>, Option<Life>)> {
    let life = identity.chain.first().and_then(life_of);
    let certified = CertifiedKey::from_der(identity.chain, identity.key, provider);
    let certified = certified.context("the page's certificate and key")?;
    Ok((Arc::new(certified), life))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::item::expiry::{Expires, What};
    use patchward_common::id::Name;
    use patchward_common::time::{DAY_MS, HOUR_MS};

    const BEGUN: UtcMs = UtcMs(1_795_400_040_000);

    fn after(ms: i64) -> UtcMs {
        BEGUN.plus_ms(ms)
    }

    fn opened(settings: &Settings) -> (tempfile::TempDir, Authority, anyhow::Result<Shown>) {
        let folder = tempfile::tempdir().unwrap();
        let name = Name::new("north").unwrap();
        let authority = Authority::init(folder.path(), &name, BEGUN).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let shown = Shown::open(settings, &authority, provider, BEGUN);
        (folder, authority, shown)
    }

    #[test]
    fn it_is_renewed_in_time_and_where_the_clock_was_ahead() {
        let (_folder, authority, shown) = opened(&Settings::default());
        let shown = shown.unwrap();
        let life = shown.life();
        let first = (*life.borrow()).unwrap();
        for (at, due) in [
            (-400 * DAY_MS, true),
            (-13 * HOUR_MS, true),
            (-11 * HOUR_MS, false),
            (0, false),
            (59 * DAY_MS, false),
            (60 * DAY_MS - HOUR_MS, true),
            (60 * DAY_MS, true),
            (90 * DAY_MS, true),
            (400 * DAY_MS, true),
        ] {
            assert_eq!(is_due(first, after(at)), due, "{at} ms");
        }
        // What renews itself is nobody's task.
        let expires = Expires {
            what: What::Page,
            subject: "page".into(),
            life: first,
        };
        assert_eq!(expires.warning(after(60 * DAY_MS - HOUR_MS)), None);
        shown.renew(&authority, after(59 * DAY_MS)).unwrap();
        assert_eq!(*life.borrow(), Some(first));
        shown.renew(&authority, after(60 * DAY_MS)).unwrap();
        let ends = first.ends.plus_ms(60 * DAY_MS);
        assert_eq!(life.borrow().map(|life| life.ends), Some(ends));
        shown.renew(&authority, BEGUN).unwrap();
        assert_eq!(*life.borrow(), Some(first), "the clock was set back");
    }

    #[test]
    fn it_is_of_the_authority_that_follows_at_once() {
        let (_folder, authority, shown) = opened(&Settings::default());
        let (shown, folder) = (shown.unwrap(), tempfile::tempdir().unwrap());
        let of = |authority: &Authority| {
            let certified = shown.certified.lock().unwrap();
            certified.cert.last() == Some(authority.certificate())
        };
        let name = Name::new("north").unwrap();
        let next = Authority::init(folder.path(), &name, BEGUN).unwrap();
        shown.renew(&authority, BEGUN).unwrap();
        assert!(of(&authority) && !of(&next));
        shown.renew(&next, BEGUN).unwrap();
        assert!(of(&next), "not in weeks");
        let made = shown.certified.lock().unwrap().clone();
        shown.renew(&next, BEGUN).unwrap();
        assert!(Arc::ptr_eq(&made, &shown.certified.lock().unwrap()), "once");
    }

    #[test]
    fn one_out_of_a_file_is_the_hospitals_to_renew() {
        let folder = tempfile::tempdir().unwrap();
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new(vec!["page.example".into()]).unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let (in_file, of_key) = (folder.path().join("crt"), folder.path().join("key"));
        std::fs::write(&in_file, certificate.pem()).unwrap();
        std::fs::write(&of_key, key.serialize_pem()).unwrap();
        let settings = Settings {
            web_certificate: Some(in_file.clone()),
            web_key: Some(of_key.clone()),
            ..Settings::default()
        };
        let (_kept, authority, shown) = opened(&settings);
        let shown = shown.unwrap();
        let before = *shown.life().borrow();
        shown.renew(&authority, UtcMs(i64::MAX)).unwrap();
        assert_eq!(*shown.life().borrow(), before);
        assert!(before.is_some());
        let another = rcgen::KeyPair::generate().unwrap();
        std::fs::write(&of_key, another.serialize_pem()).unwrap();
        let (_kept, _, refused) = opened(&settings);
        let refused = format!("{:#}", refused.unwrap_err());
        assert!(refused.contains("certificate and key"), "{refused}");
        std::fs::remove_file(&in_file).unwrap();
        let (_kept, _, refused) = opened(&settings);
        assert!(refused.unwrap_err().to_string().contains("reading"));
    }
}
