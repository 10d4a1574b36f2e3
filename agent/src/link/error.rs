//! Why there is no connection, or no answer, in words and for programs.

use super::ANSWER_TIME;
use patchward_carrier::{Ended, alert, alert_of};
use patchward_common::codec::DecodeError;
use patchward_common::wire::machine::close;
use quinn::ConnectionError;
use rustls::CertificateError;

/// The TLS alert for a certificate that was revoked (RFC 8446 §6.2).
const CERTIFICATE_REVOKED: u64 = 44;
/// The TLS alert for one that is over, or not valid yet.
const CERTIFICATE_EXPIRED: u64 = 45;

/// Why there is no connection, or no answer on it.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The name is not known.
    #[error("{address}: the name cannot be resolved ({source}); check DNS")]
    Resolve {
        /// The address.
        address: String,
        /// Why.
        source: std::io::Error,
    },
    /// No socket, or no route.
    #[error("{address}: {problem}; check the network and its routes")]
    Route {
        /// The address.
        address: String,
        /// Why.
        problem: String,
    },
    /// Nothing comes back.
    #[error(
        "{address}: nothing answers; is the collector running, and is UDP to this port \
         allowed on the way, or TCP where the collector takes it?"
    )]
    Silent {
        /// The address.
        address: String,
    },
    /// TLS does not come to terms: certificate, clock or protocol.
    #[error("{address}: TLS: {problem}")]
    Tls {
        /// The address.
        address: String,
        /// What does not fit.
        problem: String,
        /// The collector's alert (RFC 8446 §6), where the collector does not like us.
        alert: Option<u64>,
    },
    /// The collector's certificate is not valid now, as this machine's clock has it.
    #[error(
        "{address}: by this machine's clock the collector's certificate is not valid now \
         ({problem}); set the clock"
    )]
    Clock {
        /// The address.
        address: String,
        /// What does not fit.
        problem: String,
    },
    /// The collector closed the connection.
    #[error("the collector closed the connection: {reason} (code {code})")]
    Closed {
        /// One of [`close`].
        code: u32,
        /// Its words.
        reason: String,
    },
    /// The connection was lost.
    #[error("the connection was lost: {0}")]
    Lost(String),
    /// The answer cannot be read.
    #[error("the collector's answer cannot be read: {0}")]
    Answer(#[from] DecodeError),
    /// The answer did not come in time.
    #[error("the collector did not answer within {} s", ANSWER_TIME.as_secs())]
    Late,
    /// It answered another question.
    #[error("the collector answered something else than {0}")]
    Unexpected(&'static str),
    /// Our own key or certificate is not usable.
    #[error("this machine's certificate cannot be used: {0}; enrol it again")]
    Own(String),
    /// There is no address to try.
    #[error("no collector address is known; set `collectors` in the settings")]
    NoAddress,
}

impl LinkError {
    /// Whether the collector closed the connection with this code, one of [`close`].
    pub fn is_closed_with(&self, wanted: u32) -> bool {
        matches!(self, Self::Closed { code, .. } if *code == wanted)
    }

    /// Whether the collector says that this machine's certificate was revoked.
    pub fn is_revoked(&self) -> bool {
        match self {
            Self::Closed { .. } => self.is_closed_with(close::REVOKED),
            Self::Tls { alert, .. } => *alert == Some(CERTIFICATE_REVOKED),
            _ => false,
        }
    }
}

pub(super) fn of_ended(ended: Ended) -> LinkError {
    match ended {
        Ended::Closed { code, reason } => LinkError::Closed { code, reason },
        // The collector judges our certificate after our handshake is over.
        Ended::Alert { alert, problem } => LinkError::Tls {
            address: "the collector".into(),
            problem,
            alert: Some(alert),
        },
        Ended::Here | Ended::Lost(_) => LinkError::Lost(ended.to_string()),
    }
}

/// Why a handshake over TCP failed.
pub(super) fn of_io(address: &str, error: &std::io::Error) -> LinkError {
    let address = address.to_owned();
    let problem = error.to_string();
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref());
    match tls {
        Some(rustls::Error::InvalidCertificate(
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. },
        )) => LinkError::Clock { address, problem },
        Some(_) => LinkError::Tls {
            address,
            problem,
            alert: alert_of(error),
        },
        // Somebody took the connection and says nothing of TLS.
        None => LinkError::Silent { address },
    }
}

pub(super) fn of_handshake(address: &str, error: ConnectionError) -> LinkError {
    let address = address.to_owned();
    match error {
        ConnectionError::TimedOut => LinkError::Silent { address },
        // Our own judgement of the collector's certificate.
        ConnectionError::TransportError(error)
            if alert(error.code) == Some(CERTIFICATE_EXPIRED) =>
        {
            LinkError::Clock {
                address,
                problem: error.reason,
            }
        }
        ConnectionError::TransportError(error) => LinkError::Tls {
            address,
            problem: error.to_string(),
            alert: None,
        },
        ConnectionError::ConnectionClosed(closed) => LinkError::Tls {
            address,
            problem: closed.to_string(),
            alert: alert(closed.error_code),
        },
        other => of_ended(other.into()),
    }
}
