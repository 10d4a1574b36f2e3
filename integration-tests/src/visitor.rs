//! A browser as far as requests go: TLS that trusts one authority, one connection that is kept,
//! cookies. It blocks.

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
    /// The headers, their names in lower case; of several of one name, the last.
    pub headers: BTreeMap<String, String>,
    /// The cookies that it sets, as they came.
    pub cookies: Vec<String>,
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
    cookies: BTreeMap<String, String>,
    stream: Option<Stream>,
}

impl Visitor {
    /// Somebody at the page `https://localhost:PORT` of the collector in `folder`.
    pub fn new(folder: &Path, port: u16) -> anyhow::Result<Self> {
        Self::trusting(&folder.join("ca/ca.crt"), port)
    }

    /// Somebody at `https://localhost:PORT`, who trusts the authority in a PEM file.
    pub fn trusting(authority: &Path, port: u16) -> anyhow::Result<Self> {
        let authority = CertificateDer::from_pem_file(authority)
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
            cookies: BTreeMap::new(),
            stream: None,
        })
    }

    /// The same person at a connection of its own.
    pub fn again(&self) -> Self {
        Self {
            address: self.address.clone(),
            config: self.config.clone(),
            cookies: self.cookies.clone(),
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
            answer.status == 303 && !self.cookies.is_empty(),
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

    /// What it keeps for a cookie.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies.get(name).map(String::as_str)
    }

    /// Keeps another value for a cookie; without one, none.
    pub fn set_cookie(&mut self, name: &str, value: Option<&str>) {
        match value {
            Some(value) => self.cookies.insert(name.to_owned(), value.to_owned()),
            None => self.cookies.remove(name),
        };
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
        if !self.cookies.is_empty() {
            let pairs = self.cookies.iter();
            let pairs: Vec<String> = pairs
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            head.push_str(&format!("Cookie: {}\r\n", pairs.join("; ")));
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
        for cookie in &answer.cookies {
            let pair = cookie.split(';').next().unwrap_or_default();
            let Some((name, value)) = pair.split_once('=') else {
                continue;
            };
            // An empty one is taken away, as every cookie is that a server ends.
            match value.is_empty() {
                true => self.cookies.remove(name),
                false => self.cookies.insert(name.to_owned(), value.to_owned()),
            };
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
    let (mut headers, mut cookies) = (BTreeMap::new(), Vec::new());
    loop {
        let line = line(stream)?;
        if line.is_empty() {
            break;
        }
        let Some((name, value)) = line.split_once(':') else {
            bail!("no header: {line:?}");
        };
        let (name, value) = (name.to_lowercase(), value.trim().to_owned());
        if name == "set-cookie" {
            cookies.push(value.clone());
        }
        headers.insert(name, value);
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
        cookies,
        body,
    })
}
