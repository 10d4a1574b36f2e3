//! The inventory of this computer against `dpkg-query -W`, run in turns.

use super::report::{Figure, Reach, Report, Spread, clock};
use crate::process::run as run_to_end;
use crate::programs::Program;
use anyhow::{Context as _, ensure};
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Stdio};

/// Pairs of runs; each takes some 10 ms.
const RUNS: usize = 201;
/// Runs before the first that counts.
const WARM_UP: usize = 10;

/// Both print what is installed on this computer. The agent's command reads facts,
/// services and ports beside the packages.
pub fn run() -> anyhow::Result<Report> {
    let folder = tempfile::tempdir()?;
    let settings = folder.path().join("agent.toml");
    std::fs::write(&settings, "")?;
    let packages = equal(&settings)?;
    let agent = Program::Agent.path()?;
    let (mut ours, mut theirs, mut ratios, mut reads) = (vec![], vec![], vec![], vec![]);
    let mut process_ratios = vec![];
    for turn in 0..WARM_UP + RUNS {
        let our = timed(
            Command::new(&agent)
                .arg("--config")
                .arg(&settings)
                .arg("inventory"),
        )?;
        let their = timed(Command::new("dpkg-query").arg("-W"))?;
        let read = read()?;
        if turn >= WARM_UP {
            ours.push(our);
            theirs.push(their);
            ratios.push(read / their);
            process_ratios.push(our / their);
            reads.push(read);
        }
    }
    let shown = |what, runs| -> anyhow::Result<Figure> {
        Ok(Figure::median(what, "ms", &Spread::of(runs)?, Reach::Shown))
    };
    Ok(Report {
        word: "inventory",
        work: format!(
            "the {packages} packages of this computer, in turns: by the agent's reading of \
             them, which needs no process, by `patchward-agent inventory` as a process (with \
             facts, services, ports), and by `dpkg-query -W`; all name the same packages"
        ),
        figures: vec![
            Figure::median(
                "Debian inventory in the agent, part of `dpkg-query -W`",
                "",
                &Spread::of(ratios)?,
                Reach::AtMost(0.25),
            ),
            Figure::median(
                "`patchward-agent inventory`, whole process, part of it",
                "",
                &Spread::of(process_ratios)?,
                Reach::Shown,
            ),
            shown("`patchward-agent inventory`, whole process", ours)?,
            shown("`dpkg-query -W`, whole process", theirs)?,
            shown("the agent's reading of the package list alone", reads)?,
        ],
    })
}

/// Whether both name the same packages, to the letter; gives back how many.
fn equal(settings: &Path) -> anyhow::Result<usize> {
    let text = run_to_end(
        Command::new(Program::Agent.path()?)
            .arg("--config")
            .arg(settings)
            .args(["inventory", "--json"]),
    )?;
    let shown: Value = serde_json::from_str(&text)?;
    let components = shown["components"].as_array().context("no components")?;
    let text = |component: &Value, key: &str| component[key].as_str().unwrap_or("").to_owned();
    let mut ours: Vec<String> = components
        .iter()
        .filter(|component| component["source"] == "deb")
        .map(|c| {
            format!(
                "{} {} {}",
                text(c, "name"),
                text(c, "version"),
                text(c, "arch")
            )
        })
        .collect();
    let format = "${db:Status-Status} ${Package} ${Version} ${Architecture}\\n";
    let text = run_to_end(Command::new("dpkg-query").args(["-W", "-f", format]))?;
    let mut theirs: Vec<String> = text
        .lines()
        .filter_map(|line| line.strip_prefix("installed "))
        .map(str::to_owned)
        .collect();
    ours.sort();
    theirs.sort();
    ensure!(ours == theirs, "the two lists differ");
    Ok(ours.len())
}

fn timed(command: &mut Command) -> anyhow::Result<f64> {
    command.stdin(Stdio::null()).stdout(Stdio::null());
    let began = clock();
    let status = command.status()?;
    let took = began.elapsed();
    ensure!(status.success(), "{command:?} ended with {status}");
    Ok(took.as_secs_f64() * 1e3)
}

fn read() -> anyhow::Result<f64> {
    let began = clock();
    let packages = patchward_agent::inventory::read_dpkg(Path::new("/"))?;
    let took = began.elapsed();
    ensure!(packages.is_some(), "this computer has no dpkg");
    Ok(took.as_secs_f64() * 1e3)
}
