//! Places, machines, and what these last said of themselves.

use super::enrol::{enrol, token};
use super::names::Places;
use super::{AT_ONCE, Filling, chance};
use crate::fixture::{label, name};
use patchward_collector::store::machines::{MachineState, MachineStatus, NewMachine, Readiness};
use patchward_collector::store::places::{Group, SwitchedOff};
use patchward_collector::store::windows::{Area, Freeze, Opening, Window};
use patchward_common::digest::Digest;
use patchward_common::facts::{Facts, PackedFacts};
use patchward_common::id::{BootId, MachineId};
use patchward_common::time::{DAY_MS, HOUR_MS, MINUTE_MS};
use patchward_common::trust::assignment::Mode;
use patchward_common::wire::machine::InterlockWord;
use std::net::{IpAddr, Ipv4Addr};
use tokio::task::JoinSet;

impl Filling<'_> {
    /// Sites, units with windows and groups, freezes.
    pub(super) async fn places(&self) -> anyhow::Result<()> {
        let units = &self.places.units;
        (self.progress)("units", 0, units.len());
        let began = self.spec.began();
        let mut change = self.change(began).await?;
        for site in Places::sites() {
            change.add_site(&site).await?;
        }
        for (number, unit) in units.iter().enumerate() {
            change.add_unit(unit).await?;
            for half in ["a", "b"] {
                let group = Group {
                    name: name(&format!("{}-{half}", unit.name)),
                    unit: unit.name.clone(),
                    minimum_ready: 2,
                    switched_off: SwitchedOff::Counts,
                };
                change.add_group(&group).await?;
            }
            for (nth, cron) in [format!("0 {} * * Tue", number % 5), "30 22 * * Sun".into()]
                .into_iter()
                .enumerate()
            {
                let window = Window {
                    id: name(&format!("{}-{nth}", unit.name)),
                    unit: unit.name.clone(),
                    opening: Opening::Cron(cron),
                    zone: "Europe/Berlin".into(),
                    minutes: 180,
                    day_offset: 0,
                    valid_from: None,
                    valid_until: None,
                };
                change.add_window(&window).await?;
            }
        }
        for (id, area, subject, days) in [
            ("holidays", Area::All, String::new(), 25),
            ("move", Area::Unit, units[0].name.to_string(), 40),
            ("audit", Area::Site, "heart".into(), 60),
        ] {
            let start = self.spec.now.plus_ms(days * DAY_MS);
            let freeze = Freeze {
                id: label(id),
                area,
                subject,
                start,
                end: start.plus_ms(5 * DAY_MS),
                reason: "no work in this time".into(),
                source: name("manual"),
            };
            change.add_freeze(&freeze).await?;
        }
        change.add_token(&token(&units[0].name, began)).await?;
        change.commit().await?;
        Ok(())
    }

    /// The machines: enrolled in the first months, heard within the last minutes but for some.
    pub(super) async fn machines(&self) -> anyhow::Result<()> {
        let spec = self.spec;
        for first in (0..spec.machines).step_by(AT_ONCE) {
            let numbers = first..(first + AT_ONCE).min(spec.machines);
            let at = spec
                .began()
                .plus_ms((1 + first as i64 * 80 / spec.machines as i64) * DAY_MS);
            let mut change = self.change(at).await?;
            for number in numbers.clone() {
                let new = self.machine(number);
                enrol(&mut change, &new).await?;
                let serial = Digest::of_parts(&[b"serial", &new.id.0]).to_string();
                let expires = spec.now.plus_ms((31 + number as i64 % 59) * DAY_MS);
                change
                    .add_certificate(&new.id, &serial[..32], expires)
                    .await?;
                if let Some(group) = self.places.group_of(number) {
                    change.set_groups_of(&new.id, &[group]).await?;
                }
            }
            change.commit().await?;
            self.said(numbers.clone()).await?;
            (self.progress)("machines", numbers.end, spec.machines);
        }
        let mut change = self.change(spec.now.plus_ms(-30 * DAY_MS)).await?;
        for number in (0..spec.machines).filter(|number| number % 400 == 399) {
            let from = MachineState::Enrolled;
            change
                .move_machine(
                    &spec.machine(number),
                    from,
                    MachineState::Stored,
                    "unit closed",
                )
                .await?;
        }
        change.commit().await?;
        Ok(())
    }

    fn machine(&self, number: usize) -> NewMachine {
        let unit = self.places.unit_of(number);
        let (name, model) = self.places.machine(number);
        let mode = match number % 20 {
            0 => Mode::Observe,
            1 => Mode::Rehearse,
            _ => Mode::Active,
        };
        NewMachine {
            id: self.spec.machine(number),
            name,
            unit: unit.name.clone(),
            class: unit.class,
            model,
            mode,
        }
    }

    /// What they last said of themselves.
    async fn said(&self, numbers: std::ops::Range<usize>) -> anyhow::Result<()> {
        let (spec, store) = (self.spec, self.store);
        let mut running = JoinSet::new();
        let (mut seen, mut facts): (Vec<_>, Vec<(MachineId, Vec<u8>)>) = Default::default();
        for number in numbers {
            let draw = |word| chance::of(spec.seed, word, number);
            let id = spec.machine(number);
            // One in fifty is off, some for weeks.
            let ago = match draw("off") % 50 {
                0 => (1 + draw("days") as i64 % 40) * DAY_MS,
                _ => (draw("ago") as i64 % 110) * MINUTE_MS / 60,
            };
            let at = spec.now.plus_ms(-ago);
            let status = status(&id, at, draw("interlock"));
            let store = store.clone();
            running.spawn(async move { store.record_status(&id, &status, at).await });
            let host = number as u32;
            let from = IpAddr::V4(Ipv4Addr::from(0x0a00_0000 + host));
            let heard = patchward_collector::store::machines::Seen {
                at,
                from: Some(from),
            };
            seen.push((id, heard));
            facts.push((id, self.facts(number)));
        }
        while let Some(stored) = running.join_next().await {
            stored??;
        }
        store.record_seen(&seen, spec.now).await?;
        let facts: Vec<_> = facts.iter().map(|(id, bytes)| (*id, &bytes[..])).collect();
        store
            .record_facts_of(&facts, spec.now.plus_ms(-DAY_MS))
            .await?;
        Ok(())
    }

    fn facts(&self, number: usize) -> Vec<u8> {
        let (name, _) = self.places.machine(number);
        let (id, version, os) = match number % 4 {
            0 => ("ubuntu", "22.04", "Ubuntu 22.04.5 LTS"),
            _ => ("debian", "12", "Debian GNU/Linux 12 (bookworm)"),
        };
        let facts = Facts {
            os_id: id.into(),
            os_version: version.into(),
            os_name: os.into(),
            kernel: "6.1.0-28-amd64".into(),
            arch: "x86_64".into(),
            hostname: name.to_string(),
            ..Facts::default()
        };
        PackedFacts::of(&facts).as_bytes().to_vec()
    }
}

fn status(id: &MachineId, at: patchward_common::time::UtcMs, draw: usize) -> MachineStatus {
    let mut boot = [0; 16];
    boot.copy_from_slice(&id.0[..16]);
    MachineStatus {
        boot: BootId(boot),
        agent_version: "0.2.0".into(),
        installer_version: "0.2.0".into(),
        readiness: match draw % 40 {
            0 => Readiness::NotReady,
            1 => Readiness::Unknown,
            _ => Readiness::Ready,
        },
        interlock: match draw % 10 {
            0..4 => InterlockWord::InUse,
            4 if draw.is_multiple_of(3) => InterlockWord::Unknown,
            _ => InterlockWord::Idle,
        },
        hold_until: (draw % 500 == 7).then(|| at.plus_ms(2 * HOUR_MS)),
        watermark: Digest(id.0),
        fingerprint: Digest(id.0),
    }
}
