//! A repository on a web server. What it serves is signed, so the server is trusted with
//! nothing but its own time: each request, all metadata, and the speed of artifacts have
//! their bounds, and an artifact that was cut off goes on where it ended.

use crate::http;
use patchward_common::digest::Digest;
use patchward_common::percent;
use patchward_common::time::UtcMs;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::time::Duration;
use tokio::sync::mpsc;
use ureq::tls::RootCerts;

/// How long one request for metadata may take: a few megabytes over a slow line.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);
/// How long all metadata of one refresh may take: a mirror that answers each of a
/// thousand requests just in time would hold it for a day.
const REFRESH_TIMEOUT_MS: i64 = 15 * 60 * 1000;
/// Most redirects that are followed: to a longer name, to https, to where it lies.
const MAX_REDIRECTS: u32 = 3;
/// How much of an artifact is asked for at once: what is lost where a line breaks.
const PIECE_BYTES: u64 = 32 * 1024 * 1024;
/// The slowest mirror that is waited for: an image set of 16 GiB then takes three days.
const MIN_BYTES_PER_SECOND: u64 = 64 * 1024;
/// What every piece may take besides: to connect, and to wake a sleeping disk.
const PIECE_GRACE: Duration = Duration::from_secs(60);
/// What an artifact may take besides: a few pieces whose line broke.
const ARTIFACT_GRACE_MS: i64 = 10 * 60 * 1000;
/// How often a piece is tried of which nothing came.
const MAX_TRIES: u32 = 3;
/// How much is read at once.
const CHUNK_BYTES: usize = 256 * 1024;

/// The bounds that a test cannot wait for.
#[derive(Clone, Copy, Debug)]
struct Patience {
    request: Duration,
    grace: Duration,
    bytes_per_second: u64,
    piece: u64,
}

const PATIENCE: Patience = Patience {
    request: REQUEST_TIMEOUT,
    grace: PIECE_GRACE,
    bytes_per_second: MIN_BYTES_PER_SECOND,
    piece: PIECE_BYTES,
};

/// A web server with a repository below `base`.
#[derive(Debug)]
pub struct Web {
    agent: ureq::Agent,
    base: String,
    partial: PathBuf,
    clock: fn() -> UtcMs,
    patience: Patience,
    /// When its metadata must be here.
    until: Option<UtcMs>,
}

impl Web {
    pub(crate) fn of(text: &str, partial: PathBuf, clock: fn() -> UtcMs) -> Result<Self, String> {
        Self::trusting(text, partial, clock, RootCerts::PlatformVerifier)
    }

    fn trusting(
        text: &str,
        partial: PathBuf,
        clock: fn() -> UtcMs,
        roots: RootCerts,
    ) -> Result<Self, String> {
        let (scheme, rest) = text.split_once("://").unwrap_or_default();
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let is_http = scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http");
        if !is_http || host.is_empty() || text.contains(['?', '#', ' ', '\t', '\n']) {
            return Err(format!(
                "{text:?} is no address of a repository; write it like https://host/folder"
            ));
        }
        if host.contains('@') {
            // It would stand in the database, in the audit log and in lists.
            return Err(
                "leave the password out of the address; give the mirror an address that \
                        asks for none, or copy the repository into a folder"
                    .to_owned(),
            );
        }
        let agent = http::client(roots)
            .https_only(scheme.eq_ignore_ascii_case("https"))
            .max_redirects(MAX_REDIRECTS)
            .http_status_as_error(false)
            // Signed lengths are those of the files themselves.
            .accept_encoding("identity")
            .build()
            .new_agent();
        Ok(Self {
            agent,
            base: text.trim_end_matches('/').to_owned(),
            partial,
            clock,
            patience: PATIENCE,
            until: None,
        })
    }

