//! Running a program with a limit on its time and its output, and waiting for one.

use crate::clock;
use patchward_common::probe::Ran;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};
use rustix::time::Timespec;
use std::io::{ErrorKind, Read};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

/// The only place where programs are looked for.
pub const SEARCH_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// How a unit is asked for whose answer is waited for. It is the same in every language.
const UNIT: &str = "systemd-run --pipe --wait --quiet --collect --setenv=LC_ALL=C.UTF-8";
/// What a unit of another user than ours is kept to: what the agent's own unit lets its probes
/// have.
const LIMITED: [&str; 3] = ["-pNoNewPrivileges=yes", "-pMemoryMax=256M", "-pTasksMax=64"];
/// How long output may still arrive once its program has ended.
const DRAIN: Duration = Duration::from_secs(1);

/// How much a program may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Longest run in milliseconds.
    pub run_ms: i64,
    /// Most output in bytes.
    pub output_bytes: usize,
}

/// As whom and where a program runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Caller {
    /// The user, where that is another than ours.
    pub user: Option<u32>,
    /// Whether it runs as a transient unit of systemd, outside of our sandbox: a probe may
    /// need the network that this process does not have.
    pub unit: bool,
}

impl Caller {
    /// As this process, and inside of its sandbox if there is one.
    pub const SELF: Self = Self {
        user: None,
        unit: false,
    };

    /// What is run in this process's place, and as whom.
    fn wrap(self, argv: &[String], run_ms: i64) -> (Vec<String>, Option<u32>) {
        if !self.unit {
            return (argv.to_vec(), self.user);
        }
        let mut words: Vec<String> = UNIT.split(' ').map(str::to_owned).collect();
        words.push(format!("--property=RuntimeMaxSec={run_ms}ms"));
        words.extend(self.user.iter().flat_map(|_| LIMITED).map(str::to_owned));
        words.extend(self.user.map(|user| format!("--uid={user}")));
        words.push("--".to_owned());
        words.extend(argv.first().cloned());
        // systemd would put its own environment in the place of `${Package}`; twice, the sign
        // means itself.
        let arguments = argv.iter().skip(1).map(|word| word.replace('$', "$$"));
        words.extend(arguments);
        (words, None)
    }
}

/// A program with a clean environment, in a process group of its own, without input.
pub fn program(argv: &[String]) -> Option<Command> {
    let (program, arguments) = argv.split_first()?;
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env_clear()
        .env("PATH", SEARCH_PATH)
        .env("LC_ALL", "C.UTF-8")
        .current_dir("/")
        .process_group(0)
        .stdin(Stdio::null());
    Some(command)
}

/// Runs `argv` and reads what it writes, each channel by itself: a warning is no answer.
pub fn run(argv: &[String], caller: Caller, limits: Limits) -> Ran {
    let (argv, user) = caller.wrap(argv, limits.run_ms);
    match try_run(&argv, user, limits) {
        Ok(ran) => ran,
        Err(error) => Ran::NotStarted(error.to_string()),
    }
}

fn try_run(argv: &[String], user: Option<u32>, limits: Limits) -> std::io::Result<Ran> {
    let mut command = program(argv).ok_or_else(|| std::io::Error::other("no program"))?;
    if let Some(user) = user {
        command.uid(user).gid(user);
    }
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn()?;
    let output = read(child.stdout.take(), limits.output_bytes);
    let errors = read(child.stderr.take(), limits.output_bytes);
    let ended = wait(&mut child, clock::boot_ms().saturating_add(limits.run_ms))?;
    end_group(&mut child);
    let Some(status) = ended else {
        return Ok(Ran::TimedOut);
    };
    // Half an answer, or none, would be taken for the whole.
    let unread = |_| std::io::Error::other("something that it left behind holds its output");
    let output = output.recv_timeout(DRAIN).map_err(unread)??;
    let errors = errors.recv_timeout(DRAIN).map_err(unread)??;
    if output.len().max(errors.len()) > limits.output_bytes {
        return Ok(Ran::TooMuchOutput);
    }
    Ok(Ran::Exited {
        status: status.code(),
        output,
        errors,
    })
}

/// Reads a channel in a thread of its own, at most one byte more than `limit`.
fn read(
    channel: Option<impl Read + Send + 'static>,
    limit: usize,
) -> Receiver<std::io::Result<Vec<u8>>> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut output = Vec::new();
        let channel = channel.map(|channel| channel.take(limit as u64 + 1));
        let read = channel.map_or(Ok(0), |mut channel| channel.read_to_end(&mut output));
        // The reader may be gone.
        let _ = sender.send(read.map(|_| output));
    });
    receiver
}

/// Waits until `child` ends, at most until `deadline` of the boot clock.
pub fn wait(child: &mut Child, deadline: i64) -> std::io::Result<Option<ExitStatus>> {
    let pid = Pid::from_child(child);
    let handle = pidfd_open(pid, PidfdFlags::empty())?;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        let left = deadline.saturating_sub(clock::boot_ms());
        if left <= 0 {
            return Ok(None);
        }
        let timeout = Timespec {
            tv_sec: left / 1_000,
            tv_nsec: left % 1_000 * 1_000_000,
        };
        match poll(&mut [PollFd::new(&handle, PollFlags::IN)], Some(&timeout)) {
            Err(rustix::io::Errno::INTR) | Ok(_) => {}
            Err(error) => return Err(std::io::Error::from(error)),
        }
    }
}

