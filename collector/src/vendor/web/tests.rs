//! Mirrors that are slow, lie, or break off.

use super::*;
use std::io::{BufRead as _, BufReader};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};

const BYTES: &[u8] = b"0123456789abcdefghij";

/// What a mirror does with one request; it hears the range that was asked for.
type Answer = Box<dyn Fn(&mut TcpStream, Option<(usize, usize)>) -> std::io::Result<()> + Send>;

/// A mirror that answers each connection with the next of `answers`, and what it was asked.
fn mirror(answers: Vec<Answer>) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/repo", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let heard = asked.clone();
    std::thread::spawn(move || {
        for (answer, stream) in answers.into_iter().zip(listener.incoming()) {
            let mut stream = stream.unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let (mut first, mut range, mut line) = (String::new(), None, String::from("-"));
            reader.read_line(&mut first).unwrap();
            while !line.trim().is_empty() {
                line.clear();
                reader.read_line(&mut line).unwrap();
                if let Some(text) = line.trim().strip_prefix("range: bytes=") {
                    let (from, to) = text.split_once('-').unwrap();
                    range = Some((from.parse().unwrap(), to.parse::<usize>().unwrap() + 1));
                }
            }
            let asked = match range {
                Some((from, to)) => format!("{} {from}..{to}", first.trim()),
                None => first.trim().to_owned(),
            };
            heard.lock().unwrap().push(asked);
            // A client that hangs up early is no error here.
            drop(answer(&mut stream, range));
        }
    });
    (url, asked)
}

fn part(sent: usize) -> Answer {
    Box::new(move |stream, range| {
        let (from, to) = range.unwrap();
        let length = BYTES.len();
        write!(
            stream,
            "HTTP/1.1 206 Partial\r\nContent-Range: bytes {from}-{}/{length}\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n",
            to - 1,
            to - from
        )?;
        stream.write_all(&BYTES[from..to.min(from + sent)])
    })
}

fn says(head: &'static str, body: &'static [u8]) -> Answer {
    Box::new(move |stream, _| {
        write!(stream, "HTTP/1.1 {head}\r\nConnection: close\r\n\r\n")?;
        stream.write_all(body)
    })
}

/// One byte, and then nothing for as long as anybody waits.
fn stalls() -> Answer {
    Box::new(|stream, _| {
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n0")?;
        let mut end = [0];
        stream.read(&mut end).map(drop)
    })
}

