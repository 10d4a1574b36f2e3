//! The collector's certificate authority: it says which TLS key speaks for which machine,
//! and nothing else. No document is signed with it.
//!
//! Two files in the collector's folder, `ca.key` and `ca.crt`, both 0600, and two more while
//! another follows it (see [`super::Authorities`]). The collector's own certificate is made
//! anew at each start and lives in memory.

mod relay;
mod request;

pub(crate) use relay::relay_of;
use request::request;

use crate::item::expiry::Life;
use patchward_common::digest::Digest;
use patchward_common::id::{MachineId, Name};
use patchward_common::time::{DAY_MS, SECOND_MS, UtcMs};
use patchward_common::wire::machine::{CERTIFICATE_LIFE_MS, SERVER_NAME};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DistinguishedName,
    DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose,
    RevokedCertParams, SerialNumber,
};
use rustls_pki_types::{
    CertificateDer, CertificateRevocationListDer, PrivateKeyDer, PrivatePkcs8KeyDer, pem::PemObject,
};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use time::OffsetDateTime;

/// Life of the authority: longer than a machine stands beside a patient.
const AUTHORITY_LIFE_MS: i64 = 20 * 365 * DAY_MS;
/// Life of the collector's own certificate; it is renewed long before, at each start and
/// at two thirds.
pub(super) const SERVER_LIFE_MS: i64 = 90 * DAY_MS;
/// Certificates begin this much before they are issued: a machine's clock may be behind.
pub(crate) const BACKDATED_MS: i64 = DAY_MS;
/// How long a revocation list claims to be current. Nobody fetches it: the collector
/// makes it and checks by it, anew at each change and start.
const LIST_LIFE_MS: i64 = 365 * DAY_MS;
/// The files of the authority, without their endings.
pub(super) const CURRENT: &str = "ca";
/// The files of the one that follows.
pub(super) const NEXT: &str = "ca-next";

/// The authority, open.
pub struct Authority {
    certificate: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate for a machine.
pub struct Issued {
    /// The certificate, DER.
    pub certificate: Vec<u8>,
    /// Its serial number, lower-case hex.
    pub serial: String,
    /// Its end.
    pub expires: UtcMs,
}

/// The collector's own certificate and key.
pub(crate) struct ServerIdentity {
    pub(crate) chain: Vec<CertificateDer<'static>>,
    pub(crate) key: PrivateKeyDer<'static>,
}

/// Why the authority did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum CaError {
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        source: std::io::Error,
    },
    /// There is an authority already; a second one would cut off every machine.
    #[error("{0} exists already; an authority is made once, nothing was changed")]
    Exists(PathBuf),
    /// A file does not hold what it should.
    #[error("{path} is damaged ({problem}); restore it from a backup")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// A certificate request that is malformed, or not signed by the key that it is for.
    #[error("the certificate request is not usable: {0}")]
    Request(String),
    /// An address that is neither a DNS name nor an IP address.
    #[error("{address:?} is neither a host name nor an IP address")]
    Address {
        /// The address.
        address: String,
    },
    /// The cryptographic library refused.
    #[error("cannot sign: {0}")]
    Sign(#[source] rcgen::Error),
}

impl Authority {
    /// Makes the authority in `folder`, once.
    pub fn init(folder: &Path, collector: &Name, now: UtcMs) -> Result<Self, CaError> {
        Self::make(folder, CURRENT, &format!("Patchward {collector}"), now)
    }

    pub(super) fn make(
        folder: &Path,
        stem: &str,
        title: &str,
        now: UtcMs,
    ) -> Result<Self, CaError> {
        let (key_path, certificate_path) = paths(folder, stem);
        for path in [&key_path, &certificate_path] {
            if path.exists() {
                return Err(CaError::Exists(path.clone()));
            }
        }
        let key = KeyPair::generate().map_err(CaError::Sign)?;
        let mut params = params(title, AUTHORITY_LIFE_MS, now);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = params.self_signed(&key).map_err(CaError::Sign)?;
        // The key last: with it the authority is complete.
        write_new(&certificate_path, certificate.pem().as_bytes())?;
        write_new(&key_path, key.serialize_pem().as_bytes())?;
        Self::open_as(folder, stem)
    }

