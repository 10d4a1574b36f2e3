//! The installer's socket: one request and one answer per connection. Every byte counts
//! as coming from a hostile network, and the kernel says who sent it.

mod service;

pub use service::Service;

use crate::authorise::Denied;
use crate::clock;
use crate::config::id_of;
use crate::explain;
use crate::installer::{Installer, Voice};
use patchward_common::codec;
use patchward_common::trust::sign::Document as _;
use patchward_common::wire::local::{Answer, HOLD_REASONS, Identity, MAX_REQUEST_BYTES, Request};
use patchward_common::wire::machine::EnrolmentStatement;
use patchward_steps::own;
use rustix::net::sockopt::{Timeout, set_socket_timeout, socket_peercred};
use serde_bytes::ByteBuf;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Most connections at once, of the agent and of people each: an agent that holds all of
/// its own must not keep a person from saying "not now".
const MAX_CONNECTIONS: usize = 16;
/// How soon a program that was upgraded makes room for the new one, which whoever asks next
/// is answered by.
const REPLACED: Duration = Duration::from_secs(1);
/// Longest time for sending a request, however slowly.
const REQUEST_MS: i64 = 10_000;

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Peer {
    /// Root, or whoever runs the installer where that is not root.
    Owner,
    /// A member of the ward's group.
    Ward,
    /// The agent's user.
    Agent,
}

/// Serves until the listener fails; with `idle`, where somebody else listens on, until nobody
/// has asked for so long and nothing is under way.
pub fn serve(
    listener: &UnixListener,
    service: Service,
    idle: Option<Duration>,
) -> std::io::Result<()> {
    let agent = id_of(&service.settings.agent_user, Path::new("/etc/passwd"));
    let ward = id_of(&service.settings.ward_group, Path::new("/etc/group"));
    let service = Arc::new(service);
    let places = Arc::new(Places::default());
    set_socket_timeout(listener, Timeout::Recv, idle)?;
    loop {
        let (stream, _) = match listener.accept() {
            Ok(accepted) => accepted,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                if places.are_free() && service.installer().map_or(true, |it| it.rests()) {
                    tracing::info!("nobody asks; it starts again when somebody does");
                    return Ok(());
                }
                continue;
            }
            Err(error) => return Err(error),
        };
        if idle.is_some() && is_replaced() {
            set_socket_timeout(listener, Timeout::Recv, Some(REPLACED))?;
        }
        let Some(peer) = peer(&stream, agent, ward) else {
            tracing::warn!("refused a connection of an unknown user");
            continue;
        };
        if !places.take(peer) {
            continue; // Closed at once; the peer comes again.
        }
        let (service, places) = (Arc::clone(&service), Arc::clone(&places));
        std::thread::spawn(move || {
            if let Err(error) = converse(stream, &service, peer) {
                tracing::debug!(%error, "a connection ended early");
            }
            places.leave(peer);
        });
    }
}

/// Whether another program lies where this one was started: we were upgraded.
fn is_replaced() -> bool {
    own::program().is_ok_and(|program| own::is_replaced(&program))
}

/// Connections that are open: of people, and of the agent.
#[derive(Default)]
struct Places([AtomicUsize; 2]);

impl Places {
    fn of(&self, peer: Peer) -> &AtomicUsize {
        let [people, agent] = &self.0;
        if peer == Peer::Agent { agent } else { people }
    }

    fn take(&self, peer: Peer) -> bool {
        let is_free = self.of(peer).fetch_add(1, Ordering::SeqCst) < MAX_CONNECTIONS;
        if !is_free {
            self.leave(peer);
        }
        is_free
    }

    fn are_free(&self) -> bool {
        self.0.iter().all(|taken| taken.load(Ordering::SeqCst) == 0)
    }

    fn leave(&self, peer: Peer) {
        self.of(peer).fetch_sub(1, Ordering::SeqCst);
    }
}

