//! Gets a calendar's bytes: from a web server, or from a file of the collector's computer.

use crate::http;
use crate::schedule::ical::MAX_BYTES;
use std::io::Read as _;
use std::path::Path;
use std::time::Duration;
use ureq::tls::RootCerts;

/// How long a server may take for all of it.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Most redirects that are followed: to a longer name, to https, to where it lies.
const MAX_REDIRECTS: u32 = 3;

/// Why there are no bytes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unread {
    /// Neither a URL nor a file.
    #[error("{0:?} is no place of a calendar; write an http or https URL, or a file's full path")]
    Place(String),
    /// The server could not be asked, or did not give it.
    #[error("{place} did not give the calendar: {problem}")]
    Server {
        /// The server, without what may be secret in the URL.
        place: String,
        /// What happened.
        problem: String,
    },
    /// The file could not be read.
    #[error("{file} cannot be read: {problem}")]
    File {
        /// The file.
        file: String,
        /// What happened.
        problem: String,
    },
    /// It has more bytes than are read.
    #[error("{0} gives more than {MAX_BYTES} bytes; split the calendar")]
    TooLarge(String),
}

/// What a place is.
enum Place<'a> {
    Url(&'a str),
    File(&'a Path),
}

fn place(text: &str) -> Result<Place<'_>, Unread> {
    let no_place = || Unread::Place(shown(text));
    if let Some((scheme, rest)) = text.split_once("://") {
        let is_http = scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http");
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let is_url = is_http && !host.is_empty() && !text.contains(char::is_whitespace);
        return is_url.then_some(Place::Url(text)).ok_or_else(no_place);
    }
    let path = Path::new(text);
    path.is_absolute()
        .then_some(Place::File(path))
        .ok_or_else(no_place)
}

/// Whether a text is a place to read a calendar from.
///
/// # Errors
/// [`Unread::Place`], with what is expected.
pub fn check_place(text: &str) -> Result<(), Unread> {
    place(text).map(|_| ())
}

/// A place as people may see it: of a URL only the server, since the rest of a
/// calendar's address is often its password.
pub fn shown(text: &str) -> String {
    match text.split_once("://") {
        Some((scheme, rest)) => {
            let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
            let host = host.rsplit('@').next().unwrap_or_default();
            format!("{scheme}://{host}")
        }
        None => text.to_owned(),
    }
}

/// The bytes of a calendar, at most [`MAX_BYTES`].
///
/// # Errors
/// Why there are none, without what may be secret in a URL.
pub async fn fetch(text: &str) -> Result<Vec<u8>, Unread> {
    let whole = text.to_owned();
    let fetched = tokio::task::spawn_blocking(move || match place(&whole)? {
        Place::Url(url) => of_server(url, RootCerts::PlatformVerifier),
        Place::File(path) => of_file(path),
    });
    fetched.await.unwrap_or_else(|error| {
        Err(Unread::Server {
            place: shown(text),
            problem: error.to_string(),
        })
    })
}

