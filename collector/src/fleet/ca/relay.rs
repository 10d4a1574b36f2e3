//! Certificates of site relays.

use super::{Authority, CaError, Issued, alt_name, params};
use crate::fleet::Authorities;
use base64::Engine as _;
use patchward_common::id::Name;
use patchward_common::time::{DAY_MS, UtcMs};
use patchward_common::wire::machine::{RELAY_NAME, RELAY_SUBJECT};
use rcgen::ExtendedKeyUsagePurpose;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, CertificateSigningRequestDer};

/// Life of a relay's certificate: a person carries it, once a year. When it is over, machines go to
/// the collector.
const RELAY_LIFE_MS: i64 = 400 * DAY_MS;

impl Authority {
    /// Issues a relay's certificate for the key of a request: it answers machines under a name of
    /// its own, and asks the collector. It is no machine's and no collector's.
    pub fn relay(
        &self,
        relay: &Name,
        csr: &[u8],
        serial: [u8; 16],
        now: UtcMs,
    ) -> Result<Issued, CaError> {
        let mut params = params(&format!("{RELAY_SUBJECT}{relay}"), RELAY_LIFE_MS, now);
        params.subject_alt_names.push(alt_name(RELAY_NAME)?);
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        self.certified(params, csr, serial, now.plus_ms(RELAY_LIFE_MS))
    }
}

/// What a relay is given.
pub struct Certified {
    /// Its certificate and the authorities that it trusts, as PEM.
    pub chain: String,
    /// Its serial number, lower-case hex.
    pub serial: String,
    /// Its end.
    pub expires: UtcMs,
}

impl Authorities {
    /// Certifies a relay for the key of a request that is PEM.
    pub fn certify_relay(
        &self,
        relay: &Name,
        request: &[u8],
        serial: [u8; 16],
        now: UtcMs,
    ) -> Result<Certified, CaError> {
        let csr = CertificateSigningRequestDer::from_pem_slice(request)
            .map_err(|error| CaError::Request(error.to_string()))?;
        let issued = self.certifies().relay(relay, &csr, serial, now)?;
        let trusted = self.trusted();
        let trusted = trusted.map(|authority| authority.certificate().to_vec());
        let chain = std::iter::once(issued.certificate).chain(trusted);
        Ok(Certified {
            chain: chain.map(|der| pem(&der)).collect(),
            serial: issued.serial,
            expires: issued.expires,
        })
    }
}

/// A certificate as text (RFC 7468 §5).
fn pem(der: &[u8]) -> String {
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let lines: Vec<&str> = text
        .as_bytes()
        .chunks(64)
        .filter_map(|line| std::str::from_utf8(line).ok())
        .collect();
    let (begin, end) = ("-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----");
    format!("{begin}\n{}\n{end}\n", lines.join("\n"))
}

/// The relay that a certificate that was verified is of; `None` where it is not of one.
pub(crate) fn relay_of(certificate: &CertificateDer<'_>) -> Option<Name> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate).ok()?;
    let mut names = parsed.subject().iter_common_name();
    let name = names.next()?.as_str().ok()?.strip_prefix(RELAY_SUBJECT)?;
    let is_alone = names.next().is_none();
    Name::new(name).ok().filter(|_| is_alone)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::ca::identity_of;
    use rcgen::{CertificateParams, KeyPair};

    #[test]
    fn a_relays_certificate_is_no_machines_and_no_collectors() {
        let now = UtcMs(1_795_400_040_000);
        let folder = tempfile::tempdir().unwrap();
        let name = Name::new("site-b").unwrap();
        let authority = Authority::init(folder.path(), &name, now).unwrap();
        let key = KeyPair::generate().unwrap();
        let asked = CertificateParams::new(vec!["collector.patchward.internal".into()]).unwrap();
        let csr = asked.serialize_request(&key).unwrap().der().to_vec();
        let issued = authority.relay(&name, &csr, [7; 16], now).unwrap();
        let der = CertificateDer::from(issued.certificate);
        assert_eq!(relay_of(&der), Some(name));
        assert_eq!(identity_of(&der), None);
        let (_, parsed) = x509_parser::parse_x509_certificate(&der).unwrap();
        let names = parsed.subject_alternative_name().unwrap().unwrap().value;
        assert_eq!(names.general_names.len(), 1);
        assert!(format!("{:?}", names.general_names[0]).contains(RELAY_NAME));
        assert_eq!(relay_of(authority.certificate()), None);
    }
}
