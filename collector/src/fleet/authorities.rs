//! The certificate authority, and the next one while it is being followed. Then both are
//! trusted: machines are certified by the next and told of both, and the collector itself goes
//! on with a certificate of the old one, because that is whom machines know that have not
//! renewed yet.
//!
//! For that time `ca-next.key` and `ca-next.crt` lie beside `ca.key` and `ca.crt`.

use super::Authority;
use super::ca::{CURRENT, CaError, NEXT, paths};
use patchward_common::id::Name;
use patchward_common::time::UtcMs;
use rustls_pki_types::CertificateDer;
use std::path::Path;
use std::sync::Arc;

/// The authorities that machines are certified by. Clones share them.
#[derive(Clone)]
pub struct Authorities {
    current: Arc<Authority>,
    next: Option<Arc<Authority>>,
}

impl Authorities {
    /// Opens those in `folder`. Where going over to the next one was cut off, it is brought to
    /// its end.
    pub fn open(folder: &Path) -> Result<Self, CaError> {
        let (key, certificate) = paths(folder, NEXT);
        let next = match (key.exists(), certificate.exists()) {
            (true, true) => Some(Arc::new(Authority::open_as(folder, NEXT)?)),
            (true, false) => {
                go_over(folder)?;
                None
            }
            // A certificate without its key: making it was cut off, and nobody was told of it.
            (false, _) => None,
        };
        Ok(Self {
            current: Arc::new(Authority::open(folder)?),
            next,
        })
    }

    /// Makes the next one in `folder`. Its name is another than the old one's: by their names
    /// certificates and revocation lists find the authority that they are of.
    ///
    /// # Errors
    /// [`CaError::Exists`] where there is one already.
    pub fn begin(folder: &Path, collector: &Name, now: UtcMs) -> Result<Self, CaError> {
        let (key, certificate) = paths(folder, NEXT);
        if certificate.exists() && !key.exists() {
            let removed = std::fs::remove_file(&certificate);
            removed.map_err(|source| CaError::File {
                path: certificate,
                source,
            })?;
        }
        let title = format!("Patchward {collector} {:08x}", rand::random::<u32>());
        Authority::make(folder, NEXT, &title, now)?;
        Self::open(folder)
    }

    /// Takes back what [`Authorities::begin`] made, before anybody was told of it.
    pub fn drop_next(folder: &Path) {
        let (key, certificate) = paths(folder, NEXT);
        // What stays is left out the next time: without its key it is none.
        let _ = std::fs::remove_file(key);
        let _ = std::fs::remove_file(certificate);
    }

    /// Goes over to the next one in `folder`; the old one's key is gone with it.
    pub fn finish(folder: &Path) -> Result<Self, CaError> {
        let (key, _) = paths(folder, NEXT);
        if key.exists() {
            go_over(folder)?;
        }
        Self::open(folder)
    }

    /// The one whose certificate the collector shows, and that tokens name.
    pub fn current(&self) -> &Authority {
        &self.current
    }

    /// The one that follows.
    pub fn next(&self) -> Option<&Authority> {
        self.next.as_deref()
    }

    /// The one that certifies machines.
    pub fn certifies(&self) -> &Authority {
        self.next().unwrap_or(&self.current)
    }

    /// Everyone that is trusted.
    pub fn trusted(&self) -> impl Iterator<Item = &Authority> {
        std::iter::once(self.current()).chain(self.next())
    }
}

/// Whether a certificate that was verified is by this authority, and not by another one that
/// is trusted too: their names differ.
pub(super) fn is_by(certificate: &CertificateDer<'_>, authority: &Authority) -> bool {
    let parsed = x509_parser::parse_x509_certificate(certificate);
    let of = x509_parser::parse_x509_certificate(authority.certificate());
    match (parsed, of) {
        (Ok((_, parsed)), Ok((_, of))) => parsed.issuer().as_raw() == of.subject().as_raw(),
        _ => false,
    }
}

/// The certificate first: a next key without a certificate says that this was begun.
fn go_over(folder: &Path) -> Result<(), CaError> {
    let (next_key, next_certificate) = paths(folder, NEXT);
    let (key, certificate) = paths(folder, CURRENT);
    for (from, to) in [(next_certificate, certificate), (next_key, key)] {
        if !from.exists() {
            continue;
        }
        let moved = std::fs::rename(&from, &to).and_then(|()| {
            // The order counts also where power fails between the two.
            std::fs::File::open(folder)?.sync_all()
        });
        moved.map_err(|source| CaError::File { path: to, source })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UtcMs = UtcMs(1_795_400_040_000);

    fn name() -> Name {
        Name::new("north").unwrap()
    }

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        Authority::init(folder.path(), &name(), NOW).unwrap();
        folder
    }

    #[test]
    fn the_next_one_certifies_and_both_are_trusted() {
        let folder = folder();
        let one = Authorities::open(folder.path()).unwrap();
        assert!(one.next().is_none());
        let (first, both) = (
            one.certifies().fingerprint(),
            Authorities::begin(folder.path(), &name(), NOW).unwrap(),
        );
        assert_eq!(both.current().fingerprint(), first);
        assert_ne!(both.certifies().fingerprint(), first);
        assert_eq!(both.trusted().count(), 2);
        let again = Authorities::begin(folder.path(), &name(), NOW);
        assert!(matches!(again, Err(CaError::Exists(_))));
        let opened = Authorities::open(folder.path()).unwrap();
        let next = both.certifies().fingerprint();
        assert_eq!(opened.certifies().fingerprint(), next);
        let over = Authorities::finish(folder.path()).unwrap();
        assert_eq!(over.current().fingerprint(), next);
        assert!(over.next().is_none());
    }

    /// Cut off at every point, it is what it was or what it was to become.
    #[test]
    fn what_was_cut_off_is_brought_to_an_end() {
        let folder = folder();
        let at = |file: &str| folder.path().join(file);
        // Making it: the certificate is there, the key is not.
        std::fs::write(at("ca-next.crt"), "half").unwrap();
        assert!(Authorities::open(folder.path()).unwrap().next().is_none());
        let both = Authorities::begin(folder.path(), &name(), NOW).unwrap();
        let next = both.certifies().fingerprint();
        // Going over: the certificate is moved, the key is not.
        std::fs::rename(at("ca-next.crt"), at("ca.crt")).unwrap();
        let over = Authorities::open(folder.path()).unwrap();
        assert_eq!(over.current().fingerprint(), next);
        assert!(over.next().is_none() && !at("ca-next.key").exists());
        // Key and certificate belong together.
        let key = std::fs::read_to_string(at("ca.key")).unwrap();
        let key = rcgen::KeyPair::from_pem(&key).unwrap();
        let der = over.current().certificate();
        let (_, parsed) = x509_parser::parse_x509_certificate(der).unwrap();
        let spki = rcgen::PublicKeyData::subject_public_key_info(&key);
        assert_eq!(parsed.public_key().raw, spki);
    }
}