fn of_file(path: &Path) -> Result<Vec<u8>, Unread> {
    let problem = |problem: String| Unread::File {
        file: path.display().to_string(),
        problem,
    };
    let read = || {
        // A pipe or a device would be waited for, or never end.
        if !std::fs::metadata(path)?.is_file() {
            return Err(std::io::Error::other("it is no regular file"));
        }
        let mut bytes = Vec::new();
        let file = std::fs::File::open(path)?;
        file.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes = read().map_err(|error| problem(error.to_string()))?;
    match bytes.len() > MAX_BYTES {
        true => Err(Unread::TooLarge(path.display().to_string())),
        false => Ok(bytes),
    }
}

fn of_server(url: &str, roots: RootCerts) -> Result<Vec<u8>, Unread> {
    let agent = http::client(roots)
        .timeout_global(Some(TIMEOUT))
        .max_redirects(MAX_REDIRECTS)
        .accept("text/calendar, */*;q=0.1")
        .build()
        .new_agent();
    let too_large = || Unread::TooLarge(shown(url));
    let problem = |error: ureq::Error| match error {
        ureq::Error::BodyExceedsLimit(_) => too_large(),
        error => Unread::Server {
            place: shown(url),
            problem: said(&error),
        },
    };
    let mut response = agent.get(url).call().map_err(problem)?;
    let body = response.body_mut().with_config();
    let bytes = body.limit(MAX_BYTES as u64 + 1).read_to_vec();
    let bytes = bytes.map_err(problem)?;
    match bytes.len() > MAX_BYTES {
        true => Err(too_large()),
        false => Ok(bytes),
    }
}

/// What went wrong, and what to do where people can.
fn said(error: &ureq::Error) -> String {
    match error {
        ureq::Error::StatusCode(401 | 403) => {
            "it asks for a password; give an address that anybody with it may read".into()
        }
        ureq::Error::StatusCode(404 | 410) => "there is no calendar at this address".into(),
        ureq::Error::StatusCode(status) => format!("it answered {status}"),
        ureq::Error::TooManyRedirects => format!("it redirects more than {MAX_REDIRECTS} times"),
        other => http::said(other, TIMEOUT),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, KeyPair};
    use rustls_pki_types::{CertificateDer, PrivateKeyDer};
    use std::io::Write as _;
    use std::net::TcpListener;
    use std::sync::Arc;

    /// A server with a certificate that nobody signed, for two connections.
    fn server() -> (String, CertificateDer<'static>, std::thread::JoinHandle<()>) {
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
            for _ in 0..2 {
                let (mut stream, _) = listener.accept().unwrap();
                let mut tls = rustls::ServerConnection::new(config.clone()).unwrap();
                let mut tls = rustls::Stream::new(&mut tls, &mut stream);
                let mut asked = [0; 4096];
                // Whoever does not trust us says nothing.
                if tls.read(&mut asked).is_ok_and(|length| length > 0) {
                    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ntext";
                    tls.write_all(answer).unwrap();
                    tls.conn.send_close_notify();
                    let _ = tls.flush();
                }
            }
        });
        (
            format!("https://localhost:{port}/a.ics"),
            certificate,
            serving,
        )
    }

    #[test]
    fn a_server_is_trusted_only_by_its_certificate() {
        let (url, certificate, serving) = server();
        let error = of_server(&url, RootCerts::PlatformVerifier).unwrap_err();
        let said = error.to_string();
        assert!(said.contains("its certificate does not hold"), "{said}");
        let root = ureq::tls::Certificate::from_der(certificate.as_ref()).to_owned();
        let roots = RootCerts::Specific(Arc::new(vec![root]));
        assert_eq!(of_server(&url, roots).unwrap(), b"text");
        serving.join().unwrap();
    }

    #[test]
    fn a_place_is_a_url_or_a_whole_path() {
        for good in ["https://h/a.ics", "HTTP://h:8080/?x=1", "/srv/theatre.ics"] {
            assert_eq!(check_place(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "a.ics",
            "ftp://h/a",
            "https://",
            "https:///a",
            "http://h/a b",
        ] {
            assert!(check_place(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_may_be_a_password_is_not_shown() {
        for (place, expected) in [
            (
                "https://me:pw@h.example/private-abc/x.ics?key=1",
                "https://h.example",
            ),
            ("https://h.example?key=1", "https://h.example"),
            ("/srv/theatre.ics", "/srv/theatre.ics"),
        ] {
            assert_eq!(shown(place), expected);
        }
    }

    #[test]
    fn a_file_is_read_only_where_it_is_one_and_not_too_large() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.ics");
        std::fs::write(&path, b"text").unwrap();
        assert_eq!(of_file(&path).unwrap(), b"text");
        let file = std::fs::File::create(&path).unwrap();
        file.set_len(MAX_BYTES as u64 + 1).unwrap();
        assert!(matches!(of_file(&path), Err(Unread::TooLarge(_))));
        assert!(of_file(folder.path()).is_err());
        assert!(of_file(Path::new("/dev/zero")).is_err());
    }
}