    /// Opens the authority in `folder`.
    pub fn open(folder: &Path) -> Result<Self, CaError> {
        Self::open_as(folder, CURRENT)
    }

    pub(super) fn open_as(folder: &Path, stem: &str) -> Result<Self, CaError> {
        let (key_path, certificate_path) = paths(folder, stem);
        let damaged = |path: &PathBuf, problem: String| CaError::Damaged {
            path: path.clone(),
            problem,
        };
        let certificate = CertificateDer::from_pem_slice(&read(&certificate_path)?)
            .map_err(|error| damaged(&certificate_path, error.to_string()))?;
        let text = String::from_utf8(read(&key_path)?)
            .map_err(|_| damaged(&key_path, "not text".into()))?;
        let key = KeyPair::from_pem(&text).map_err(|e| damaged(&key_path, e.to_string()))?;
        let issuer = Issuer::from_ca_cert_der(&certificate, key)
            .map_err(|error| damaged(&certificate_path, error.to_string()))?;
        Ok(Self {
            certificate,
            issuer,
        })
    }

    /// The authority's certificate, DER.
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// From when to when the authority counts.
    pub fn life(&self) -> Option<Life> {
        life_of(&self.certificate)
    }

    /// What an enrolment token pins: SHA-256 of the authority's certificate.
    pub fn fingerprint(&self) -> Digest {
        Digest::of(&self.certificate)
    }

    /// Issues a machine's certificate for the key of a request. The request must be signed
    /// by that key; whatever else it asks for is not looked at.
    pub fn issue(
        &self,
        machine: MachineId,
        csr: &[u8],
        serial: [u8; 16],
        now: UtcMs,
    ) -> Result<Issued, CaError> {
        let mut params = params(&machine.to_string(), CERTIFICATE_LIFE_MS, now);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.certified(params, csr, serial, now.plus_ms(CERTIFICATE_LIFE_MS))
    }

    /// Issues a certificate that ends at `expires`, for the key that signed a request.
    fn certified(
        &self,
        mut params: CertificateParams,
        csr: &[u8],
        serial: [u8; 16],
        expires: UtcMs,
    ) -> Result<Issued, CaError> {
        let request = request(csr)?;
        let serial = positive(serial);
        params.serial_number = Some(SerialNumber::from_slice(&serial));
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.use_authority_key_identifier_extension = true;
        let certificate = params
            .signed_by(&request.public_key, &self.issuer)
            .map_err(CaError::Sign)?;
        Ok(Issued {
            certificate: certificate.der().to_vec(),
            serial: hex(&serial),
            expires,
        })
    }

    /// The list of revoked serial numbers (lower-case hex), each with when it was revoked.
    pub fn revocation_list(
        &self,
        revoked: &[(String, UtcMs)],
        number: u64,
        now: UtcMs,
    ) -> Result<CertificateRevocationListDer<'static>, CaError> {
        let revoked_certs = revoked
            .iter()
            .filter_map(|(serial, at)| {
                Some(RevokedCertParams {
                    serial_number: SerialNumber::from_slice(&unhex(serial)?),
                    revocation_time: date(*at),
                    reason_code: None,
                    invalidity_date: None,
                })
            })
            .collect();
        let list = CertificateRevocationListParams {
            this_update: date(now),
            next_update: date(now.plus_ms(LIST_LIFE_MS)),
            crl_number: SerialNumber::from(number),
            issuing_distribution_point: None,
            revoked_certs,
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let list = list.signed_by(&self.issuer).map_err(CaError::Sign)?;
        Ok(list.der().clone())
    }

