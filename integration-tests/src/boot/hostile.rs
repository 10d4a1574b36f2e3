//! A program in the agent's place that wants a byte of its own to run as root: it has the
//! agent's user, folder, sandbox and certificate, and a job that lacks nothing but the go.

use crate::fixture::{Hospital, job_of, label};
use crate::hospital::now;
use anyhow::{Context as _, bail};
use patchward_common::id::{JobId, MachineId};
use patchward_common::job::LocalHandover;
use patchward_common::time::HOUR_MS;
use patchward_common::trust::check::Ask;
use patchward_common::wire::local::{Answer, Request, Status};
use patchward_installer::cli::ask;
use std::path::Path;
use std::process::{Command, Stdio};

/// How its program is called, and where it lies.
pub(super) const PLACE: &str = "/usr/bin/patchward-agent";
/// Begins each line of a try that came to nothing.
pub(super) const IN_VAIN: &str = "in vain:";
/// Begins each line of a try that achieved something.
pub(super) const ACHIEVED: &str = "ACHIEVED:";
/// Its last line.
pub(super) const TRIED: &str = "everything was tried:";

const SOCKET: &str = "/run/patchward/installer.sock";
const ARTIFACTS: &str = "/var/lib/patchward-agent/artifacts";
/// Files that would give it more than it has, if it could write them.
const WANTS_TO_WRITE: [&str; 9] = [
    "/usr/sbin/patchward-installer",
    "/usr/lib/viewer/serve",
    "/etc/patchward/installer.toml",
    "/etc/patchward/probes.d/always-idle.toml",
    "/etc/systemd/system/hostile.service",
    "/run/systemd/system/hostile.service",
    "/opt/viewer",
    "/var/lib/patchward-installer/watermark.a",
    "/var/lib/patchward-collector/go.key",
];
/// Files that would tell it secrets.
const WANTS_TO_READ: [&str; 4] = [
    "/var/lib/patchward-installer/machine.key",
    "/var/lib/patchward-collector/go.key",
    "/root/people/ada.pem",
    "/etc/shadow",
];
/// Commands that would do it for it.
const WANTS_TO_RUN: [&[&str]; 7] = [
    &[
        "systemctl",
        "--no-ask-password",
        "stop",
        "patchward-installer.socket",
    ],
    &["systemctl", "--no-ask-password", "reboot"],
    &[
        "systemd-run",
        "--no-ask-password",
        "--wait",
        "touch",
        "/root/hostile",
    ],
    &["dpkg", "--purge", "viewer"],
    &["unshare", "--user", "--map-root-user", "true"],
    &["sh", "-c", "kill -TERM 1"],
    &["runuser", "--user", "root", "--", "true"],
];

/// What became of a try: `Ok` says what was achieved, and the error why nothing was.
type Outcome = anyhow::Result<String>;

/// Tries everything, a line for each, and ends.
///
/// # Errors
/// Where no installer answers, or it knows no job.
pub fn run() -> anyhow::Result<()> {
    let status = match said(&Request::Status)? {
        Answer::Status(status) => *status,
        other => bail!("the installer answers {other:?}"),
    };
    let machine = match said(&Request::Identity)? {
        Answer::Identity(identity) => identity.machine,
        other => bail!("the installer answers {other:?}"),
    };
    let open = status.jobs.iter().find(|one| !one.state.is_final());
    let job = open.context("the installer knows no job that is open")?.job;
    let mut tries = vec![
        ("a go of its own", go_of_its_own(job, machine, &status)),
        ("papers of its own", papers_of_its_own(machine, &status)),
        ("other bytes for what was approved", other_bytes(job)),
        ("ending what people stopped", answered(&Request::EndStops)),
        ("handing the machine over", handing_over(job)),
    ];
    tries.extend(WANTS_TO_WRITE.map(|path| (path, write(path))));
    tries.extend(WANTS_TO_READ.map(|path| (path, read(path))));
    tries.extend(
        WANTS_TO_RUN.map(|words| (words.first().copied().unwrap_or_default(), command(words))),
    );
    for (what, outcome) in &tries {
        match outcome {
            Ok(achieved) => println!("{ACHIEVED} {what}: {achieved}"),
            Err(why) => println!("{IN_VAIN} {what}: {why:#}"),
        }
    }
    println!("{TRIED} {}", tries.len());
    Ok(())
}

