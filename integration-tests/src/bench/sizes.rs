//! How large the programs are that go onto a machine.

use super::report::{Figure, Reach, Report};
use crate::programs::Program;

/// One million bytes.
const MB: f64 = 1e6;

/// Looks at the stripped release builds.
pub fn run() -> anyhow::Result<Report> {
    let size = |program: Program| -> anyhow::Result<f64> {
        Ok(program.path()?.metadata()?.len() as f64 / MB)
    };
    let figure = |what, program, reach| -> anyhow::Result<Figure> {
        Ok(Figure::one(what, "MB", size(program)?, reach))
    };
    Ok(Report {
        word: "sizes",
        work: "the stripped programs of the release build".into(),
        figures: vec![
            figure("agent, stripped", Program::Agent, Reach::AtMost(7.5))?,
            figure(
                "installer, stripped",
                Program::Installer,
                Reach::AtMost(6.0),
            )?,
            figure("collector, stripped", Program::Collector, Reach::Shown)?,
            figure("signer, stripped", Program::Sign, Reach::Shown)?,
        ],
    })
}
