//! A provider of our own, over TLS: it answers as it is told to.

use super::{jwk, key};
use rcgen::{CertificateParams, KeyPair};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{Read as _, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use ureq::tls::RootCerts;

/// How something is answered.
#[derive(Clone)]
pub(super) enum Reply {
    /// As JSON.
    Json(u16, Value),
    /// With a status and nothing else.
    Status(u16),
    /// With so many letters that are no JSON.
    Huge(usize),
    /// With a body that never ends.
    Endless,
    /// With a head that is longer than any.
    LongHead,
    /// Not at all.
    Silence,
    /// With the name of another place.
    Elsewhere,
}

#[derive(Default)]
struct Known {
    said: BTreeMap<String, Value>,
    keys: Value,
    token: String,
    own: BTreeMap<String, Reply>,
    heard: Vec<(String, String, String)>,
}

/// The provider.
pub(super) struct Server {
    port: u16,
    certificate: CertificateDer<'static>,
    known: Arc<Mutex<Known>>,
}

impl Server {
    /// One that answers honestly until it is told otherwise.
    pub(super) fn start() -> Self {
        let own = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let certificate = params.self_signed(&own).unwrap().der().clone();
        let own = PrivateKeyDer::try_from(own.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.clone()], own)
            .unwrap();
        let config = Arc::new(config);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let known = Arc::new(Mutex::new(Known {
            keys: json!([jwk(&key(1), "a")]),
            ..Known::default()
        }));
        let issuer = format!("https://localhost:{port}");
        let serving = known.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, config) = (stream.unwrap(), config.clone());
                let (known, issuer) = (serving.clone(), issuer.clone());
                std::thread::spawn(move || answer(stream, config, &known, &issuer));
            }
        });
        Self {
            port,
            certificate,
            known,
        }
    }

    pub(super) fn issuer(&self) -> String {
        format!("https://localhost:{}", self.port)
    }

    /// What somebody trusts who trusts it.
    pub(super) fn roots(&self) -> RootCerts {
        let root = ureq::tls::Certificate::from_der(self.certificate.as_ref()).to_owned();
        RootCerts::Specific(Arc::new(vec![root]))
    }

    /// The ID token that it hands out for a code.
    pub(super) fn hands_out(&self, token: String) {
        self.known.lock().unwrap().token = token;
    }

    /// What it says of itself in one place.
    pub(super) fn says(&self, name: &str, value: Value) {
        let mut known = self.known.lock().unwrap();
        known.said.insert(name.to_owned(), value);
    }

    pub(super) fn has_keys(&self, keys: Value) {
        self.known.lock().unwrap().keys = keys;
    }

    /// How it answers at a path from now on.
    pub(super) fn answers(&self, path: &str, reply: Reply) {
        let mut known = self.known.lock().unwrap();
        known.own.insert(path.to_owned(), reply);
    }

    /// It answers honestly there again.
    pub(super) fn recovers(&self, path: &str) {
        self.known.lock().unwrap().own.remove(path);
    }

    /// How often it was asked there.
    pub(super) fn count(&self, path: &str) -> usize {
        let known = self.known.lock().unwrap();
        known.heard.iter().filter(|(at, ..)| at == path).count()
    }

    /// Head and body of what it was asked there last.
    pub(super) fn last(&self, path: &str) -> Option<(String, String)> {
        let known = self.known.lock().unwrap();
        let heard = known.heard.iter().rev().find(|(at, ..)| at == path)?;
        Some((heard.1.clone(), heard.2.clone()))
    }
}

type Line = StreamOwned<ServerConnection, TcpStream>;

fn answer(stream: TcpStream, config: Arc<ServerConfig>, known: &Mutex<Known>, issuer: &str) {
    let connection = ServerConnection::new(config).unwrap();
    let mut line = StreamOwned::new(connection, stream);
    // Somebody who does not trust us says so and goes.
    let Some((head, body)) = question(&mut line) else {
        return;
    };
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let reply = {
        let mut known = known.lock().unwrap();
        known.heard.push((path.clone(), head, body));
        let own = known.own.get(&path).cloned();
        own.unwrap_or_else(|| honest(&known, &path, issuer))
    };
    // Whoever has heard enough goes, too.
    let _ = send(&mut line, reply);
    line.conn.send_close_notify();
    let _ = line.flush();
}

/// Head and body of a request.
fn question(line: &mut Line) -> Option<(String, String)> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        line.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).ok()?;
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let is_length = name.eq_ignore_ascii_case("content-length");
        is_length.then(|| value.trim().parse().ok()).flatten()
    });
    let mut body = vec![0; length.unwrap_or(0)];
    line.read_exact(&mut body).ok()?;
    Some((head, String::from_utf8(body).ok()?))
}

fn honest(known: &Known, path: &str, issuer: &str) -> Reply {
    match path {
        "/.well-known/openid-configuration" => {
            let mut said = json!({
                "issuer": issuer,
                "authorization_endpoint": format!("{issuer}/authorize"),
                "token_endpoint": format!("{issuer}/token"),
                "jwks_uri": format!("{issuer}/keys"),
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["EdDSA"],
            });
            for (name, value) in &known.said {
                match value {
                    Value::Null => drop(said.as_object_mut().unwrap().remove(name)),
                    value => said[name] = value.clone(),
                }
            }
            Reply::Json(200, said)
        }
        "/keys" => Reply::Json(200, json!({ "keys": known.keys })),
        "/token" => Reply::Json(
            200,
            json!({ "access_token": "x", "token_type": "Bearer", "id_token": known.token }),
        ),
        _ => Reply::Status(404),
    }
}

fn send(line: &mut Line, reply: Reply) -> std::io::Result<()> {
    let head = |status: u16, rest: &str| format!("HTTP/1.1 {status} x\r\n{rest}\r\n");
    let json = "content-type: application/json\r\n";
    match reply {
        Reply::Json(status, value) => {
            let body = value.to_string();
            let length = format!("{json}content-length: {}\r\n", body.len());
            line.write_all(format!("{}{body}", head(status, &length)).as_bytes())
        }
        Reply::Status(status) => line.write_all(head(status, "content-length: 0\r\n").as_bytes()),
        Reply::Elsewhere => {
            let rest = "location: https://localhost:1/\r\ncontent-length: 0\r\n";
            line.write_all(head(302, rest).as_bytes())
        }
        Reply::Huge(length) => {
            let rest = format!("{json}content-length: {length}\r\n");
            line.write_all(head(200, &rest).as_bytes())?;
            line.write_all(&vec![b'x'; length])
        }
        Reply::LongHead => {
            let rest = format!("x-long: {}\r\n{json}", "x".repeat(20_000));
            line.write_all(head(200, &rest).as_bytes())
        }
        Reply::Endless => {
            line.write_all(head(200, json).as_bytes())?;
            loop {
                line.write_all(&[b'x'; 4_096])?;
            }
        }
        Reply::Silence => {
            // Until the other side has gone.
            let mut byte = [0];
            while line.read(&mut byte)? > 0 {}
            Ok(())
        }
    }
}
