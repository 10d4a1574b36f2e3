//! What neither ends nor gets on: systemd's watchdogs.

use super::Machine;
use super::patience::until;
use anyhow::ensure;

const AGENT: &str = "patchward-agent";
const COLLECTOR: &str = "patchward-collector";
/// What the collector's unit gives it, as systemd writes it, and what it is given here: twice what its
/// loop takes from one sign to the next. All else of the unit is as it is shipped.
const SHIPPED: &str = "10min";
const SHORT: &str = "[Service]\nWatchdogSec=20s\n";

impl Machine {
    /// An agent and a collector that hang are ended by their watchdogs: the agent after the minute and
    /// the pace that it promised its next sign within, the collector after what its unit says.
    pub(super) fn hang(&mut self) -> anyhow::Result<()> {
        let shipped = self.property(COLLECTOR, "WatchdogUSec")?;
        ensure!(shipped == SHIPPED, "the collector's watchdog: {shipped}");
        let folder = format!("/etc/systemd/system/{COLLECTOR}.service.d");
        self.container
            .write(&format!("{folder}/watchdog.conf"), SHORT)?;
        self.collector_anew()?;
        self.in_contact()?;
        let mut hung = Vec::new();
        for unit in [COLLECTOR, AGENT] {
            hung.push((unit, self.property(unit, "NRestarts")?));
            self.container
                .run(&["systemctl", "kill", "--signal=STOP", unit])?;
        }
        for (unit, before) in hung {
            until(&format!("{unit} is started anew"), || {
                let now = self.property(unit, "NRestarts");
                now.is_ok_and(|now| now != before)
            })?;
            self.is(unit, "active")?;
            let of = format!("--unit={unit}");
            let journal = self.container.run(&["journalctl", "--boot", &of])?;
            ensure!(
                journal.contains("Watchdog timeout"),
                "{unit} was started anew, and not by its watchdog"
            );
        }
        self.in_contact()?;
        self.container.run(&["rm", "-r", &folder])?;
        self.collector_anew()?;
        self.in_contact()
    }
}
