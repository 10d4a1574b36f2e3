//! The command line.

use crate::clock;
use crate::config::Settings;
use crate::installer::{Installer, OpenError};
use crate::pin;
use crate::socket::{self, Service};
use crate::successor;
use anyhow::{Context as _, bail};
use clap::{CommandFactory as _, Parser, Subcommand};
use patchward_common::codec;
use patchward_common::id::{JobId, Label, Name};
use patchward_common::job::LocalHandover;
use patchward_common::trust::stop::Scope;
use patchward_common::wire::local::{
    Answer, HOLD_REASONS, Hold, MAX_ANSWER_BYTES, Request, hold_ms,
};
use patchward_steps::disk::{Disk, Observer};
use patchward_steps::kind::tree;
use patchward_steps::own;
use patchward_steps::runner;
use std::fs::Permissions;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Longer than most machines' pace, so that a healthy agent does not start it with every
/// hello; without an agent, no root process stays.
const IDLE_SECONDS: u64 = 600;

/// What the journal and people call this program.
pub const PROGRAM: &str = "patchward-installer";

const EXIT_CODES: &str = "Exit codes:
  0  done
  1  it failed, or the installer refused; the message says why
  2  the command line is wrong";

/// The small root installer: checks, decides, records, measures.
#[derive(Debug, Parser)]
#[command(name = "patchward-installer", version, after_help = EXIT_CODES)]
struct Cli {
    /// The settings, a TOML file.
    #[arg(long, global = true)]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make this machine the hospital's that gave the token. Once, by root.
    Pin {
        /// The token, as the collector printed it.
        token: String,
    },
    /// Serve agent and people on the socket, and finish an open job.
    Run {
        /// Listen here instead of where systemd or the settings say.
        #[arg(long)]
        socket: Option<PathBuf>,
        /// Where systemd listens: end when nobody has asked for so many seconds.
        #[arg(long, default_value_t = IDLE_SECONDS)]
        idle_seconds: u64,
    },
    /// Finish an open job, without agent and network; at boot.
    Resume,
    /// What an installer that was replaced asks its successor: whether it can go on here.
    #[command(hide = true)]
    Reads,
    #[command(flatten)]
    Word(Word),
    #[command(flatten)]
    Part(Part),
}

/// What people at the machine say to the installer that runs there.
#[derive(Debug, Subcommand)]
enum Word {
    /// Not now: nothing starts here for a while.
    Hold {
        /// How long, such as 30m or 2h; at most 12h.
        #[arg(long = "for", default_value = "2h", value_parser = hold_ms)]
        duration_ms: i64,
        /// Why.
        #[arg(long, value_parser = HOLD_REASONS)]
        reason: String,
    },
    /// End the hold.
    EndHold,
    /// Stop everything on this machine, until `end-stops`.
    Stop,
    /// End every stop without a signature.
    EndStops,
    /// Hand this always-used machine over for one job.
    Handover {
        /// The job.
        job: JobId,
        /// What the ward uses meanwhile.
        #[arg(long)]
        stand_in: Label,
        /// How long, such as 30m or 2h; at most 12h.
        #[arg(long = "for", default_value = "2h", value_parser = hold_ms)]
        duration_ms: i64,
    },
    /// Say why a job stands where it stands.
    Explain {
        /// The job.
        job: JobId,
    },
}

/// What the installer runs of itself; it needs no settings.
#[derive(Debug, Subcommand)]
enum Part {
    /// A step of a job, run under supervision.
    #[command(hide = true)]
    Step { state: PathBuf, base: String },
    #[command(hide = true)]
    TreeUnpack {
        archive: PathBuf,
        folder: PathBuf,
        version: String,
    },
    #[command(hide = true)]
    TreeSwitch { folder: PathBuf, version: String },
}

/// Runs the command line of this process. `observer` is called around each durable
/// change; outside of tests it does nothing.
pub fn run(observer: Observer) -> anyhow::Result<()> {
    let Cli { config, command } = Cli::parse();
    let settings = || Settings::load(config.as_deref());
    match command {
        Command::Pin { token } => {
            let disk = Disk::open(&settings()?.state_dir, observer)?;
            let machine = pin::pin(&disk, &token)?;
            print(&format!("pinned; this machine is {machine}\n"))
        }
        Command::Run {
            socket,
            idle_seconds,
        } => serve(settings()?, socket, idle_seconds, observer),
        Command::Resume => match Installer::open(settings()?, program()?, observer) {
            Err(OpenError::Busy(_)) => Ok(()), // The other one finishes it.
            opened => {
                opened?.finish();
                Ok(())
            }
        },
        Command::Reads => print(&successor::answer(&settings()?)?),
        Command::Word(word) => {
            let socket = settings()?.socket;
            let (request, done) = word.request()?;
            tell(&socket, &request, &done)
        }
        Command::Part(part) => part.run(observer),
    }
}

