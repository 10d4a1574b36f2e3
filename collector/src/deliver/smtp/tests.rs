//! A server of mail that is none of ours: what it is told, encrypted and not.

use super::*;
use rcgen::{CertificateParams, KeyPair};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use rustls_pki_types::PrivateKeyDer;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::JoinHandle;

/// How a server behaves.
#[derive(Clone, Copy, Default)]
struct Manners {
    offers_tls: bool,
    refuses: bool,
    hangs: bool,
    floods: bool,
}

/// Bytes both ways.
trait Line: Read + Write {}
impl<T: Read + Write> Line for T {}

fn read_line(line: &mut dyn Line) -> Option<String> {
    let mut text = Vec::new();
    let mut byte = [0];
    while line.read(&mut byte).ok()? == 1 {
        text.push(byte[0]);
        if byte[0] == b'\n' {
            let text = String::from_utf8_lossy(&text);
            return Some(text.trim_end().to_owned());
        }
    }
    None
}

/// Talks until the other side ends, or wants to be encrypted.
fn talk(line: &mut dyn Line, manners: Manners, is_secure: bool, heard: &mut Vec<String>) -> bool {
    let mut in_data = false;
    while let Some(text) = read_line(line) {
        let mark = if is_secure { "tls" } else { "plain" };
        heard.push(format!("{mark} {text}"));
        if in_data {
            in_data = text != ".";
            if !in_data {
                let _ = line.write_all(b"250 taken\r\n");
            }
            continue;
        }
        let word = text.split(' ').next().unwrap_or_default();
        let answer: &[u8] = match word {
            "EHLO" if is_secure => b"250-me\r\n250 AUTH PLAIN LOGIN\r\n",
            "EHLO" if manners.offers_tls => b"250-me\r\n250 STARTTLS\r\n",
            "EHLO" => b"250-me\r\n250 AUTH PLAIN\r\n",
            "STARTTLS" => b"220 go\r\n",
            "AUTH" => b"235 you are\r\n",
            "RCPT" if manners.refuses => b"550 nobody \x1b[2J here\r\n",
            "DATA" => b"354 say it\r\n",
            "QUIT" => b"221 bye\r\n",
            _ => b"250 fine\r\n",
        };
        in_data = word == "DATA";
        let _ = line.write_all(answer);
        if word == "STARTTLS" {
            return true;
        }
    }
    false
}

/// A server for one connection; its port, its certificate, and what it heard.
fn server(manners: Manners) -> (u16, Certificate, JoinHandle<Vec<String>>) {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let der = params.self_signed(&key).unwrap().der().clone();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![der.clone()], key)
        .unwrap();
    let listener = TcpListener::bind("localhost:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let serving = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut heard = Vec::new();
        if manners.hangs {
            // Says nothing until the other side has had enough.
            while stream.read(&mut [0; 64]).is_ok_and(|length| length > 0) {}
            return heard;
        }
        if manners.floods {
            while stream.write_all(&[b'2'; 4096]).is_ok() {}
            return heard;
        }
        let _ = stream.write_all(b"220 me\r\n");
        if talk(&mut stream, manners, false, &mut heard) {
            secured(stream, config, manners, &mut heard);
        }
        heard
    });
    (port, Certificate::from_der(der.to_vec()).unwrap(), serving)
}

fn secured(stream: TcpStream, config: ServerConfig, manners: Manners, heard: &mut Vec<String>) {
    let connection = ServerConnection::new(Arc::new(config)).unwrap();
    let mut stream = StreamOwned::new(connection, stream);
    talk(&mut stream, manners, true, heard);
}

fn known(port: u16) -> Server {
    Server {
        host: "localhost".into(),
        port,
        from: "patchward@hospital.example".into(),
        user: Some(("me".into(), Zeroizing::new("secret".into()))),
        hello: "collector".into(),
        patience: Patience {
            answer: Duration::from_secs(2),
            total: Duration::from_secs(3),
        },
    }
}