fn endless() -> Answer {
    Box::new(|stream, _| {
        write!(stream, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")?;
        loop {
            stream.write_all(&[b' '; 65_536])?;
        }
    })
}

fn still() -> UtcMs {
    UtcMs(0)
}

fn web(url: &str, folder: &tempfile::TempDir) -> Web {
    let mut web = Web::of(url, folder.path().join("partial"), still).unwrap();
    web.patience = Patience {
        request: Duration::from_millis(300),
        grace: Duration::from_millis(300),
        bytes_per_second: 1024,
        piece: 12,
    };
    web
}

async fn fetched(
    answers: Vec<Answer>,
    tries: usize,
) -> (Vec<Result<Vec<u8>, String>>, Vec<String>) {
    let (url, asked) = mirror(answers);
    let folder = tempfile::tempdir().unwrap();
    let web = web(&url, &folder);
    let mut outcomes = Vec::new();
    for _ in 0..tries {
        let artifact = (Digest::of(BYTES), BYTES.len() as u64);
        let path = web.fetch("targets/a b", artifact, &mut |_| {}).await;
        outcomes.push(path.map(|path| std::fs::read(path).unwrap()));
    }
    let asked = asked.lock().unwrap().clone();
    (outcomes, asked)
}

#[tokio::test]
async fn a_broken_line_goes_on_where_it_ended() {
    let answers = vec![part(5), part(100), part(100)];
    let (outcomes, asked) = fetched(answers, 1).await;
    assert_eq!(outcomes[0].as_deref(), Ok(BYTES));
    let ask = |range: &str| format!("GET /repo/targets/a%20b HTTP/1.1 {range}");
    assert_eq!(asked, [ask("0..12"), ask("5..17"), ask("17..20")]);
    // Nothing comes any more: the next command goes on.
    let mut answers = vec![part(5)];
    answers.extend((0..2).map(|_| says("503 Busy", b"")));
    answers.extend([part(100), part(100)]);
    let (outcomes, asked) = fetched(answers, 2).await;
    let said = outcomes[0].clone().unwrap_err();
    assert!(said.contains("5 of 20 bytes are here"), "{said}");
    assert_eq!(outcomes[1].as_deref(), Ok(BYTES));
    assert_eq!(asked[3], ask("5..17"));
}

#[tokio::test]
async fn a_mirror_without_pieces_sends_all_of_it() {
    let whole = || says("200 OK\r\nContent-Length: 20", BYTES);
    let (outcomes, asked) = fetched(vec![whole(), whole()], 1).await;
    assert_eq!(outcomes[0].as_deref(), Ok(BYTES));
    assert_eq!(asked[1], "GET /repo/targets/a%20b HTTP/1.1");
}

#[tokio::test]
async fn other_lengths_and_other_parts_are_refused() {
    for (answer, why) in [
        (
            says("206 Partial\r\nContent-Range: bytes 3-14/20", BYTES),
            "another part",
        ),
        (
            says("206 Partial\r\nContent-Range: bytes 0-11/20", BYTES),
            "more than the 20 bytes",
        ),
        (says("404 Gone", b""), "no such file"),
    ] {
        let (outcomes, _) = fetched(vec![answer], 1).await;
        let said = outcomes[0].clone().unwrap_err();
        assert!(said.contains(why), "{said}");
    }
    let (outcomes, _) = fetched(vec![says("200 OK", b""), endless()], 1).await;
    let said = outcomes[0].clone().unwrap_err();
    assert!(said.contains("more than the 20 bytes"), "{said}");
}

#[tokio::test]
async fn a_mirror_that_stalls_is_left() {
    let answers = (0..4).map(|_| stalls()).collect();
    let (outcomes, _) = fetched(answers, 1).await;
    let said = outcomes[0].clone().unwrap_err();
    assert!(said.contains("the next try goes on"), "{said}");
}

#[test]
fn metadata_is_bounded_in_size_and_time() {
    let folder = tempfile::tempdir().unwrap();
    let (url, _) = mirror(vec![endless(), says("404 Not here", b""), stalls()]);
    let mut web = web(&url, &folder);
    let found = web.file("metadata/timestamp.json", 100).unwrap();
    assert_eq!(
        found.unwrap().len(),
        101,
        "one more than allowed says it all"
    );
    assert_eq!(web.file("metadata/2.root.json", 100), Ok(None));
    web.file("metadata/timestamp.json", 100).unwrap_err();
    // Every answer comes just in time, and all of them together do not.
    static CLOCK: AtomicI64 = AtomicI64::new(0);
    let (url, _) = mirror((0..9).map(|_| says("404 Not here", b"")).collect());
    let clock = || UtcMs(CLOCK.fetch_add(4 * 60_000, Ordering::SeqCst));
    let mut web = Web::of(&url, folder.path().to_owned(), clock).unwrap();
    let ended = (0..9).find_map(|_| web.file("metadata/2.root.json", 9).err());
    assert!(ended.unwrap().contains("longer than 15 minutes"));
}

#[test]
fn redirects_end() {
    let folder = tempfile::tempdir().unwrap();
    let round = || {
        says(
            "302 Round\r\nLocation: /repo/metadata/x\r\nContent-Length: 0",
            b"",
        )
    };
    let (url, asked) = mirror((0..9).map(|_| round()).collect());
    let said = web(&url, &folder).file("metadata/x", 9).unwrap_err();
    assert!(said.contains("redirects more than 3 times"), "{said}");
    assert_eq!(asked.lock().unwrap().len(), 4);
}

#[test]
fn an_address_has_no_password_and_no_question() {
    for bad in [
        "ftp://h/a",
        "https://",
        "https://me:pw@h/a",
        "https://h/a?b",
        "http://h/a b",
    ] {
        assert!(Web::of(bad, PathBuf::new(), still).is_err(), "{bad}");
    }
    Web::of("https://h.example:8443/a/", PathBuf::new(), still).unwrap();
}
