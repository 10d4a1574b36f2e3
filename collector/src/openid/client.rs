//! Asks the provider by HTTP. It is trusted to say who somebody is, and with nothing of this
//! computer: its time, the head and the body of what it answers have their bounds, and it is
//! followed nowhere.

use crate::http;
use openidconnect::http::{Method, Response};
use openidconnect::{HttpRequest, HttpResponse, SyncHttpClient};
use std::time::Duration;
use ureq::tls::RootCerts;

/// How long the provider may take for one answer: a person waits for it.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Most bytes of the head of an answer.
const MAX_HEAD_BYTES: usize = 16 * 1024;
/// Most bytes of an answer: keys with their certificates take some tens of thousands.
const MAX_BODY_BYTES: u64 = 256 * 1024;

/// Why there is no answer, in words for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct NoAnswer(String);

/// A client for one provider.
#[derive(Clone, Debug)]
pub(super) struct Client {
    agent: ureq::Agent,
    timeout: Duration,
}

impl Client {
    /// One that trusts `roots`.
    pub(super) fn new(roots: RootCerts) -> Self {
        Self::patient(roots, TIMEOUT)
    }

    /// One that waits for so long.
    pub(super) fn patient(roots: RootCerts, timeout: Duration) -> Self {
        let config = http::client(roots)
            .https_only(true)
            .timeout_global(Some(timeout))
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .max_response_header_size(MAX_HEAD_BYTES)
            // What is bounded is what comes, not what it could be unpacked to.
            .accept_encoding("identity")
            // A connection that was kept could be one to a provider that has moved.
            .max_idle_connections(0);
        Self {
            agent: config.build().new_agent(),
            timeout,
        }
    }

    fn ask(&self, request: HttpRequest) -> Result<HttpResponse, ureq::Error> {
        let is_get = *request.method() == Method::GET;
        let answer = match is_get {
            true => self.agent.run(request.map(|_| ())),
            false => self.agent.run(request),
        };
        let (parts, mut body) = answer?.into_parts();
        let bytes = body.with_config().limit(MAX_BODY_BYTES).read_to_vec()?;
        Ok(Response::from_parts(parts, bytes))
    }
}

impl SyncHttpClient for Client {
    type Error = NoAnswer;

    fn call(&self, request: HttpRequest) -> Result<HttpResponse, NoAnswer> {
        let path = request.uri().path().to_owned();
        let answer = self.ask(request).map_err(|error| {
            NoAnswer(match error {
                ureq::Error::BodyExceedsLimit(_) => {
                    format!("its answer at {path} has more than {MAX_BODY_BYTES} bytes")
                }
                ureq::Error::LargeResponseHeader(..) => {
                    format!("the head of its answer has more than {MAX_HEAD_BYTES} bytes")
                }
                ureq::Error::RequireHttpsOnly(_) => {
                    "it names an address of its own without https".to_owned()
                }
                error => http::said(&error, self.timeout),
            })
        })?;
        match answer.status().as_u16() {
            status @ 300..=399 => Err(NoAnswer(format!(
                "it answered {status} at {path} and names another place; nobody is followed: \
                 write the issuer as it calls itself"
            ))),
            _ => Ok(answer),
        }
    }
}