fn peer(stream: &UnixStream, agent: Option<u32>, ward: Option<u32>) -> Option<Peer> {
    let credentials = socket_peercred(stream).ok()?;
    let uid = credentials.uid;
    if uid.is_root() || uid == rustix::process::geteuid() {
        return Some(Peer::Owner);
    }
    if agent == Some(uid.as_raw()) {
        return Some(Peer::Agent);
    }
    let ward = ward?;
    // The kernel hands over the first group only; the others stand in /proc.
    let status =
        std::fs::read_to_string(format!("/proc/{}/status", credentials.pid.as_raw_nonzero()));
    let more = status.unwrap_or_default();
    let more = more
        .lines()
        .find_map(|line| line.strip_prefix("Groups:"))
        .unwrap_or_default();
    let is_member = credentials.gid.as_raw() == ward
        || more
            .split_whitespace()
            .any(|group| group.parse() == Ok(ward));
    is_member.then_some(Peer::Ward)
}

fn converse(mut stream: UnixStream, service: &Service, peer: Peer) -> std::io::Result<()> {
    let answer = match read_request(&mut stream)? {
        Err(problem) => Answer::Error(problem),
        Ok(request) => match service.installer() {
            Err(why) => Answer::Error(why.to_string()),
            Ok(installer) => {
                let answer = handle(&installer, request, peer);
                installer.tell();
                answer
            }
        },
    };
    stream.set_write_timeout(Some(Duration::from_secs(10)))?;
    stream.write_all(&codec::encode(&answer))?;
    stream.shutdown(Shutdown::Write)
}

/// Reads a whole request within its time and size.
fn read_request(stream: &mut UnixStream) -> std::io::Result<Result<Request, String>> {
    let deadline = clock::boot_ms() + REQUEST_MS;
    let mut bytes = Vec::new();
    let mut block = vec![0; 64 * 1024];
    loop {
        let left = deadline.saturating_sub(clock::boot_ms());
        let Some(left) = u64::try_from(left).ok().filter(|left| *left > 0) else {
            return Ok(Err("the request took too long".to_owned()));
        };
        stream.set_read_timeout(Some(Duration::from_millis(left)))?;
        match stream.read(&mut block)? {
            0 => break,
            read => bytes.extend_from_slice(block.get(..read).unwrap_or_default()),
        }
        if bytes.len() > MAX_REQUEST_BYTES {
            return Ok(Err(format!(
                "the request is longer than {MAX_REQUEST_BYTES} bytes"
            )));
        }
    }
    let request = codec::decode(&bytes, MAX_REQUEST_BYTES);
    Ok(request.map_err(|error| format!("the request cannot be read: {error}")))
}

/// Whether this peer may ask this. The ward holds, hands over and looks; it does not
/// carry. The agent carries; it does not speak for people at the machine.
fn may_ask(peer: Peer, request: &Request) -> bool {
    match request {
        Request::HandOver(_) | Request::EndStops => peer != Peer::Agent,
        Request::Hold(_)
        | Request::EndHold
        | Request::Stop(_)
        | Request::Status
        | Request::Explain(_)
        | Request::Identity => true,
        Request::SignStatement(_)
        | Request::Documents(_)
        | Request::Prepare(_)
        | Request::Nonce(_)
        | Request::Start(..)
        | Request::Reboot(..)
        | Request::Journal(_) => peer != Peer::Ward,
    }
}