    /// A new certificate for the collector itself, with the fixed name that machines ask
    /// for and the addresses by which people know it.
    pub(crate) fn server(
        &self,
        addresses: &[String],
        serial: [u8; 16],
        now: UtcMs,
    ) -> Result<ServerIdentity, CaError> {
        let key = KeyPair::generate().map_err(CaError::Sign)?;
        let mut params = params(SERVER_NAME, SERVER_LIFE_MS, now);
        params.serial_number = Some(SerialNumber::from_slice(&positive(serial)));
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        for address in std::iter::once(SERVER_NAME).chain(addresses.iter().map(String::as_str)) {
            params.subject_alt_names.push(alt_name(address)?);
        }
        let certificate = params
            .signed_by(&key, &self.issuer)
            .map_err(CaError::Sign)?;
        Ok(ServerIdentity {
            chain: vec![certificate.der().clone(), self.certificate.clone()],
            key: PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
        })
    }
}

/// From when to when a certificate counts; `None` where it is none.
pub fn life_of(certificate: &CertificateDer<'_>) -> Option<Life> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate).ok()?;
    let at = |time: x509_parser::time::ASN1Time| UtcMs(time.timestamp().saturating_mul(SECOND_MS));
    let validity = parsed.validity();
    Some(Life {
        from: Some(at(validity.not_before)),
        ends: at(validity.not_after),
    })
}

/// The machine and the serial number of a certificate that was verified; `None` where the
/// subject is not exactly one machine id.
pub(super) fn identity_of(certificate: &CertificateDer<'_>) -> Option<(MachineId, String)> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate).ok()?;
    let mut names = parsed.subject().iter_common_name();
    let machine = names.next()?.as_str().ok()?;
    if names.next().is_some() {
        return None;
    }
    let machine = patchward_common::wire::machine::machine_of_common_name(machine)?;
    Some((machine, hex(parsed.raw_serial())))
}

fn params(common_name: &str, life_ms: i64, now: UtcMs) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, common_name);
    params.not_before = date(now.plus_ms(-BACKDATED_MS));
    params.not_after = date(now.plus_ms(life_ms));
    params
}

fn alt_name(address: &str) -> Result<rcgen::SanType, CaError> {
    let bad = || CaError::Address {
        address: address.to_owned(),
    };
    if let Ok(ip) = address.parse() {
        return Ok(rcgen::SanType::IpAddress(ip));
    }
    rustls_pki_types::DnsName::try_from(address).map_err(|_| bad())?;
    Ok(rcgen::SanType::DnsName(
        address.to_owned().try_into().map_err(|_| bad())?,
    ))
}

/// The first byte decides on the sign and on the length of the encoding (RFC 5280
/// §4.1.2.2): between 0x40 and 0x7f both are always the same.
fn positive(mut serial: [u8; 16]) -> [u8; 16] {
    serial[0] = serial[0] & 0x3f | 0x40;
    serial
}

/// X.509 counts whole seconds; what no calendar holds becomes its last year.
fn date(at: UtcMs) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(at.0.div_euclid(SECOND_MS))
        .unwrap_or_else(|_| rcgen::date_time_ymd(9999, 1, 1))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let mut bytes = vec![0; text.len() / 2];
    patchward_common::bytes::decode_hex(text, &mut bytes).ok()?;
    Some(bytes)
}

/// Key and certificate of an authority.
pub(super) fn paths(folder: &Path, stem: &str) -> (PathBuf, PathBuf) {
    (
        folder.join(format!("{stem}.key")),
        folder.join(format!("{stem}.crt")),
    )
}

fn read(path: &Path) -> Result<Vec<u8>, CaError> {
    std::fs::read(path).map_err(|source| CaError::File {
        path: path.to_owned(),
        source,
    })
}