impl Word {
    /// What is asked for it, and what is printed once it is done.
    fn request(self) -> anyhow::Result<(Request, String)> {
        let until = |duration_ms| clock::now().plus_ms(duration_ms);
        Ok(match self {
            Self::Hold {
                duration_ms,
                reason,
            } => {
                let (until, reason) = (until(duration_ms), Name::new(reason)?);
                let done = format!("held until {until}; it ends by itself");
                (Request::Hold(Hold { until, reason }), done)
            }
            Self::EndHold => (Request::EndHold, "the hold is over".to_owned()),
            Self::Stop => (
                Request::Stop(Scope::All),
                "stopped; nothing starts until end-stops".to_owned(),
            ),
            Self::EndStops => (
                Request::EndStops,
                "no stop without a signature is left".to_owned(),
            ),
            Self::Handover {
                job,
                stand_in,
                duration_ms,
            } => {
                let until = until(duration_ms);
                let handover = LocalHandover {
                    job,
                    until,
                    stand_in,
                };
                let done = format!("handed over for this slot, until {until} at the latest");
                (Request::HandOver(handover), done)
            }
            Self::Explain { job } => (Request::Explain(job), String::new()),
        })
    }
}

impl Part {
    fn run(self, observer: Observer) -> anyhow::Result<()> {
        match self {
            Self::Step { state, base } => runner::supervise(&Disk::open(&state, observer)?, &base)?,
            Self::TreeUnpack {
                archive,
                folder,
                version,
            } => tree::unpack(&archive, &folder, &version)?,
            Self::TreeSwitch { folder, version } => tree::switch(&folder, &version)?,
        }
        Ok(())
    }
}

fn program() -> anyhow::Result<PathBuf> {
    own::program().context("this program's own path is not known")
}

/// The whole command line, for its man page and completions.
pub fn command() -> clap::Command {
    Cli::command()
}

fn serve(
    settings: Settings,
    socket: Option<PathBuf>,
    idle_seconds: u64,
    observer: Observer,
) -> anyhow::Result<()> {
    patchward_log::start(settings.log, PROGRAM).context("starting the log")?;
    // Before the socket is taken: another installer that works here keeps its own.
    let path = settings.socket.clone();
    let service = Service::new(settings, program()?, observer);
    match service.installer() {
        Err(error @ (OpenError::Busy(_) | OpenError::Disk(_))) => return Err(error.into()),
        Err(error) => tracing::error!(%error, "everything is refused"),
        Ok(_) => {}
    }
    let given = listenfd::ListenFd::from_env().take_unix_listener(0)?;
    // Only where systemd goes on listening will somebody start us again.
    let (listener, idle) = match (given, socket) {
        (Some(listener), None) => (listener, Some(Duration::from_secs(idle_seconds))),
        (_, socket) => (listener(&socket.unwrap_or(path))?, None),
    };
    Ok(socket::serve(&listener, service, idle)?)
}

fn listener(path: &Path) -> anyhow::Result<UnixListener> {
    let what = || format!("cannot listen on {}", path.display());
    make_way(path).with_context(what)?;
    let listener = UnixListener::bind(path).with_context(what)?;
    // Anybody may knock: the kernel says who it is, and the installer whom it answers.
    std::fs::set_permissions(path, Permissions::from_mode(0o666)).with_context(what)?;
    Ok(listener)
}

/// Removes a socket that nobody listens on any more, and nothing else.
fn make_way(path: &Path) -> anyhow::Result<()> {
    match path.symlink_metadata() {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error.into()),
        Ok(found) if !found.file_type().is_socket() => {
            bail!("something else is there; move it away, or name another place")
        }
        Ok(_) if UnixStream::connect(path).is_ok() => {
            bail!("somebody listens there already; stop it, or name another place")
        }
        Ok(_) => Ok(std::fs::remove_file(path)?),
    }
}

/// Asks the installer behind a socket one thing.
pub fn ask(socket: &Path, request: &Request) -> anyhow::Result<Answer> {
    let mut stream = UnixStream::connect(socket)
        .with_context(|| format!("no installer listens on {}", socket.display()))?;
    stream.write_all(&codec::encode(request))?;
    stream.shutdown(Shutdown::Write)?;
    let mut bytes = Vec::new();
    stream
        .take(MAX_ANSWER_BYTES as u64 + 1)
        .read_to_end(&mut bytes)?;
    codec::decode(&bytes, MAX_ANSWER_BYTES).context("the installer's answer cannot be read")
}

fn tell(socket: &Path, request: &Request, done: &str) -> anyhow::Result<()> {
    match ask(socket, request)? {
        Answer::Done => print(&format!("{done}\n")),
        Answer::Explained(text) => print(&text),
        Answer::Error(problem) => bail!(problem),
        other => bail!("the installer gave another answer than was asked for: {other:?}"),
    }
}

/// Prints; a reader that went away (`| head`) is no failure.
fn print(text: &str) -> anyhow::Result<()> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(error).context("done, but it cannot be printed")
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        command().debug_assert();
    }
}
