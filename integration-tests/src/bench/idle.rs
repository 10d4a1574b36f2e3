//! What an idle agent costs at the default pace.

use super::process_costs::{Processor, memory};
use super::report::{Figure, Reach, Report, Spread};
use super::setting::{MACHINE, Setting};
use anyhow::Context as _;
use patchward_collector::config::Settings as CollectorSettings;
use std::path::PathBuf;
use std::time::Duration;

/// What starts the agent on a machine.
const UNIT: &str =
    include_str!("../../../systemd/agent/usr/lib/systemd/system/patchward-agent.service");
/// Bytes of a MB.
const MB: f64 = 1e6;
/// Seconds of a day.
const DAY_SECONDS: f64 = 86_400.0;
/// After the start: the first report, documents, and the first hello at the pace.
const SETTLING_SECONDS: usize = 160;

/// Watches a real agent that is enrolled, assigned and has nothing to do, for `seconds`.
pub async fn run(seconds: usize) -> anyhow::Result<Report> {
    let pace = CollectorSettings::default().pace_seconds;
    let mut setting = Setting::found(pace)?;
    setting.add_machine()?;
    let machine = setting.hospital.machine(MACHINE)?;
    machine.environment.extend(environment());
    // The harness looks every minute; this is the agent's default.
    setting.restart_agent(&["look_minutes = 30".into()])?;
    let pid = setting.hospital.machine(MACHINE)?.agent_pid();
    let pid = pid.context("the agent does not run")?;
    let mut processor = Processor::of(pid);
    let mut timer = tokio::time::interval(Duration::from_secs(1));
    for _ in 0..SETTLING_SECONDS {
        timer.tick().await;
        processor.look()?;
    }
    let (mut rss, mut pss) = (Vec::new(), Vec::new());
    let begun = processor.look()?;
    for _ in 0..seconds {
        timer.tick().await;
        processor.look()?;
        let memory = memory(pid)?;
        rss.push(memory.rss / MB);
        pss.push(memory.pss / MB);
    }
    let a_day = (processor.look()? - begun) / seconds as f64 * DAY_SECONDS;
    Ok(Report {
        word: "idle",
        work: format!(
            "an enrolled and assigned agent with nothing to do, in the environment that its unit \
             gives it, told to come every {pace} s, looking at everything every 30 min, watched for {seconds} s; memory sampled every \
             second, processor time of its threads and children extrapolated to a day"
        ),
        figures: vec![
            Figure::median(
                "idle agent, PSS",
                "MB",
                &Spread::of(pss)?,
                Reach::AtMost(5.0),
            ),
            Figure::median(
                "idle agent, RSS",
                "MB",
                &Spread::of(rss)?,
                Reach::AtMost(8.0),
            ),
            Figure::one(
                "idle agent, processor time a day",
                "s",
                a_day,
                Reach::AtMost(2.0),
            ),
        ],
    })
}

/// The environment that the unit gives.
fn environment() -> impl Iterator<Item = (&'static str, PathBuf)> {
    let lines = UNIT.lines();
    let given = lines.filter_map(|line| line.strip_prefix("Environment="));
    let pairs = given.flat_map(str::split_whitespace);
    pairs
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name, PathBuf::from(value)))
}
