//! A running collector tells by itself, over real connections.

use super::notices::{is_signed, python};
use patchward_integration_tests::hospital::Hospital;
use patchward_integration_tests::process::wait_until;
use patchward_integration_tests::receiver::{MailServer, Receiver};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;

/// Asks the hospital's page over TLS, as programs do that trust its authority.
fn ask(hospital: &Hospital, path: &str, header: &str) -> String {
    let address = &hospital.page().unwrap().address;
    let port: u16 = address.rsplit(':').next().unwrap().parse().unwrap();
    let authority = hospital.collector_folder().join("ca/ca.crt");
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(authority).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let tls = ClientConnection::new(Arc::new(config), name).unwrap();
    let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let mut stream = StreamOwned::new(tls, stream);
    let request =
        format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{header}\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    // The other end may close without a last word.
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8(answer).unwrap()
}

#[test]
fn a_running_collector_tells_by_webhook_mail_calendar_and_figures() {
    let folder = tempfile::tempdir().unwrap();
    let mut hospital = Hospital::found_with_page(folder.path(), &["icu"], &["viewer"]).unwrap();
    let (receiver, mail) = (Receiver::start().unwrap(), MailServer::start().unwrap());
    hospital.stop_collector().unwrap();
    let settings = hospital.collector_folder().join("collector.toml");
    let mut text = std::fs::read_to_string(&settings).unwrap();
    text.push_str(&format!(
        "smtp_server = \"{}\"\nsmtp_from = \"patchward@hospital.example\"\n",
        mail.address()
    ));
    std::fs::write(&settings, text).unwrap();
    hospital.start_collector().unwrap();
    hospital
        .ask(&["stop", "now", "--all", "--reason", "drill"])
        .unwrap();
    let url = receiver.url();
    let add = ["notice", "webhook", "add", "duty", "--url", &url];
    let added = hospital.ask_json(&add).unwrap();
    let secret = added["secret"].as_str().unwrap();
    let to = "ann@h.example";
    hospital
        .ask(&["notice", "mail", "add", "it", "--to", to])
        .unwrap();
    wait_until("both were told", || {
        !receiver.posted().is_empty() && !mail.mails().is_empty()
    })
    .unwrap();
    let posted = receiver.posted().remove(0);
    assert!(is_signed(&posted, secret), "{posted:?}");
    assert!(posted.body.contains("notice.new") && posted.body.contains("stopped:"));
    let read = "import email.policy, sys\n\
                mail = email.message_from_bytes(sys.stdin.buffer.read(), policy=email.policy.default)\n\
                print(mail.get_content())";
    let read = python(read, mail.mails()[0].text.as_bytes());
    assert!(
        read.contains("- stopped: all") && read.contains("HTM's move"),
        "{read}"
    );
    let calendar = hospital
        .ask_json(&["feed", "add", "icu", "--what", "calendar", "--unit", "icu"])
        .unwrap();
    let link = calendar["link"].as_str().unwrap();
    let path = &link[link.find("/feed/").unwrap()..];
    let answer = ask(&hospital, path, "");
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.contains("BEGIN:VCALENDAR"),
        "{answer}"
    );
    let metrics = hospital
        .ask_json(&["feed", "add", "prometheus", "--what", "metrics"])
        .unwrap();
    let bearer = format!(
        "authorization: Bearer {}\r\n",
        metrics["secret"].as_str().unwrap()
    );
    let answer = ask(&hospital, "/metrics", &bearer);
    assert!(
        answer.contains("\npatchward_stops_in_force 1\n"),
        "{answer}"
    );
    // What is not over is not told again by a collector that starts anew.
    let count = receiver.posted().len();
    hospital.stop_collector().unwrap();
    hospital.start_collector().unwrap();
    hospital.ask(&["notice", "test", "duty"]).unwrap();
    let bodies: Vec<String> = receiver.posted().into_iter().map(|one| one.body).collect();
    assert!(
        bodies[count..]
            .iter()
            .all(|body| body.contains("notice.test")),
        "{bodies:?}"
    );
}