    /// A small file by its path below the address, at most one byte more than `limit`. All
    /// of them together have their time.
    pub(crate) fn file(&mut self, path: &str, limit: usize) -> Result<Option<Vec<u8>>, String> {
        let now = (self.clock)();
        let until = *self.until.get_or_insert(now.plus_ms(REFRESH_TIMEOUT_MS));
        let left = u64::try_from(until.since_ms(now)).unwrap_or_default();
        if left == 0 {
            let minutes = REFRESH_TIMEOUT_MS / 60_000;
            return Err(format!("its metadata took longer than {minutes} minutes"));
        }
        let timeout = self.patience.request.min(Duration::from_millis(left));
        let url = self.url(path);
        let request = self.agent.get(&url).config();
        let answer = request.timeout_global(Some(timeout)).build().call();
        let mut answer = answer.map_err(|error| said(&error, timeout))?;
        match answer.status().as_u16() {
            200 => {}
            // Storage services say 403 of what is not there.
            403 | 404 | 410 => return Ok(None),
            status => return Err(format!("it answered {status}")),
        }
        let body = answer.body_mut().with_config().limit(limit as u64 + 1);
        match body.read_to_vec() {
            Ok(bytes) => Ok(Some(bytes)),
            // Too long: as long as makes the reader say so.
            Err(ureq::Error::BodyExceedsLimit(_)) => Ok(Some(vec![0; limit + 1])),
            Err(error) => Err(said(&error, timeout)),
        }
    }

    fn url(&self, path: &str) -> String {
        let path: Vec<String> = path.split('/').map(percent::encoded).collect();
        format!("{}/{}", self.base, path.join("/"))
    }

    /// Fetches an artifact into the folder of half-fetched ones, from where an earlier try
    /// ended. The file has the right length; whoever takes it in hashes it.
    pub(crate) async fn fetch(
        &self,
        path: &str,
        (sha256, length): (Digest, u64),
        progress: &mut (impl FnMut(u64) + Send),
    ) -> Result<PathBuf, String> {
        let mut job = Fetch {
            agent: self.agent.clone(),
            url: self.url(path),
            path: self.partial.join(sha256.to_string()),
            length,
            clock: self.clock,
            patience: self.patience,
            in_pieces: true,
        };
        let path = job.path.clone();
        // A word that nobody reads in time is not worth waiting for.
        let (says, mut heard) = mpsc::channel(4);
        let fetching = tokio::task::spawn_blocking(move || {
            job.run(&mut |done| {
                let _ = says.try_send(done);
            })
        });
        while let Some(done) = heard.recv().await {
            progress(done);
        }
        let fetched = fetching.await.map_err(|error| error.to_string())?;
        fetched.map(|()| path)
    }
}

struct Fetch {
    agent: ureq::Agent,
    url: String,
    path: PathBuf,
    length: u64,
    clock: fn() -> UtcMs,
    patience: Patience,
    /// Whether the server gives pieces, as far as is known.
    in_pieces: bool,
}

impl Fetch {
    fn run(&mut self, progress: &mut dyn FnMut(u64)) -> Result<(), String> {
        self.fill(progress).map_err(|broken| match broken {
            Broken::Disk(error) => format!("{}: {error}", self.path.display()),
            Broken::Line(why) | Broken::Refused(why) => why,
        })
    }

    fn here(&self) -> u64 {
        std::fs::metadata(&self.path).map_or(0, |found| found.len())
    }

    fn fill(&mut self, progress: &mut dyn FnMut(u64)) -> Result<(), Broken> {
        if let Some(folder) = self.path.parent() {
            std::fs::create_dir_all(folder).map_err(Broken::Disk)?;
        }
        let most =
            i64::try_from(self.length / self.patience.bytes_per_second).unwrap_or(i64::MAX / 2_000);
        let until = (self.clock)().plus_ms(ARTIFACT_GRACE_MS + most * 1000);
        let mut failed = 0;
        loop {
            let here = self.here();
            if here == self.length {
                return Ok(());
            }
            // More than there can be is none of it.
            let from = if here < self.length { here } else { 0 };
            let Err(broken) = self.piece(from, progress) else {
                failed = 0;
                continue;
            };
            let Broken::Line(why) = broken else {
                return Err(broken);
            };
            let here = self.here();
            failed = if here > from { 1 } else { failed + 1 };
            if failed >= MAX_TRIES || until <= (self.clock)() {
                return Err(Broken::Line(format!(
                    "{why}; {here} of {} bytes are here, and the next try goes on from there",
                    self.length
                )));
            }
        }
    }

