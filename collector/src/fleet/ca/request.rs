//! Requests for certificates.

use super::CaError;
use rcgen::CertificateSigningRequestParams;
use rustls_pki_types::CertificateSigningRequestDer;

/// Largest certificate request; one for P-384 with every attribute takes 600 bytes.
const MAX_CSR_BYTES: usize = 4 * 1024;

/// A request that its own key signed.
pub(super) fn request(csr: &[u8]) -> Result<CertificateSigningRequestParams, CaError> {
    if csr.len() > MAX_CSR_BYTES {
        return Err(CaError::Request(format!(
            "larger than {MAX_CSR_BYTES} bytes"
        )));
    }
    CertificateSigningRequestParams::from_der(&CertificateSigningRequestDer::from(csr))
        .map_err(|error| CaError::Request(error.to_string()))
}