fn write_new(path: &Path, bytes: &[u8]) -> Result<(), CaError> {
    let mut options = std::fs::OpenOptions::new();
    let write = |file: std::fs::File| {
        (&file).write_all(bytes)?;
        file.sync_all()
    };
    options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .and_then(write)
        .map_err(|source| CaError::File {
            path: path.to_owned(),
            source,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UtcMs = UtcMs(1_795_400_040_000);

    fn authority() -> (tempfile::TempDir, Authority) {
        let folder = tempfile::tempdir().unwrap();
        let name = Name::new("north").unwrap();
        let authority = Authority::init(folder.path(), &name, NOW).unwrap();
        (folder, authority)
    }

    fn csr() -> Vec<u8> {
        let params = CertificateParams::new(vec!["other.example".into()]).unwrap();
        let key = KeyPair::generate().unwrap();
        params.serialize_request(&key).unwrap().der().to_vec()
    }

    #[test]
    fn a_certificate_carries_the_machine_and_nothing_that_was_asked_for() {
        let (_folder, authority) = authority();
        let machine = MachineId([0xab; 32]);
        for first in [0, 0x80, 0xff] {
            let issued = authority.issue(machine, &csr(), [first; 16], NOW).unwrap();
            let der = CertificateDer::from(issued.certificate);
            assert_eq!(identity_of(&der), Some((machine, issued.serial)));
            let (_, parsed) = x509_parser::parse_x509_certificate(&der).unwrap();
            assert!(parsed.subject_alternative_name().unwrap().is_none());
            assert!(!parsed.is_ca());
            let purposes = parsed.extended_key_usage().unwrap().unwrap().value;
            assert!(purposes.client_auth && !purposes.server_auth);
        }
        assert_eq!(identity_of(authority.certificate()), None);
    }

    #[test]
    fn a_request_that_its_key_did_not_sign_is_refused() {
        let (_folder, authority) = authority();
        let mut tampered = csr();
        let last = tampered.len() - 1;
        tampered[last] ^= 1;
        for bad in [&tampered[..], &tampered[..40], b"", &[0x30; 5_000]] {
            let refused = authority.issue(MachineId([1; 32]), bad, [1; 16], NOW);
            assert!(matches!(refused, Err(CaError::Request(_))));
        }
    }

    #[test]
    fn an_authority_is_made_once_and_kept_private() {
        use std::os::unix::fs::PermissionsExt;
        let (folder, authority) = authority();
        let again = Authority::init(folder.path(), &Name::new("north").unwrap(), NOW);
        assert!(matches!(again, Err(CaError::Exists(_))));
        assert_eq!(
            Authority::open(folder.path()).unwrap().fingerprint(),
            authority.fingerprint()
        );
        let key = folder.path().join("ca.key");
        let mode = key.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        std::fs::write(&key, "nothing").unwrap();
        let damaged = Authority::open(folder.path());
        assert!(matches!(damaged, Err(CaError::Damaged { .. })));
    }

    #[test]
    fn a_revocation_list_names_serial_numbers() {
        let (_folder, authority) = authority();
        let issued = authority
            .issue(MachineId([1; 32]), &csr(), [9; 16], NOW)
            .unwrap();
        let list = authority
            .revocation_list(&[(issued.serial.clone(), NOW)], 7, NOW)
            .unwrap();
        let (_, parsed) = x509_parser::parse_x509_crl(&list).unwrap();
        let serials: Vec<_> = parsed.iter_revoked_certificates().collect();
        assert_eq!(serials.len(), 1);
        assert_eq!(hex(serials[0].raw_serial()), issued.serial);
    }

    #[test]
    fn addresses_are_names_or_numbers() {
        let (_folder, authority) = authority();
        let good = ["patch.example".to_owned(), "192.0.2.7".into(), "::1".into()];
        assert!(authority.server(&good, [1; 16], NOW).is_ok());
        let bad = authority.server(&["not a name".to_owned()], [1; 16], NOW);
        assert!(matches!(bad, Err(CaError::Address { .. })));
    }
}
