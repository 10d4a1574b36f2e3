//! A PostgreSQL server of our own, in a temporary folder, for as long as a test process
//! lives: Debian's binaries, a socket in that folder, no network, no configuration of the
//! computer's own server.
//!
//! A shell keeps the server and reads from a pipe that this process holds. When the
//! process ends, however it ends, the pipe closes, and the shell stops the server and
//! removes the folder.

use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::fs::{MetadataExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// Where Debian has each version's programs, below the root.
pub const INSTALLED: &str = "usr/lib/postgresql";
/// What a server is made and run with. The client's package has the folder and others.
const SERVER: [&str; 3] = ["initdb", "postgres", "pg_ctl"];
/// The server's only account.
const USER: &str = "patchward";

/// Starts a server, says so, waits for the end of its input, and leaves nothing.
const KEEPER: &str = r#"
folder=$1; programs=$2; durability=$3
finish() { rm -rf "$folder"; exit "$1"; }
"$programs/initdb" --pgdata="$folder/data" --username=patchward --auth=trust \
    --encoding=UTF8 --locale=C --no-sync >"$folder/log" 2>&1 || { cat "$folder/log"; finish 1; }
cat >>"$folder/data/postgresql.conf" <<END
listen_addresses = ''
unix_socket_directories = '$folder'
max_connections = 200
fsync = $durability
END
"$programs/pg_ctl" --pgdata="$folder/data" --log="$folder/log" --wait start >/dev/null 2>&1 \
    || { cat "$folder/log"; finish 1; }
echo ready
cat >/dev/null
"$programs/pg_ctl" --pgdata="$folder/data" --mode=immediate --wait stop >/dev/null 2>&1
finish 0
"#;

/// Whether the server flushes to the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// It does: for benchmarks.
    OnDisk,
    /// It does not: a test's data need not outlive the computer.
    InMemory,
}

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum PostgresError {
    /// Its programs are not there.
    #[error(
        "PostgreSQL is not installed (no /{INSTALLED}/*/bin/initdb); run `apt-get install postgresql`"
    )]
    NotInstalled,
    /// It never runs as root, and there is no other account to run it as.
    #[error(
        "PostgreSQL does not run as root, and there is no account `postgres`; run `apt-get install postgresql`"
    )]
    NoAccount,
    /// It did not start, or refused a command.
    #[error("PostgreSQL {step}: {output}")]
    Failed {
        /// What was tried.
        step: &'static str,
        /// What it wrote.
        output: String,
    },
    /// A file or a process.
    #[error("PostgreSQL: cannot {step}")]
    Io {
        /// What was tried.
        step: &'static str,
        /// Why not.
        source: std::io::Error,
    },
}

/// A running server.
#[derive(Debug)]
pub struct Postgres {
    folder: PathBuf,
    programs: PathBuf,
    keeper: Child,
    databases: AtomicU32,
}

impl Postgres {
    /// The one server of this process, started when it is first asked for.
    pub fn shared() -> Result<&'static Self, &'static PostgresError> {
        static SHARED: OnceLock<Result<Postgres, PostgresError>> = OnceLock::new();
        SHARED
            .get_or_init(|| Self::start(Durability::InMemory))
            .as_ref()
    }

    /// Starts a server.
    pub fn start(durability: Durability) -> Result<Self, PostgresError> {
        let programs = programs(&Path::new("/").join(INSTALLED))?;
        let account = account()?;
        let folder = tempfile::Builder::new()
            .prefix("patchward-pg-")
            .tempdir()
            .map_err(io("make a folder"))?
            .keep();
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", KEEPER, "keeper"])
            .args([&folder, &programs])
            .arg(match durability {
                Durability::OnDisk => "on",
                Durability::InMemory => "off",
            })
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            // Ctrl-C is for the tests; the keeper ends after them.
            .process_group(0);
        if let Some((uid, gid)) = account {
            chown(&folder, Some(uid), Some(gid)).map_err(io("give the folder away"))?;
            command.uid(uid).gid(gid);
        }
        let mut keeper = command.spawn().map_err(io("start /bin/sh"))?;
        wait_until_ready(&mut keeper)?;
        Ok(Self {
            folder,
            programs,
            keeper,
            databases: AtomicU32::new(0),
        })
    }

    /// Makes an empty database and gives back its URL.
    pub fn fresh_database(&self) -> Result<String, PostgresError> {
        let name = format!("t{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let output = Command::new(self.programs.join("createdb"))
            .arg("--host")
            .arg(&self.folder)
            .args(["--username", USER, "--template", "template0", &name])
            .output()
            .map_err(io("start createdb"))?;
        if !output.status.success() {
            return Err(PostgresError::Failed {
                step: "did not make a database",
                output: String::from_utf8_lossy(&output.stderr).into_owned(),
            });
        }
        let host = percent_encoded(&self.folder.to_string_lossy());
        Ok(format!("postgres:///{name}?host={host}&user={USER}"))
    }

    /// The folder with everything of it; gone when the server is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}

/// The programs of the newest version that is installed.
/// The newest server's programs in `installed`.
pub fn programs(installed: &Path) -> Result<PathBuf, PostgresError> {
    let versions = std::fs::read_dir(installed).map_err(|_| PostgresError::NotInstalled)?;
    versions
        .flatten()
        .filter_map(|entry| {
            let version: u32 = entry.file_name().to_str()?.parse().ok()?;
            let programs = entry.path().join("bin");
            let is_server = SERVER.iter().all(|name| programs.join(name).exists());
            is_server.then_some((version, programs))
        })
        .max()
        .map(|(_, programs)| programs)
        .ok_or(PostgresError::NotInstalled)
}

/// The account to run as; `None` where this process is no root and runs it itself.
fn account() -> Result<Option<(u32, u32)>, PostgresError> {
    let own = std::fs::metadata("/proc/self").map_err(io("read /proc"))?;
    if own.uid() != 0 {
        return Ok(None);
    }
    let accounts = std::fs::read_to_string("/etc/passwd").map_err(io("read /etc/passwd"))?;
    accounts
        .lines()
        .find_map(|line| {
            let fields: Vec<&str> = line.split(':').collect();
            match fields.as_slice() {
                ["postgres", _, uid, gid, ..] => Some((uid.parse().ok()?, gid.parse().ok()?)),
                _ => None,
            }
        })
        .map(Some)
        .ok_or(PostgresError::NoAccount)
}

fn wait_until_ready(keeper: &mut Child) -> Result<(), PostgresError> {
    let mut text = String::new();
    if let Some(stdout) = keeper.stdout.take() {
        let mut stdout = BufReader::new(stdout);
        stdout.read_line(&mut text).map_err(io("hear from it"))?;
        if text == "ready\n" {
            return Ok(());
        }
        stdout
            .read_to_string(&mut text)
            .map_err(io("hear from it"))?;
    }
    let _ = keeper.wait();
    Err(PostgresError::Failed {
        step: "did not start",
        output: text,
    })
}

fn io(step: &'static str) -> impl FnOnce(std::io::Error) -> PostgresError {
    move |source| PostgresError::Io { step, source }
}

fn percent_encoded(path: &str) -> String {
    path.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stopped_server_leaves_nothing() {
        let server = Postgres::start(Durability::InMemory).unwrap();
        let url = server.fresh_database().unwrap();
        assert!(url.starts_with("postgres:///t0?host=%2F"), "{url}");
        let folder = server.folder().to_owned();
        assert!(folder.join("data").exists() || std::fs::metadata(&folder).is_ok());
        drop(server);
        assert!(!folder.exists());
    }
}
