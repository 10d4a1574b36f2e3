//! A browser as far as requests go: TLS that trusts the collector's authority, one connection
//! that is kept, the session's cookie. It blocks.

use anyhow::{Context as _, bail, ensure};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(120);
/// How often a connection that the server has ended in between is opened again.
const ATTEMPTS: usize = 2;

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers, their names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The whole body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// How long the server worked until the head of its answer was ready, in milliseconds.
    pub fn server_ms(&self) -> Option<f64> {
        let timing = self.headers.get("server-timing")?;
        let (_, ms) = timing.split_once("app;dur=")?;
        ms.split([',', ';']).next()?.trim().parse().ok()
    }
}

type Stream = BufReader<StreamOwned<ClientConnection, TcpStream>>;

/// Somebody at a browser.
pub struct Visitor {
    address: String,
    config: Arc<ClientConfig>,
    cookie: String,
    stream: Option<Stream>,
}

impl Visitor {
    /// Somebody at the page `https://localhost:PORT` of the collector in `folder`.
    pub fn new(folder: &Path, port: u16) -> anyhow::Result<Self> {
        let authority = folder.join("ca/ca.crt");
        let authority = CertificateDer::from_pem_file(&authority)
            .with_context(|| format!("reading {}", authority.display()))?;
        let mut roots = RootCertStore::empty();
        roots.add(authority)?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self {
            address: format!("localhost:{port}"),
            config: Arc::new(config),
            cookie: String::new(),
            stream: None,
        })
    }

    /// The same person at a connection of its own.
    pub fn again(&self) -> Self {
        Self {
            address: self.address.clone(),
            config: self.config.clone(),
            cookie: self.cookie.clone(),
            stream: None,
        }
    }

    /// Chooses a password at a one-time link, and is signed in afterwards.
    ///
    /// # Errors
    /// Where the link was used already.
    pub fn welcome(&mut self, link: &str, password: &str) -> anyhow::Result<()> {
        let (_, path) = link.split_once(&self.address).context("another page")?;
        let sent = format!("password={password}&again={password}");
        let answer = self.post(path, &sent)?;
        ensure!(
            answer.status == 303 && !self.cookie.is_empty(),
            "the link was refused: {} {}",
            answer.status,
            answer.text()
        );
        Ok(())
    }

    /// Opens a page.
    pub fn get(&mut self, path: &str) -> anyhow::Result<Answer> {
        self.ask("GET", path, "")
    }

    /// Sends a form.
    pub fn post(&mut self, path: &str, form: &str) -> anyhow::Result<Answer> {
        self.ask("POST", path, form)
    }

    fn ask(&mut self, method: &str, path: &str, form: &str) -> anyhow::Result<Answer> {
        for _ in 1..ATTEMPTS {
            let is_kept = self.stream.is_some();
            match self.once(method, path, form) {
                Err(_) if is_kept => self.stream = None,
                asked => return asked,
            }
        }
        self.once(method, path, form)
    }

    fn once(&mut self, method: &str, path: &str, form: &str) -> anyhow::Result<Answer> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => self.open()?,
        };
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\n", self.address);
        if !self.cookie.is_empty() {
            head.push_str(&format!("Cookie: {}\r\n", self.cookie));
        }
        if method == "POST" {
            head.push_str(&format!(
                "Origin: https://{}\r\nContent-Type: application/x-www-form-urlencoded\r\n\
                 Content-Length: {}\r\n",
                self.address,
                form.len()
            ));
        }
        let text = format!("{head}\r\n{form}");
        stream.get_mut().write_all(text.as_bytes())?;
        let answer = read(&mut stream).with_context(|| format!("{method} {path}"))?;
        if let Some(cookie) = answer.headers.get("set-cookie") {
            self.cookie = cookie.split(';').next().unwrap_or_default().to_owned();
        }
        let is_kept = answer
            .headers
            .get("connection")
            .is_none_or(|word| word != "close");
        self.stream = is_kept.then_some(stream);
        Ok(answer)
    }

    fn open(&self) -> anyhow::Result<Stream> {
        let name = ServerName::try_from("localhost")?;
        let connection = ClientConnection::new(self.config.clone(), name)?;
        let socket = TcpStream::connect(self.address.replace("localhost", "127.0.0.1"))
            .with_context(|| format!("connecting to {}", self.address))?;
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        Ok(BufReader::new(StreamOwned::new(connection, socket)))
    }
}

fn line(stream: &mut Stream) -> anyhow::Result<String> {
    let mut line = String::new();
    stream.read_line(&mut line)?;
    ensure!(line.ends_with('\n'), "the connection ended");
    Ok(line.trim_end().to_owned())
}

fn read(stream: &mut Stream) -> anyhow::Result<Answer> {
    let first = line(stream)?;
    let status = first.split(' ').nth(1).and_then(|word| word.parse().ok());
    let status = status.with_context(|| format!("no status: {first:?}"))?;
    let mut headers = BTreeMap::new();
    loop {
        let line = line(stream)?;
        if line.is_empty() {
            break;
        }
        let Some((name, value)) = line.split_once(':') else {
            bail!("no header: {line:?}");
        };
        headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    let mut body = Vec::new();
    if headers
        .get("transfer-encoding")
        .is_some_and(|word| word == "chunked")
    {
        loop {
            let size = line(stream)?;
            let size = u64::from_str_radix(&size, 16).context("the size of a chunk")?;
            let end = size + 2;
            let read = stream.by_ref().take(end).read_to_end(&mut body)?;
            ensure!(read as u64 == end, "the connection ended within a chunk");
            body.truncate(body.len() - 2);
            if size == 0 {
                break;
            }
        }
    } else {
        let length = headers.get("content-length").map_or("0", String::as_str);
        let length: u64 = length.parse().context("the length of the body")?;
        let read = stream.by_ref().take(length).read_to_end(&mut body)?;
        ensure!(
            read as u64 == length,
            "the connection ended within the body"
        );
    }
    Ok(Answer {
        status,
        headers,
        body,
    })
}