async fn sent(server: &Server, roots: &[Certificate]) -> Result<(), Problem> {
    let to = ["ann@h.example".to_owned(), "ben@h.example".to_owned()];
    let mail = Mail {
        id: "msg_1",
        from: &server.from,
        to: &to,
        subject: "Patchward: a test".into(),
        text: "It is.\n.\nQUIT\n".into(),
    };
    server.send(&mail, UtcMs(1_795_400_000_000), roots).await
}

#[tokio::test]
async fn everything_but_the_wish_for_it_is_encrypted() {
    let offers = Manners {
        offers_tls: true,
        ..Manners::default()
    };
    let (port, root, serving) = server(offers);
    sent(&known(port), &[root]).await.unwrap();
    let heard = serving.join().unwrap();
    let plain: Vec<&String> = heard
        .iter()
        .filter(|line| line.starts_with("plain"))
        .collect();
    assert_eq!(plain, ["plain EHLO collector", "plain STARTTLS"]);
    for part in [
        "tls AUTH PLAIN AG1lAHNlY3JldA==",
        "tls MAIL FROM:<patchward@hospital.example>",
        "tls RCPT TO:<ann@h.example>",
        "tls RCPT TO:<ben@h.example>",
        "tls Subject: Patchward: a test",
        "tls Message-ID: <msg_1@hospital.example>",
    ] {
        assert!(
            heard.iter().any(|line| line.starts_with(part)),
            "{part}: {heard:#?}"
        );
    }
}

#[tokio::test]
async fn a_server_without_encryption_or_with_a_foreign_certificate_is_told_nothing() {
    let (_, foreign, unused) = server(Manners::default());
    drop(unused);
    for offers_tls in [false, true] {
        let manners = Manners {
            offers_tls,
            ..Manners::default()
        };
        let (port, _, serving) = server(manners);
        let roots = [foreign.clone()];
        sent(&known(port), &roots).await.unwrap_err();
        let heard = serving.join().unwrap();
        let told = |word: &str| heard.iter().any(|line| line.contains(word));
        assert!(!told("AUTH") && !told("MAIL") && !told("RCPT"), "{heard:?}");
    }
}

#[tokio::test]
async fn on_this_computer_it_may_be_plain_and_what_a_server_says_is_told_harmlessly() {
    let (port, _, serving) = server(Manners::default());
    sent(&known(port), &[]).await.unwrap();
    let heard = serving.join().unwrap();
    assert!(heard.iter().all(|line| line.starts_with("plain")));
    let refuses = Manners {
        refuses: true,
        ..Manners::default()
    };
    let (port, _, serving) = server(refuses);
    let problem = sent(&known(port), &[]).await.unwrap_err();
    assert!(problem.text().contains("550"), "{problem:?}");
    assert!(!problem.text().contains('\u{1b}'), "{problem:?}");
    serving.join().unwrap();
}

#[tokio::test]
async fn a_server_that_hangs_or_floods_is_left() {
    for (hangs, floods) in [(true, false), (false, true)] {
        let manners = Manners {
            hangs,
            floods,
            ..Manners::default()
        };
        let (port, _, serving) = server(manners);
        sent(&known(port), &[]).await.unwrap_err();
        serving.join().unwrap();
    }
    let nobody = TcpListener::bind("localhost:0").unwrap();
    let port = nobody.local_addr().unwrap().port();
    drop(nobody);
    sent(&known(port), &[]).await.unwrap_err();
}

#[test]
fn a_password_is_read_from_its_file_without_its_line_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("password");
    std::fs::write(&path, "p w\r\n").unwrap();
    let settings = Settings {
        smtp_server: Some("[::1]:25".into()),
        smtp_from: Some("a@b".into()),
        smtp_user: Some("me".into()),
        smtp_password_file: Some(path),
        addresses: vec!["c.example:9443".into()],
        ..Settings::default()
    };
    let server = Server::of(&settings).unwrap();
    assert_eq!((server.host.as_str(), server.port), ("::1", 25));
    assert_eq!(server.user.unwrap().1.as_str(), "p w");
    assert_eq!(server.hello, "c.example");
    let gone = Settings {
        smtp_password_file: Some("/nowhere".into()),
        ..settings.clone()
    };
    assert!(Server::of(&gone).is_err());
    let none = Settings::default();
    assert!(Server::of(&none).is_err());
}