    /// One piece from `from`, or all of it where the server knows no pieces.
    fn piece(&mut self, from: u64, progress: &mut dyn FnMut(u64)) -> Result<(), Broken> {
        let until = self.length.min(from.saturating_add(self.patience.piece));
        let bytes = if self.in_pieces {
            until - from
        } else {
            self.length
        };
        let Patience {
            grace,
            bytes_per_second,
            ..
        } = self.patience;
        let timeout = grace + Duration::from_secs(bytes / bytes_per_second);
        let mut request = self.agent.get(&self.url);
        if self.in_pieces {
            request = request.header("range", format!("bytes={from}-{}", until - 1));
        }
        let request = request.config().timeout_connect(Some(grace));
        let request = request.timeout_recv_response(Some(grace));
        let request = request.timeout_recv_body(Some(timeout)).build();
        let mut answer = request
            .call()
            .map_err(|error| Broken::Line(said(&error, timeout)))?;
        let (start, most) = match answer.status().as_u16() {
            206 if starts_at(&answer, from) => (from, until - from),
            200 if self.in_pieces && self.patience.piece < self.length => {
                // All of it needs more time than a piece.
                self.in_pieces = false;
                return Ok(());
            }
            200 => (0, self.length),
            206 => {
                let why = "it answered with another part than it was asked for";
                return Err(Broken::Refused(why.to_owned()));
            }
            403 | 404 | 410 => return Err(Broken::Refused("it has no such file".to_owned())),
            status => return Err(Broken::Line(format!("it answered {status}"))),
        };
        self.keep(answer.body_mut(), start, most, progress)
    }

    /// Writes what comes behind `start`, which must be `most` bytes.
    fn keep(
        &self,
        body: &mut ureq::Body,
        start: u64,
        most: u64,
        progress: &mut dyn FnMut(u64),
    ) -> Result<(), Broken> {
        let mut file = self.open(start).map_err(Broken::Disk)?;
        let mut body = body.with_config().limit(most + 1).reader();
        let (mut chunk, mut done) = (vec![0; CHUNK_BYTES], 0);
        loop {
            let read = body.read(&mut chunk);
            let read = read.map_err(|error| Broken::Line(error.to_string()))?;
            if read == 0 {
                break;
            }
            done += read as u64;
            if done > most {
                drop(file);
                // Which part of it is the artifact's, nobody can tell.
                let _ = std::fs::remove_file(&self.path);
                let why = format!(
                    "it sends more than the {} bytes that are signed",
                    self.length
                );
                return Err(Broken::Refused(why));
            }
            file.write_all(&chunk[..read]).map_err(Broken::Disk)?;
            progress(start + done);
        }
        match done == most {
            true => Ok(()),
            false => Err(Broken::Line("the line broke off".to_owned())),
        }
    }

    fn open(&self, from: u64) -> std::io::Result<File> {
        let mut options = OpenOptions::new();
        let file = options
            .create(true)
            .truncate(false)
            .write(true)
            .open(&self.path)?;
        file.set_len(from)?;
        drop(file);
        OpenOptions::new().append(true).open(&self.path)
    }
}

/// Why a piece is not here.
enum Broken {
    /// Worth another try.
    Line(String),
    /// Not worth one.
    Refused(String),
    /// Our own disk.
    Disk(std::io::Error),
}

/// Whether an answer with a part says that it begins there.
fn starts_at<T>(answer: &ureq::http::Response<T>, from: u64) -> bool {
    let range = answer.headers().get("content-range");
    let range = range
        .and_then(|range| range.to_str().ok())
        .unwrap_or_default();
    range.starts_with(&format!("bytes {from}-"))
}

fn said(error: &ureq::Error, timeout: Duration) -> String {
    match error {
        ureq::Error::Timeout(_) => format!(
            "it did not give it within {} seconds; a mirror has to bring {} KiB a second",
            timeout.as_secs(),
            MIN_BYTES_PER_SECOND / 1024
        ),
        ureq::Error::TooManyRedirects => format!("it redirects more than {MAX_REDIRECTS} times"),
        ureq::Error::RequireHttpsOnly(_) => {
            "it leads from https to plain http, which is not followed".to_owned()
        }
        other => http::said(other, timeout),
    }
}

#[cfg(test)]
mod tests;
