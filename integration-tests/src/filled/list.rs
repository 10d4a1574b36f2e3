//! The hospital's own list: most machines, medical devices, and what nobody has placed yet.

use super::{AT_ONCE, Filling, chance, known};
use crate::fixture::label;
use patchward_collector::store::assets::{Asset, AssetKind, LifeCycle};
use patchward_common::time::DAY_MS;

/// Makers of what no advisory names.
const MAKERS: usize = 90;
/// Their models.
const MODELS: usize = 700;
/// One machine in so many is in no list.
const LEFT_OUT: usize = 25;

impl Filling<'_> {
    /// The list, as one import after the other.
    pub(super) async fn assets(&self) -> anyhow::Result<()> {
        let spec = self.spec;
        let files = match spec.advisories.is_dir() {
            true => known::read(&spec.advisories)?,
            false => Vec::new(),
        };
        let named = known::named(&files);
        let count = spec.assets();
        for first in (0..count).step_by(AT_ONCE) {
            let numbers = first..(first + AT_ONCE).min(count);
            let assets: Vec<Asset> = numbers
                .clone()
                .map(|number| self.asset(number, &named))
                .collect::<anyhow::Result<_>>()?;
            let at = spec.began().plus_ms(120 * DAY_MS);
            let mut change = self.change(at).await?;
            change.put_assets(&assets).await?;
            change.commit().await?;
            (self.progress)("assets", numbers.end, count);
        }
        Ok(())
    }

    fn asset(&self, number: usize, named: &[(String, String)]) -> anyhow::Result<Asset> {
        let spec = self.spec;
        let draw = |word| chance::of(spec.seed, word, number);
        let is_machine = number < spec.machines && !number.is_multiple_of(LEFT_OUT);
        // Everything else stands anywhere.
        let near = number % spec.machines;
        let unit = self.places.unit_of(near);
        let (host, model) = self.places.machine(near);
        let (manufacturer, model) = match (is_machine, named.is_empty()) {
            (true, _) => ("Northwind".to_owned(), model.to_string()),
            (false, false) if draw("named").is_multiple_of(3) => {
                named[draw("which") % named.len()].clone()
            }
            _ => (
                format!("Maker {}", draw("maker") % MAKERS),
                format!("Model {}", draw("model") % MODELS),
            ),
        };
        let is_device = number >= spec.machines;
        Ok(Asset {
            serial: format!("SN{:08}", draw("serial") % 100_000_000),
            manufacturer,
            model,
            udi: match is_device {
                true => format!("(01)0400000{number:07}"),
                false => String::new(),
            },
            unit: Some(unit.name.clone()),
            location: format!("{}, room {}", host, 100 + draw("room") % 400),
            criticality: ["high", "medium", "low"][draw("critical") % 3].to_owned(),
            machine: is_machine.then(|| spec.machine(number)),
            software_version: match is_device && !draw("versioned").is_multiple_of(4) {
                true => format!("{}.{}", 1 + draw("major") % 7, draw("minor") % 4),
                false => String::new(),
            },
            kind: match is_device {
                true => AssetKind::Device,
                false => AssetKind::NoneYet,
            },
            life_cycle: match draw("life") % 100 {
                0 => LifeCycle::Acceptance,
                1 => LifeCycle::InStorage,
                2 => LifeCycle::Loaned,
                3 => LifeCycle::Decommissioned,
                _ => LifeCycle::InUse,
            },
            ..Asset::new(label(&format!("HTM-{number:06}")))
        })
    }
}