fn said(request: &Request) -> anyhow::Result<Answer> {
    ask(Path::new(SOCKET), request)
}

/// Anything but a refusal is an achievement.
fn answered(request: &Request) -> Outcome {
    match said(request)? {
        Answer::Refused(reason) => bail!("{}", reason.text),
        Answer::Error(why) => bail!("{why}"),
        other => Ok(format!("{other:?}")),
    }
}

/// Everything is there but the collector's yes: so it says yes itself.
fn go_of_its_own(job: JobId, machine: MachineId, status: &Status) -> Outcome {
    let Answer::Nonce(nonce) = said(&Request::Nonce(job))? else {
        bail!("it draws no nonce");
    };
    let ask = Ask {
        job,
        machine,
        boot: status.boot,
        nonce,
        age_ms: 0,
    };
    answered(&Request::Start(job, impostor().go(&ask, now())))
}

/// A whole hospital of its own: charter, roster, assignment, approval.
fn papers_of_its_own(machine: MachineId, status: &Status) -> Outcome {
    let hospital = impostor();
    let row = hospital.row(machine);
    let release = hospital.release("6.6", 66, b"anything");
    let approval = hospital.approval(vec![release]);
    let placed = hospital.approve(&approval, &[hospital.leaf(&row)], &[&hospital.alice]);
    let job = job_of(placed.first().context("one machine, one part")?, machine);
    let documents = Box::new(hospital.documents(&row, placed));
    let Answer::Documents(taken) = said(&Request::Documents(documents))? else {
        bail!("it takes no documents");
    };
    if taken.refused.is_empty() {
        return Ok(format!("{taken:?}"));
    }
    let Answer::Nonce(nonce) = said(&Request::Nonce(job))? else {
        bail!("refused, and no nonce for them");
    };
    let ask = Ask {
        job,
        machine,
        boot: status.boot,
        nonce,
        age_ms: 0,
    };
    answered(&Request::Start(job, hospital.go(&ask, now())))
}

/// What lies in its own folder it can change: the installer took its copy when it checked it.
fn other_bytes(job: JobId) -> Outcome {
    let mut changed = 0;
    for entry in std::fs::read_dir(ARTIFACTS)?.flatten() {
        std::fs::write(entry.path(), "#!/bin/sh\ntouch /root/hostile\n")?;
        changed += 1;
    }
    match said(&Request::Prepare(job))? {
        Answer::Prepared => bail!("{changed} changed, and the installer goes by its own copy"),
        Answer::Refused(reason) => bail!("{}", reason.text),
        Answer::Error(why) => bail!("{why}"),
        other => Ok(format!("{other:?}")),
    }
}

fn handing_over(job: JobId) -> Outcome {
    answered(&Request::HandOver(LocalHandover {
        job,
        stand_in: label("nothing"),
        until: now().plus_ms(HOUR_MS),
    }))
}

fn write(path: &str) -> Outcome {
    denied(std::fs::write(path, "hostile"))
}

fn read(path: &str) -> Outcome {
    denied(std::fs::read(path))
}

/// Only a no counts: what is not there would have been tried for nothing.
fn denied<T>(done: std::io::Result<T>) -> Outcome {
    use std::io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem};
    match done {
        Ok(_) => Ok("done".to_owned()),
        Err(error) if matches!(error.kind(), PermissionDenied | ReadOnlyFilesystem) => {
            Err(error.into())
        }
        Err(error) => Ok(format!("not what was to be tried: {error}")),
    }
}

fn command(words: &[&str]) -> Outcome {
    let (program, arguments) = words.split_first().context("a command has words")?;
    let ran = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output();
    match ran {
        Ok(output) if output.status.success() => Ok(words.join(" ")),
        Ok(output) => {
            let why = String::from_utf8_lossy(&output.stderr);
            bail!("{}", why.lines().next().unwrap_or("it fails"))
        }
        Err(error) => Ok(format!("not what was to be tried: {error}")),
    }
}

/// A hospital that is not this one, down to the last key.
fn impostor() -> Hospital {
    Hospital::new(66, now())
}