/// Ends the child's whole group and collects the child.
pub fn end_group(child: &mut Child) {
    // Nobody left to end is what is wanted.
    let _ = kill_process_group(Pid::from_child(child), Signal::KILL);
    if let Err(error) = child.wait()
        && error.kind() != ErrorKind::InvalidInput
    {
        tracing::warn!(%error, "a child could not be collected");
    }
}

/// The output as text, its last `limit` bytes.
pub fn tail(output: &[u8], limit: usize) -> String {
    let text = String::from_utf8_lossy(output);
    let start = text.ceil_char_boundary(text.len().saturating_sub(limit));
    text[start..].trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str, run_ms: i64, output_bytes: usize) -> Ran {
        let argv = ["sh", "-c", script].map(str::to_owned);
        let limits = Limits {
            run_ms,
            output_bytes,
        };
        run(&argv, Caller::SELF, limits)
    }

    #[test]
    fn output_and_status_are_told() {
        let expected = Ran::Exited {
            status: Some(3),
            output: b"out".to_vec(),
            errors: b"err".to_vec(),
        };
        assert_eq!(
            sh("printf out; printf err >&2; exit 3", 20_000, 64),
            expected
        );
        let gone = run(
            &["/no/such/program".into()],
            Caller::SELF,
            Limits {
                run_ms: 1_000,
                output_bytes: 1,
            },
        );
        assert!(matches!(gone, Ran::NotStarted(_)));
        assert!(matches!(
            run(
                &[],
                Caller::SELF,
                Limits {
                    run_ms: 1,
                    output_bytes: 1
                }
            ),
            Ran::NotStarted(_)
        ));
    }

    #[test]
    fn time_and_output_are_bounded_and_nothing_stays_behind() {
        assert_eq!(sh("sleep 1000 & sleep 1000", 50, 64), Ran::TimedOut);
        assert_eq!(sh("yes", 20_000, 64), Ran::TooMuchOutput);
        assert_eq!(sh("yes >&2", 20_000, 64), Ran::TooMuchOutput);
    }

    #[test]
    fn an_output_that_does_not_end_is_no_answer() {
        // Out of the group that is ended, so that it keeps the channel open.
        let folder = tempfile::tempdir().unwrap();
        let gate = folder.path().join("gate");
        let made = Command::new("mkfifo").arg(&gate).status().unwrap();
        assert!(made.success());
        let ready = folder.path().join("ready");
        let script = format!(
            "echo idle; setsid sh -c ': > {0}; exec cat {1}' & while ! test -e {0}; do :; done",
            ready.display(),
            gate.display()
        );
        let ran = sh(&script, 20_000, 64);
        assert!(matches!(ran, Ran::NotStarted(_)), "{ran:?}");
        std::fs::write(&gate, "").unwrap();
    }

    #[test]
    fn the_environment_is_clean() {
        let Ran::Exited { output, .. } = sh("env", 20_000, 4_096) else {
            panic!("env did not run");
        };
        let text = String::from_utf8(output).unwrap();
        assert!(!text.contains("CARGO"), "{text}");
    }

    #[test]
    fn a_unit_has_the_same_limit_and_user() {
        let unit = Caller {
            user: Some(65_534),
            unit: true,
        };
        let (argv, user) = unit.wrap(&["/bin/probe".to_owned()], 3_000);
        assert_eq!(user, None, "systemd changes the user, not we");
        let text = argv.join(" ");
        assert!(text.ends_with("--uid=65534 -- /bin/probe"), "{text}");
        for limit in [
            "--property=RuntimeMaxSec=3000ms",
            "-pNoNewPrivileges=yes",
            "-pTasksMax=64",
        ] {
            assert!(text.contains(limit), "{text}");
        }
        // What asks a package manager is root, and may need more.
        let unit = Caller {
            user: None,
            unit: true,
        };
        let text = unit.wrap(&["/bin/rpm".to_owned()], 3_000).0.join(" ");
        assert!(
            !text.contains("NoNewPrivileges") && !text.contains("--uid"),
            "{text}"
        );
    }

    #[test]
    fn systemd_puts_nothing_in_the_place_of_words() {
        let unit = Caller {
            user: None,
            unit: true,
        };
        let words = ["dpkg-query", "-f", "${Package}\\t$x", "100%"].map(str::to_owned);
        let (argv, _) = unit.wrap(&words, 3_000);
        assert!(
            argv.ends_with(&["dpkg-query", "-f", "$${Package}\\t$$x", "100%"].map(str::to_owned))
        );
        // Where no systemd is in between, nothing is.
        assert_eq!(Caller::SELF.wrap(&words, 3_000).0, words);
    }

    #[test]
    fn a_tail_ends_at_characters() {
        assert_eq!(tail("aüb".as_bytes(), 2), "b");
        assert_eq!(tail(b"one\n", 10), "one");
        assert_eq!(tail(b"\xff", 10), "\u{fffd}");
    }
}
