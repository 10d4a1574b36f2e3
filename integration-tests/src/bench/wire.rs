//! Bytes on the wire: hello, inventory and a cold start between the real agent and the
//! real collector, through a relay that counts packets.

use super::relay::{Burst, Relay};
use super::report::{Figure, Reach, Report, Spread, clock};
use super::setting::{MACHINE, Root, Setting};
use crate::process::wait_until;
use anyhow::Context as _;
use std::time::{Duration, Instant};

/// Seconds between hellos; short, so that it does not take hours.
const PACE_SECONDS: u32 = 3;
/// No packet for so long: what belongs together is over. Late acknowledgements come
/// after 25 ms, repeats after a few hundred.
const PAUSE: Duration = Duration::from_millis(800);
/// Quiet hellos that are looked at.
const HELLOS: usize = 15;
/// Repetitions of everything else.
const TIMES: usize = 5;

/// A machine that is enrolled and quiet, behind the relay.
struct Wire {
    setting: Setting,
    relay: Relay,
    root: Root,
    edition: usize,
}

/// Measures everything, over some two minutes.
pub fn run() -> anyhow::Result<Report> {
    let mut wire = Wire::begin()?;
    let hello = wire.hellos()?;
    let quiet = hello.median();
    let one = Spread::of(wire.each(Wire::change_one)?)?;
    let whole = Spread::of(wire.each(Wire::change_with_all)?)?;
    let cold = Spread::of(wire.each(Wire::reconnect)?)?;
    let figure = |what: &str, runs: &Spread, reach| Figure::median(what, "B", runs, reach);
    Ok(Report {
        word: "wire",
        work: format!(
            "real agent and collector over loopback through a relay that counts each UDP \
             datagram and 28 bytes of IPv4 and UDP headers, both ways, acknowledgements \
             included; {} packages of a Debian 12 desktop beside this computer's facts",
            Root::count()
        ),
        figures: vec![
            figure(
                "quiet hello on an open connection",
                &hello,
                Reach::AtMost(600.0),
            ),
            figure(
                "cold: handshake and quiet hello",
                &cold,
                Reach::AtMost(5_000.0),
            ),
            figure(
                "full inventory of 900 packages, beside its hello",
                &whole.less(quiet),
                Reach::AtMost(12_000.0),
            ),
            figure(
                "one changed package, beside its hello",
                &one.less(quiet),
                Reach::AtMost(700.0),
            ),
            figure(
                "the turn with one changed package, hello included",
                &one,
                Reach::Shown,
            ),
        ],
    })
}

impl Wire {
    fn begin() -> anyhow::Result<Self> {
        let mut setting = Setting::found(PACE_SECONDS)?;
        setting.add_machine()?;
        let root = Root::make(setting.machine_path("system")?)?;
        let relay = Relay::start(setting.address()?)?;
        setting.restart_agent(&[
            format!("root_dir = {:?}", root.path),
            format!("collectors = [\"{}\"]", relay.address),
            // Once at the start; facts that change by themselves would be in the way.
            "look_minutes = 1000".into(),
        ])?;
        setting.hospital.wait_for(MACHINE, "it has reported", |_| {
            let components = setting
                .hospital
                .ask_json(&["machine", "components", MACHINE]);
            components.is_ok_and(|c| c.as_array().is_some_and(|c| c.len() >= Root::count()))
        })?;
        let wire = Self {
            setting,
            relay,
            root,
            edition: 0,
        };
        // The report is over when the next hello begins.
        wire.next(clock(), 2)?;
        Ok(wire)
    }

    /// Waits for the next `count` bursts since `since`.
    fn next(&self, since: Instant, count: usize) -> anyhow::Result<Vec<Burst>> {
        wait_until("the agent has spoken", || {
            self.relay.bursts(since, PAUSE).len() >= count
        })?;
        Ok(self.relay.bursts(since, PAUSE))
    }

    fn hellos(&self) -> anyhow::Result<Spread> {
        let bursts = self.next(clock(), HELLOS)?;
        // The first may have begun before we looked.
        Spread::of(bursts.iter().skip(1).map(|burst| burst.bytes as f64))
    }

    fn each(&mut self, act: impl Fn(&mut Self) -> anyhow::Result<()>) -> anyhow::Result<Vec<f64>> {
        let mut found = Vec::new();
        for _ in 0..TIMES {
            // Between two bursts, so that what is done meets none that is on its way.
            self.next(clock(), 1)?;
            let began = clock();
            act(self)?;
            let bursts = self.next(began, 2)?;
            let largest = bursts.iter().map(|burst| burst.bytes).max();
            found.push(largest.context("nothing was sent")? as f64);
        }
        Ok(found)
    }

    fn change_one(&mut self) -> anyhow::Result<()> {
        self.edition += 1;
        self.root.write(self.edition)
    }

    /// Without the set that was accepted last there is nothing to tell changes against.
    fn change_with_all(&mut self) -> anyhow::Result<()> {
        std::fs::remove_file(self.setting.machine_path("agent/inventory")?)
            .context("forgetting the accepted inventory")?;
        self.change_one()
    }

    fn reconnect(&mut self) -> anyhow::Result<()> {
        self.setting.restart_collector()
    }
}