fn handle(installer: &Arc<Installer>, request: Request, peer: Peer) -> Answer {
    if !may_ask(peer, &request) {
        return Answer::Error("this user may not ask for that".to_owned());
    }
    let voice = match peer {
        Peer::Agent => Voice::Agent,
        Peer::Owner | Peer::Ward => Voice::Here,
    };
    let answered = match request {
        Request::Identity => Ok(Answer::Identity(Identity {
            machine: installer.pin().machine,
            key: installer.public_key(),
            root: Some(installer.pin().root.fingerprint()),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        })),
        Request::SignStatement(bytes) => sign(installer, &bytes),
        Request::Documents(documents) => installer
            .take(*documents)
            .map(Answer::Documents)
            .map_err(Denied::from),
        Request::Prepare(job) => installer.prepare(job).map(|()| Answer::Prepared),
        Request::Nonce(job) => installer.nonce(job).map(Answer::Nonce),
        Request::Start(job, go) => installer.start(job, &go).map(|runs| match runs {
            true => Answer::Started,
            false => Answer::Done,
        }),
        Request::Reboot(job, go) => installer.reboot(job, &go).map(|()| Answer::Started),
        Request::Status => {
            explain::status(installer).map(|status| Answer::Status(Box::new(status)))
        }
        Request::Journal(after) => match installer.journal(after) {
            Ok(events) => Ok(Answer::Journal(events)),
            Err(error) => Err(Denied::Wrong(error.to_string())),
        },
        Request::Hold(hold) if !hold.is_reasoned() => Err(Denied::Wrong(format!(
            "a hold's reason is one of: {}",
            HOLD_REASONS.join(", ")
        ))),
        Request::Hold(hold) => done(installer.set_hold(voice, Some(hold))),
        Request::EndHold => done(installer.set_hold(voice, None)),
        Request::HandOver(handover) => installer.hand_over(handover).map(|()| Answer::Done),
        Request::Stop(scope) => done(installer.stops(|papers| papers.stop(scope))),
        Request::EndStops => done(installer.stops(|papers| papers.unsigned_stops.clear())),
        Request::Explain(job) => Ok(Answer::Explained(explain::job(installer, job))),
    };
    answered.unwrap_or_else(|denied| match denied {
        Denied::Refused(reason) => Answer::Refused(reason),
        other => Answer::Error(other.to_string()),
    })
}

fn done(result: Result<(), patchward_steps::disk::DiskError>) -> Result<Answer, Denied> {
    result.map(|()| Answer::Done).map_err(Denied::from)
}

/// Signs a statement for a certificate: of this machine, this boot and this hour, and of
/// no other type. The machine's key signs nothing else but its own journal.
fn sign(installer: &Installer, bytes: &[u8]) -> Result<Answer, Denied> {
    let wrong = |problem: String| Denied::Wrong(format!("the statement is not signed: {problem}"));
    let statement: EnrolmentStatement =
        codec::decode_deterministic(bytes, EnrolmentStatement::MAX_BYTES)
            .map_err(|error| wrong(error.to_string()))?;
    let boot = installer.boot().map_err(wrong)?;
    statement
        .is_of(installer.public_key(), boot, clock::now())
        .map_err(|problem| wrong(problem.to_owned()))?;
    let signed = installer.sign(&statement);
    Ok(Answer::Statement(ByteBuf::from(codec::encode(&signed))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_that_takes_all_its_places_leaves_those_of_people() {
        let places = Places::default();
        for _ in 0..MAX_CONNECTIONS {
            assert!(places.take(Peer::Agent));
        }
        assert!(!places.take(Peer::Agent));
        assert!(places.take(Peer::Ward) && places.take(Peer::Owner));
        places.leave(Peer::Agent);
        assert!(places.take(Peer::Agent));
    }

    #[test]
    fn where_somebody_else_listens_it_ends_when_nobody_asks() {
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join("socket")).unwrap();
        let settings = crate::config::Settings {
            state_dir: folder.path().join("state"),
            ..Default::default()
        };
        let service = Service::new(settings, "/bin/false".into(), |_| {});
        assert!(service.installer().is_err(), "it is nobody's");
        serve(&listener, service, Some(Duration::from_millis(10))).unwrap();
    }

    #[test]
    fn whoever_is_connected_keeps_it_from_ending() {
        let places = Places::default();
        assert!(places.are_free());
        for peer in [Peer::Agent, Peer::Ward] {
            assert!(places.take(peer));
            assert!(!places.are_free());
            places.leave(peer);
        }
        assert!(places.are_free());
    }
}
