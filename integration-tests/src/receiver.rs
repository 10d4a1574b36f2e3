//! Those who are told: a receiver of webhooks and a server of mail, of our own and with bad
//! manners where a test wants them.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The largest body that a test sends.
const MAX_BODY: usize = 1024 * 1024;

/// How a receiver of webhooks behaves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Manners {
    /// It takes what it gets.
    #[default]
    Takes,
    /// It answers this status.
    Answers(u16),
    /// It sends who asks elsewhere.
    Redirects(String),
    /// It takes it, and its answer never ends.
    FloodsBody,
    /// The head of its answer never ends.
    FloodsHead,
}

/// What was posted.
#[derive(Clone, Debug)]
pub struct Posted {
    /// The first line and the headers, their names in small letters.
    pub head: Vec<String>,
    /// The body.
    pub body: String,
}

impl Posted {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self
            .head
            .iter()
            .find_map(|line| line.split_once(": ").filter(|(n, _)| *n == name));
        found.map(|(_, value)| value)
    }
}

/// A receiver of webhooks at a port of this computer.
#[derive(Clone, Debug)]
pub struct Receiver {
    address: SocketAddr,
    manners: Arc<Mutex<Manners>>,
    posted: Arc<Mutex<Vec<Posted>>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Receiver {
    /// Starts one; it ends with the process.
    pub fn start() -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let receiver = Self {
            address: listener.local_addr()?,
            manners: Arc::default(),
            posted: Arc::default(),
        };
        let serving = receiver.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let serving = serving.clone();
                std::thread::spawn(move || serving.serve(&stream));
            }
        });
        Ok(receiver)
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// From now on it behaves so.
    pub fn behaves(&self, manners: Manners) {
        *locked(&self.manners) = manners;
    }

    /// What it was sent so far, taken or not.
    pub fn posted(&self) -> Vec<Posted> {
        locked(&self.posted).clone()
    }

    fn serve(&self, stream: &TcpStream) {
        let Some(posted) = read(stream) else { return };
        let manners = locked(&self.manners).clone();
        locked(&self.posted).push(posted);
        let mut stream = stream;
        let (head, flood) = match manners {
            Manners::Takes => ("HTTP/1.1 204 No Content\r\n\r\n".to_owned(), None),
            Manners::Answers(status) => {
                let head = format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n");
                (head, None)
            }
            Manners::Redirects(to) => {
                let head = format!("HTTP/1.1 307 X\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n");
                (head, None)
            }
            Manners::FloodsBody => {
                let head = "HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n".to_owned();
                (head, Some("x".repeat(4096)))
            }
            Manners::FloodsHead => {
                let line = format!("x-{}: {}\r\n", "a".repeat(10), "b".repeat(500));
                ("HTTP/1.1 200 OK\r\n".to_owned(), Some(line))
            }
        };
        let _ = stream.write_all(head.as_bytes());
        while let Some(flood) = &flood {
            if stream.write_all(flood.as_bytes()).is_err() {
                return;
            }
        }
    }
}

/// Reads one request.
fn read(stream: &TcpStream) -> Option<Posted> {
    let mut reader = BufReader::new(stream);
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        head.push(match line.split_once(": ") {
            Some((name, value)) => format!("{}: {value}", name.to_ascii_lowercase()),
            None => line.to_owned(),
        });
    }
    let posted = Posted {
        head,
        body: String::new(),
    };
    let length: usize = posted.header("content-length")?.parse().ok()?;
    let mut body = vec![0; length.min(MAX_BODY)];
    reader.read_exact(&mut body).ok()?;
    Some(Posted {
        body: String::from_utf8_lossy(&body).into_owned(),
        ..posted
    })
}

/// A mail as it came over the wire.
#[derive(Clone, Debug)]
pub struct Mailed {
    /// Who it is from, as the envelope has it.
    pub from: String,
    /// Who it is for, as the envelope has it.
    pub to: Vec<String>,
    /// Headers and body.
    pub text: String,
}

/// A server of mail at a port of this computer, without encryption.
#[derive(Clone, Debug)]
pub struct MailServer {
    address: SocketAddr,
    /// What it says of every mail; fine, if it says nothing.
    says: Arc<Mutex<Option<String>>>,
    mails: Arc<Mutex<Vec<Mailed>>>,
}

impl MailServer {
    /// Starts one; it ends with the process.
    pub fn start() -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let server = Self {
            address: listener.local_addr()?,
            says: Arc::default(),
            mails: Arc::default(),
        };
        let serving = server.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let serving = serving.clone();
                std::thread::spawn(move || serving.serve(&stream));
            }
        });
        Ok(server)
    }

    /// Its address, as the settings name it.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// From now on it says this of every mail, such as `451 later`; nothing: it takes them.
    pub fn says(&self, text: Option<&str>) {
        *locked(&self.says) = text.map(str::to_owned);
    }

    /// What it took so far.
    pub fn mails(&self) -> Vec<Mailed> {
        locked(&self.mails).clone()
    }

    fn serve(&self, stream: &TcpStream) -> Option<()> {
        let mut lines = BufReader::new(stream).lines();
        let mut stream = stream;
        let (mut from, mut to) = (String::new(), Vec::new());
        stream.write_all(b"220 mail.test\r\n").ok()?;
        while let Some(Ok(line)) = lines.next() {
            let inner = |line: &str| {
                let inner = line.split_once('<').map_or("", |(_, rest)| rest);
                inner.split('>').next().unwrap_or_default().to_owned()
            };
            let refusal = locked(&self.says).clone();
            let answer = match line.split([' ', ':']).next().unwrap_or_default() {
                "EHLO" => "250 mail.test".to_owned(),
                "MAIL" => {
                    (from, to) = (inner(&line), Vec::new());
                    refusal.unwrap_or_else(|| "250 fine".into())
                }
                "RCPT" => {
                    to.push(inner(&line));
                    "250 fine".into()
                }
                "DATA" => {
                    stream.write_all(b"354 say it\r\n").ok()?;
                    let mut text = String::new();
                    for line in lines.by_ref().map_while(Result::ok) {
                        if line == "." {
                            break;
                        }
                        text.push_str(line.strip_prefix('.').unwrap_or(&line));
                        text.push_str("\r\n");
                    }
                    locked(&self.mails).push(Mailed {
                        from: from.clone(),
                        to: to.clone(),
                        text,
                    });
                    "250 taken".into()
                }
                "QUIT" => {
                    stream.write_all(b"221 bye\r\n").ok()?;
                    return None;
                }
                _ => "502 what?".into(),
            };
            stream.write_all(format!("{answer}\r\n").as_bytes()).ok()?;
        }
        None
    }
}
