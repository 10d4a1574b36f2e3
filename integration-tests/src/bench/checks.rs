//! The installer's eleven checks for a job with a large artifact, against `sha256sum` of
//! the same bytes in the same run.

use super::report::{Figure, Reach, Report, Spread, clock};
use crate::fixture::{Hospital, job_of, name};
use crate::machine::{Machine, archive, now};
use crate::programs::Program;
use anyhow::{bail, ensure};
use patchward_common::digest::Digest;
use patchward_common::id::{JobId, Label};
use patchward_common::trust::approval::ApprovedRelease;
use patchward_common::trust::assignment::Mode;
use patchward_common::wire::local::{Answer, Request};
use std::path::Path;
use std::process::{Command, Stdio};

/// Size of the artifact.
const ARTIFACT_BYTES: usize = 100_000_000;
/// Runs of each kind.
const RUNS: usize = 11;

/// A machine that rehearses: a start passes all eleven checks and installs nothing, so
/// the same work can be done again, for another approval each time: a job is rehearsed
/// once in a slot.
pub fn run() -> anyhow::Result<Report> {
    let folder = tempfile::tempdir()?;
    let hospital = Hospital::new(1, now());
    let mut machine = Machine::new(
        folder.path(),
        &Program::Installer.path()?,
        &hospital.token(),
    )?;
    ensure!(machine.start(None)?, "the installer ended at once");
    let bytes = archive(&[("viewer", &text())]);
    machine.put_artifact(&bytes)?;
    let release = hospital.release("1.0", 1, &bytes);
    let files = hospital.repository(1, std::slice::from_ref(&release))?;
    machine.put_metadata(&name("acme"), &files)?;
    let artifact = Digest::of(&bytes);
    let (mut starts, mut prepares, mut sums, mut hashes) = (vec![], vec![], vec![], vec![]);
    let (mut ratios, mut prepare_ratios) = (vec![], vec![]);
    for turn in 0..RUNS {
        let job = approved(&hospital, &machine, &release, turn)?;
        let copy = machine.path(&format!("state/jobs/{job}/artifacts/{artifact}"));
        let prepare = timed(|| match machine.ask(&Request::Prepare(job))? {
            Answer::Prepared => Ok(()),
            other => bail!("not prepared: {other:?}"),
        })?;
        let ask = machine.draw(job)?;
        let go = hospital.go(&ask, now());
        let start = timed(|| match machine.ask(&Request::Start(job, go))? {
            Answer::Done => Ok(()),
            other => bail!("it would not have started: {other:?}"),
        })?;
        let sum = timed(|| ran(Command::new("sha256sum").arg(&copy)))?;
        let hash = timed(|| hashed(&copy))?;
        ratios.push(start / sum);
        prepare_ratios.push(prepare / sum);
        starts.push(start);
        prepares.push(prepare);
        sums.push(sum);
        hashes.push(hash);
        ensure!(
            machine.words(job)?.contains(&"would_have_started"),
            "the checks did not pass"
        );
        std::fs::remove_file(&copy)?;
    }
    let shown = |what, runs| -> anyhow::Result<Figure> {
        Ok(Figure::median(what, "ms", &Spread::of(runs)?, Reach::Shown))
    };
    Ok(Report {
        word: "checks",
        work: "one job with an artifact of 100 MB, over the installer's socket: `prepare` \
               (checks 1 to 7; copies, hashes and syncs the artifact), then `start` in mode \
               rehearse (checks 1 to 11; hashes the copy again); `sha256sum` of the copy in \
               the same turn; all from the page cache"
            .into(),
        figures: vec![
            Figure::median(
                "checks 1 to 11, 100 MB artifact, part of `sha256sum`",
                "",
                &Spread::of(ratios)?,
                Reach::AtMost(1.3),
            ),
            shown("checks 1 to 11 at the start", starts)?,
            shown("`sha256sum` of it", sums)?,
            shown("our SHA-256 of it, nothing else", hashes)?,
            shown(
                "`prepare`: checks 1 to 7 with the copy synced to disk",
                prepares,
            )?,
            Figure::median(
                "`prepare`, part of `sha256sum`",
                "",
                &Spread::of(prepare_ratios)?,
                Reach::Shown,
            ),
        ],
    })
}

fn approved(
    hospital: &Hospital,
    machine: &Machine,
    release: &ApprovedRelease,
    turn: usize,
) -> anyhow::Result<JobId> {
    let mut row = hospital.row(machine.id);
    row.mode = Mode::Rehearse;
    let mut approval = hospital.approval(vec![release.clone()]);
    approval.title = Label::new(format!("Turn {turn}"))?;
    let leaf = hospital.leaf(&row);
    let mut placed = hospital.approve(&approval, &[leaf], &[&hospital.alice]);
    let Some(placed) = placed.pop() else {
        bail!("nothing was placed");
    };
    let refused = machine.give(&hospital.documents(&row, vec![placed.clone()]))?;
    ensure!(refused.is_empty(), "documents were refused: {refused:?}");
    Ok(job_of(&placed, machine.id))
}

/// As many letters as the artifact has bytes, and no two blocks alike.
fn text() -> String {
    let mut state = 1u64;
    let letters = std::iter::repeat_with(|| {
        // Knuth's multiplier; good enough for letters.
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        char::from(b'a' + u8::try_from(state >> 60).unwrap_or(0))
    });
    letters.take(ARTIFACT_BYTES).collect()
}

/// Milliseconds that something took.
fn timed(act: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<f64> {
    let began = clock();
    act()?;
    Ok(began.elapsed().as_secs_f64() * 1e3)
}

fn ran(command: &mut Command) -> anyhow::Result<()> {
    let status = command.stdout(Stdio::null()).status()?;
    ensure!(status.success(), "{command:?} ended with {status}");
    Ok(())
}

fn hashed(path: &Path) -> anyhow::Result<()> {
    use sha2::{Digest as _, Sha256};
    use std::io::Read as _;
    let mut file = std::fs::File::open(path)?;
    let (mut hash, mut block) = (Sha256::new(), vec![0; 1 << 20]);
    loop {
        match file.read(&mut block)? {
            0 => break,
            length => hash.update(&block[..length]),
        }
    }
    std::hint::black_box(hash.finalize());
    Ok(())
}
