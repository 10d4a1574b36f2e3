//! Sends a notice by HTTP. The receiver is trusted with nothing: it has ten seconds for all
//! of it, is followed nowhere, and nothing of what it answers is read but its status.

use super::Problem;
use crate::http;
use crate::notice::webhook::{check_url, signature};
use crate::store::notices::NoticeTarget;
use patchward_common::time::{SECOND_MS, UtcMs};
use std::time::Duration;
use ureq::tls::RootCerts;

/// How long a receiver may take for all of it: it has to note what it got, and no more.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Most bytes of the head of an answer.
const MAX_HEAD_BYTES: usize = 16 * 1024;

/// Sends a body, signed with the target's secret.
pub(super) async fn send(
    target: &NoticeTarget,
    id: &str,
    body: &str,
    now: UtcMs,
) -> Result<(), Problem> {
    let seconds = now.0.div_euclid(SECOND_MS);
    let secret = target.secret.as_deref().unwrap_or_default();
    let signature = signature(secret, id, seconds, body)
        .ok_or_else(|| Problem::new("its secret is none; remove it and add it again"))?;
    let call = Call {
        url: target.place.clone(),
        id: id.to_owned(),
        seconds,
        signature,
        body: body.to_owned(),
        timeout: TIMEOUT,
    };
    let sent = tokio::task::spawn_blocking(move || call.send(RootCerts::PlatformVerifier)).await;
    sent.unwrap_or_else(|error| Err(Problem::new(error.to_string())))
}

struct Call {
    url: String,
    id: String,
    seconds: i64,
    signature: String,
    body: String,
    timeout: Duration,
}

impl Call {
    fn send(&self, roots: RootCerts) -> Result<(), Problem> {
        check_url(&self.url).map_err(Problem::new)?;
        let is_secure = self.url.to_ascii_lowercase().starts_with("https:");
        let config = http::client(roots)
            .https_only(is_secure)
            .timeout_global(Some(self.timeout))
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .max_response_header_size(MAX_HEAD_BYTES);
        // What stays on this computer goes past every proxy.
        let config = match is_secure {
            true => config,
            false => config.proxy(None),
        };
        let agent = config.build().new_agent();
        let answer = agent
            .post(&self.url)
            .header("content-type", "application/json")
            .header("webhook-id", &self.id)
            .header("webhook-timestamp", self.seconds.to_string())
            .header("webhook-signature", &self.signature)
            .send(&self.body);
        // The body of the answer is left unread, and the connection is closed with it.
        match answer.map(|answer| answer.status().as_u16()) {
            Ok(200..=299) => Ok(()),
            Ok(status @ 300..=399) => Err(Problem::new(format!(
                "it answered {status} and names another place; nobody is followed: give the address \
                 that takes notices itself"
            ))),
            Ok(401 | 403) => Err(Problem::new(
                "it does not let us in; has it the secret that `notice webhook add` printed?",
            )),
            Ok(404 | 410) => Err(Problem::new("nothing is at this address")),
            Ok(status) => Err(Problem::new(format!("it answered {status}"))),
            Err(ureq::Error::LargeResponseHeader(..)) => Err(Problem::new(format!(
                "the head of its answer has more than {MAX_HEAD_BYTES} bytes"
            ))),
            Err(error) => Err(Problem::new(http::said(&error, self.timeout))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, KeyPair};
    use rustls_pki_types::{CertificateDer, PrivateKeyDer};
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;
    use std::sync::Arc;

    /// A receiver with a certificate that nobody signed; what it was sent.
    fn receiver() -> (
        u16,
        CertificateDer<'static>,
        std::thread::JoinHandle<String>,
    ) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let certificate = params.self_signed(&key).unwrap().der().clone();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.clone()], key)
            .unwrap();
        let config = Arc::new(config);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let serving = std::thread::spawn(move || {
            let mut got = String::new();
            for _ in 0..2 {
                let (mut stream, _) = listener.accept().unwrap();
                let mut tls = rustls::ServerConnection::new(config.clone()).unwrap();
                let mut tls = rustls::Stream::new(&mut tls, &mut stream);
                let mut asked = [0; 8192];
                while let Ok(length) = tls.read(&mut asked) {
                    got.push_str(&String::from_utf8_lossy(&asked[..length]));
                    if length == 0 || got.ends_with("{\"a\":1}") {
                        break;
                    }
                }
                let _ = tls.write_all(b"HTTP/1.1 204 No Content\r\n\r\n");
                tls.conn.send_close_notify();
                let _ = tls.flush();
            }
            got
        });
        (port, certificate, serving)
    }

    #[test]
    fn a_receiver_is_trusted_only_by_its_certificate() {
        let (port, certificate, serving) = receiver();
        let call = Call {
            url: format!("https://localhost:{port}/secret-path"),
            id: "msg_1".into(),
            seconds: 5,
            signature: "v1,x".into(),
            body: "{\"a\":1}".into(),
            timeout: TIMEOUT,
        };
        let problem = call.send(RootCerts::PlatformVerifier).unwrap_err();
        let said = problem.text();
        assert!(said.contains("its certificate does not hold"), "{said}");
        assert!(!said.contains("secret-path"), "{said}");
        let root = ureq::tls::Certificate::from_der(certificate.as_ref()).to_owned();
        let roots = RootCerts::Specific(Arc::new(vec![root]));
        assert_eq!(call.send(roots), Ok(()));
        let got = serving.join().unwrap();
        assert!(got.contains("webhook-id: msg_1"), "{got}");
    }

    #[test]
    fn a_receiver_that_hangs_is_left() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let serving = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            // Takes everything, says nothing, and waits until the other side has gone.
            while stream.read(&mut [0; 64]).is_ok_and(|length| length > 0) {}
        });
        let call = Call {
            url: format!("http://127.0.0.1:{port}/x"),
            id: "msg_1".into(),
            seconds: 5,
            signature: "v1,x".into(),
            body: "{}".into(),
            timeout: Duration::from_millis(200),
        };
        let problem = call.send(RootCerts::PlatformVerifier).unwrap_err();
        assert!(problem.text().contains("no answer"), "{problem:?}");
        serving.join().unwrap();
    }

    #[test]
    fn nothing_is_sent_where_nothing_may_be() {
        let call = Call {
            url: "http://192.0.2.1/x".into(),
            id: String::new(),
            seconds: 0,
            signature: String::new(),
            body: String::new(),
            timeout: TIMEOUT,
        };
        let problem = call.send(RootCerts::PlatformVerifier).unwrap_err();
        assert!(problem.text().contains("https"), "{problem:?}");
    }
}
