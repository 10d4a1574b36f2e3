//! The conformance client as a process against a small HTTP repository: the cases of
//! theupdateframework/tuf-conformance that need files, HTTP or a process. The cases of
//! the specification itself stand beside `patchward_common::trust::vendor`.

use ed25519_dalek::SigningKey;
use patchward_common::time::UtcMs;
use patchward_common::trust::tuf_author::{
    Edition, EditionKeys, Files, Holders, RootSpec, TargetSpec,
};
use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex};
use tempfile::TempDir;

const FAR: UtcMs = UtcMs(4_102_444_800_000);
const PATH: &str = "viewer/4.2.1.tar";

/// What the server answers, and what it was asked.
#[derive(Default)]
struct Served {
    files: BTreeMap<String, Vec<u8>>,
    /// A path that answers with bytes without end.
    endless: Option<String>,
    asked: Vec<String>,
}

/// An HTTP server on loopback that ends with the test's process.
struct Repository {
    url: String,
    served: Arc<Mutex<Served>>,
}

impl Repository {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let served = Arc::new(Mutex::new(Served::default()));
        let shared = Arc::clone(&served);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&shared);
                // A client that hangs up early is no error here.
                std::thread::spawn(move || drop(answer(stream, &shared)));
            }
        });
        Self { url, served }
    }

    fn publish(&self, files: Files) {
        let files = files.into_iter();
        let files = files.map(|(name, bytes)| (format!("/metadata/{name}"), bytes));
        self.served.lock().unwrap().files.extend(files);
    }

    fn put(&self, path: &str, bytes: &[u8]) {
        let mut served = self.served.lock().unwrap();
        served.files.insert(path.to_owned(), bytes.to_vec());
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.served.lock().unwrap().asked)
    }
}

fn answer(stream: TcpStream, served: &Mutex<Served>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let mut line = String::from("-");
    while !line.trim().is_empty() {
        line.clear();
        reader.read_line(&mut line)?;
    }
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    let (found, endless) = {
        let mut served = served.lock().unwrap();
        served.asked.push(path.clone());
        let endless = served.endless.as_ref() == Some(&path);
        (served.files.get(&path).cloned(), endless)
    };
    let mut stream = stream;
    if endless {
        write!(stream, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")?;
        while stream.write_all(&[b' '; 65_536]).is_ok() {}
        return Ok(());
    }
    let (status, body) = match found {
        Some(body) => ("200 OK", body),
        None => ("404 Not Found", Vec::new()),
    };
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    )?;
    stream.write_all(&body)
}

/// The client's two folders.
struct Client {
    folder: TempDir,
    url: String,
}

