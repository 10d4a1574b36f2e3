//! Running one program, or reading one file, within limits.

use patchward_common::probe::{MAX_OUTPUT_BYTES, Ran};
use rustix::fs::{Mode, OFlags};
use std::io::Read as _;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};

/// All of a probe's environment. `C.UTF-8`, so that answers are the same everywhere.
const ENVIRONMENT: [(&str, &str); 2] = [
    ("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"),
    ("LC_ALL", "C.UTF-8"),
];

/// Runs `argv` with nothing on its input, its standard output read up to `max_bytes`
/// and its errors dropped. After `limit_ms`, or with more output, it is killed with all
/// that it started.
pub async fn run(argv: &[String], limit_ms: u64, max_bytes: usize) -> Ran {
    run_with(argv, &[], limit_ms, max_bytes).await
}

/// The same with `input` on its standard input, which it need not read.
pub(crate) async fn run_with(
    argv: &[String],
    input: &[u8],
    limit_ms: u64,
    max_bytes: usize,
) -> Ran {
    let Some((program, arguments)) = argv.split_first() else {
        return Ran::NotStarted("no program is named".to_owned());
    };
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env_clear()
        .envs(ENVIRONMENT)
        .current_dir("/")
        .stdin(match input {
            [] => Stdio::null(),
            _ => Stdio::piped(),
        })
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .kill_on_drop(true);
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => return Ran::NotStarted(error.to_string()),
    };
    // Not reaped yet, so that the number is still its own when the group is killed.
    let group = child.id();
    let limit = Duration::from_millis(limit_ms);
    let ran = async {
        if let Some(mut pipe) = child.stdin.take()
            && let Err(error) = pipe.write_all(input).await
            && error.kind() != std::io::ErrorKind::BrokenPipe
        {
            return Ran::NotStarted(error.to_string());
        }
        follow(&mut child, max_bytes).await
    };
    let ran = tokio::time::timeout(limit, ran).await;
    let ran = ran.unwrap_or(Ran::TimedOut);
    if !matches!(ran, Ran::Exited { .. }) {
        kill_group(group);
        let _ = child.wait().await;
    }
    ran
}

async fn follow(child: &mut Child, max_bytes: usize) -> Ran {
    let mut output = Vec::new();
    if let Some(pipe) = child.stdout.take() {
        let mut pipe = pipe.take(max_bytes as u64 + 1);
        if let Err(error) = pipe.read_to_end(&mut output).await {
            return Ran::NotStarted(error.to_string());
        }
    }
    if output.len() > max_bytes {
        return Ran::TooMuchOutput;
    }
    match child.wait().await {
        Ok(status) => Ran::Exited {
            status: status.code(),
            output,
            errors: Vec::new(),
        },
        Err(error) => Ran::NotStarted(error.to_string()),
    }
}

fn kill_group(leader: Option<u32>) {
    let leader = leader.and_then(|id| rustix::process::Pid::from_raw(id.try_into().ok()?));
    if let Some(leader) = leader {
        // It may have ended meanwhile; there is nothing to do about that.
        let _ = rustix::process::kill_process_group(leader, rustix::process::Signal::KILL);
    }
}

/// Reads a regular file of at most [`MAX_OUTPUT_BYTES`].
pub fn read(path: &Path) -> Ran {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(fd) => std::fs::File::from(fd),
        Err(rustix::io::Errno::NOENT) => {
            return Ran::Exited {
                status: Some(1),
                output: Vec::new(),
                errors: Vec::new(),
            };
        }
        Err(error) => return Ran::NotStarted(error.to_string()),
    };
    if !file.metadata().is_ok_and(|traits| traits.is_file()) {
        return Ran::NotStarted("it is not a regular file".to_owned());
    }
    let mut output = Vec::new();
    match file
        .take(MAX_OUTPUT_BYTES as u64 + 1)
        .read_to_end(&mut output)
    {
        Ok(_) if output.len() > MAX_OUTPUT_BYTES => Ran::TooMuchOutput,
        Ok(_) => Ran::Exited {
            status: Some(0),
            output,
            errors: Vec::new(),
        },
        Err(error) => Ran::NotStarted(error.to_string()),
    }
}
