//! What machines have installed: images of which a few in a hundred were changed by hand.

use super::{Filling, Spec, chance};
use patchward_common::component::{Component, ComponentSet, Source};
use patchward_common::id::MachineId;
use patchward_common::time::{DAY_MS, UtcMs};
use std::collections::BTreeMap;

/// Name, version and architecture of packages of a Debian desktop.
const PACKAGES: &str = include_str!("../bench/debian-12-desktop.txt");
/// One machine in so many is no image any more.
const CHANGED_IN: usize = 30;
/// Programs that vendors bring and rollouts bring on: name, and a version of each round.
pub(super) const PRODUCTS: [&str; 4] = ["viewer", "pump-link", "worklist", "monitor-hub"];

/// The version of a product after so many rollouts of it.
pub(super) fn version(rollouts: usize) -> String {
    format!("{}.{}", 2 + rollouts / 4, rollouts % 4)
}

impl Filling<'_> {
    /// Every machine's components: those of its first days, and those of today.
    pub(super) async fn inventories(&self) -> anyhow::Result<()> {
        let spec = self.spec;
        for (at, level) in [
            (spec.began().plus_ms(100 * DAY_MS), 0),
            (spec.now.plus_ms(-20 * DAY_MS), 2),
        ] {
            self.reported(at, level).await?;
        }
        Ok(())
    }

    async fn reported(&self, at: UtcMs, level: usize) -> anyhow::Result<()> {
        let spec = self.spec;
        let mut same: BTreeMap<(usize, Option<usize>), Vec<MachineId>> = BTreeMap::new();
        for number in 0..spec.machines {
            let image = chance::of(spec.seed, "image", number) % spec.images();
            let is_own = chance::of(spec.seed, "own", number).is_multiple_of(CHANGED_IN);
            let own = (is_own && level > 0).then_some(number);
            let machines = same.entry((image, own)).or_default();
            machines.push(spec.machine(number));
        }
        let mut done = 0;
        for ((image, own), machines) in same {
            let set = set(spec, image, own, level)?;
            for some in machines.chunks(super::AT_ONCE) {
                self.store.record_images(some, &set, at).await?;
            }
            done += machines.len();
            (self.progress)("inventories", done, spec.machines);
        }
        Ok(())
    }
}

/// The components of an image at a patch level; `own` is the machine that was changed.
fn set(
    spec: &Spec,
    image: usize,
    own: Option<usize>,
    level: usize,
) -> anyhow::Result<ComponentSet> {
    let mut list = Vec::with_capacity(spec.components());
    for (place, line) in PACKAGES.lines().take(spec.components() * 2 / 5).enumerate() {
        let mut parts = line.split(' ');
        if let (Some(name), Some(version), Some(arch)) = (parts.next(), parts.next(), parts.next())
        {
            // What is patched often is newer on some images.
            let version = match place % 9 {
                0 => format!("{version}+deb12u{}", level + image % 3),
                _ => version.to_owned(),
            };
            list.push(component(Source::Deb, name, version, arch));
        }
    }
    for product in PRODUCTS {
        list.push(component(Source::Tree, product, version(level), ""));
    }
    for place in 0..spec.components() - list.len() {
        let changed = own.filter(|own| (place + own) % 97 == 0);
        let newer = changed.map_or(image % 4, |own| 5 + own % 7);
        let version = format!("{}.{newer}-{}", 1 + place % 9, 1 + level);
        list.push(component(
            Source::Deb,
            &format!("lib-{place:04}"),
            version,
            "amd64",
        ));
    }
    Ok(ComponentSet::new(list)?)
}

fn component(source: Source, name: &str, version: String, arch: &str) -> Component {
    Component {
        source,
        name: name.to_owned(),
        version,
        arch: arch.to_owned(),
    }
}