impl Client {
    fn init(repository: &Repository, root: &[u8]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["metadata", "targets"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        fs::write(folder.path().join("first.json"), root).unwrap();
        let url = repository.url.clone();
        let client = Self { folder, url };
        assert!(client.run(&["init", client.path("first.json").to_str().unwrap()]));
        client
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn run(&self, words: &[&str]) -> bool {
        let output = Command::new(env!("CARGO_BIN_EXE_tuf-conformance-client"))
            .args(["--metadata-url", &format!("{}/metadata/", self.url)])
            .args(["--target-base-url", &format!("{}/targets/", self.url)])
            .arg("--metadata-dir")
            .arg(self.path("metadata"))
            .arg("--target-dir")
            .arg(self.path("targets"))
            .args(["--target-name", PATH])
            .args(words)
            .output()
            .unwrap();
        // 1 is a refusal; anything else would be a crash.
        let code = output.status.code();
        assert!(matches!(code, Some(0 | 1)), "{output:?}");
        code == Some(0)
    }

    fn downloaded(&self) -> Vec<Vec<u8>> {
        let files = fs::read_dir(self.path("targets")).unwrap();
        files
            .map(|file| fs::read(file.unwrap().path()).unwrap())
            .collect()
    }

    fn kept(&self) -> Vec<String> {
        let files = fs::read_dir(self.path("metadata")).unwrap();
        let mut names: Vec<String> = files
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

fn keys() -> [SigningKey; 3] {
    [1, 2, 3].map(|seed| SigningKey::from_bytes(&[seed; 32]))
}

fn root() -> Vec<u8> {
    let [root, online, offline] = keys();
    let spec = RootSpec {
        version: 1,
        expires: FAR,
        consistent_snapshot: true,
        root: Holders::one(&root),
        timestamp: Holders::one(&online),
        snapshot: Holders::one(&online),
        targets: Holders::one(&offline),
    };
    spec.sign(&[&root]).unwrap()
}

fn edition(version: u64, bytes: &[u8]) -> Files {
    let [_, online, offline] = keys();
    let mut edition = Edition::new(version, FAR);
    let target = TargetSpec::of(bytes, None);
    edition.targets.insert(PATH.to_owned(), target);
    let keys = EditionKeys {
        timestamp: &[&online],
        snapshot: &[&online],
        targets: &[&offline],
    };
    edition.sign(&keys).unwrap()
}

/// A repository with one release at version 1, and a client that trusts its root.
fn started() -> (Repository, Client) {
    let repository = Repository::start();
    repository.publish(edition(1, b"one"));
    put_target(&repository, b"one");
    let client = Client::init(&repository, &root());
    assert!(repository.asked().is_empty(), "init asks nobody");
    (repository, client)
}

fn put_target(repository: &Repository, bytes: &[u8]) {
    let sha256 = TargetSpec::of(bytes, None).sha256;
    repository.put(&format!("/targets/viewer/{sha256}.4.2.1.tar"), bytes);
}

#[test]
fn a_refresh_asks_in_order_and_keeps_what_it_verified() {
    let (repository, client) = started();
    assert!(client.run(&["refresh"]));
    let asked = ["2.root", "timestamp", "1.snapshot", "1.targets"];
    let asked = asked.map(|name| format!("/metadata/{name}.json"));
    assert_eq!(repository.asked(), asked);
    let kept = [
        "root.json",
        "snapshot.json",
        "targets.json",
        "timestamp.json",
        "watermark.cbor",
    ];
    assert_eq!(client.kept(), kept);
    // Byte for byte as they were served.
    let timestamp = fs::read(client.path("metadata/timestamp.json")).unwrap();
    assert_eq!(timestamp, edition(1, b"one")["timestamp.json"]);
    // Nothing new: nothing more than the timestamp is asked for.
    assert!(client.run(&["refresh"]));
    assert_eq!(repository.asked(), asked[..2]);
}

#[test]
fn an_artifact_is_downloaded_once_and_again_when_it_changes() {
    let (repository, client) = started();
    assert!(client.run(&["download"]));
    assert_eq!(client.downloaded(), [b"one"]);
    repository.asked();
    assert!(client.run(&["download"]));
    let artifacts = repository.asked();
    assert!(!artifacts.iter().any(|path| path.starts_with("/targets")));
    repository.publish(edition(2, b"two"));
    put_target(&repository, b"two");
    assert!(client.run(&["download"]));
    assert_eq!(client.downloaded(), [b"two"]);
}

#[test]
fn an_artifact_with_other_bytes_is_not_kept() {
    let (repository, client) = started();
    let sha256 = TargetSpec::of(b"one", None).sha256;
    for bytes in [&b"bad"[..], b"one and more"] {
        repository.put(&format!("/targets/viewer/{sha256}.4.2.1.tar"), bytes);
        assert!(!client.run(&["download"]));
        assert!(client.downloaded().is_empty());
    }
}

#[test]
fn an_old_repository_is_refused_though_the_store_was_deleted() {
    let (repository, client) = started();
    repository.publish(edition(2, b"two"));
    assert!(client.run(&["refresh"]));
    for name in ["timestamp", "snapshot", "targets"] {
        fs::remove_file(client.path(&format!("metadata/{name}.json"))).unwrap();
    }
    repository.publish(edition(1, b"one"));
    assert!(!client.run(&["refresh"]));
    repository.publish(edition(3, b"three"));
    assert!(client.run(&["refresh"]));
}

#[test]
fn a_torn_store_is_fetched_anew_and_a_torn_watermark_is_refused() {
    let (_repository, client) = started();
    assert!(client.run(&["refresh"]));
    for name in ["timestamp", "snapshot", "targets"] {
        fs::write(client.path(&format!("metadata/{name}.json")), b"{\"sig").unwrap();
    }
    assert!(client.run(&["refresh"]));
    let watermark = client.path("metadata/watermark.cbor");
    let bytes = fs::read(&watermark).unwrap();
    fs::write(&watermark, &bytes[..bytes.len() / 2]).unwrap();
    assert!(!client.run(&["refresh"]));
    fs::remove_file(&watermark).unwrap();
    assert!(!client.run(&["refresh"]));
}

#[test]
fn endless_answers_end() {
    let (repository, client) = started();
    for path in ["/metadata/2.root.json", "/metadata/timestamp.json"] {
        repository.served.lock().unwrap().endless = Some(path.to_owned());
        assert!(!client.run(&["refresh"]));
    }
}
