//! What holding advisories against a large hospital costs: all of them, and one that is new.

use super::report::{Figure, Reach, Report, Spread, clock};
use crate::filled::enrol::{enrol as enrolled, id, token};
use crate::filled::known::{File, named, put, read};
use anyhow::{Context as _, ensure};
use patchward_collector::matching::{Kept, Only, holders, refresh};
use patchward_collector::store::assets::Asset;
use patchward_collector::store::machines::NewMachine;
use patchward_collector::store::places::{Site, Unit};
use patchward_collector::store::{Actor, Place, Store};
use patchward_common::component::{Component, ComponentSet, Source};
use patchward_common::id::{Label, MachineId, Name};
use patchward_common::time::UtcMs;
use patchward_common::trust::assignment::Mode;
use patchward_common::trust::roster::Class;
use std::path::Path;

/// Runs of each kind.
const RUNS: usize = 5;
/// Machines of the hospital.
const MACHINES: u32 = 50_000;
/// Distinct inventories: 5 % of the machines.
const SETS: u32 = 2_500;
/// Components of each.
const COMPONENTS: u32 = 2_000;
/// Medical devices and other equipment.
const ASSETS: u32 = 10_000;
/// Images of which the inventories come.
const IMAGES: u32 = 25;
/// Names beside those of the desktop: what other images and applications bring.
const NAMES: u32 = 4_000;
/// Machines and assets of one change.
const CHUNK: u32 = 2_000;
/// Name, version and architecture of 900 packages of Debian.
const PACKAGES: &str = include_str!("debian-12-desktop.txt");
/// 2027-01-01T00:00:00Z.
const NOW: UtcMs = UtcMs(1_798_761_600_000);

/// All advisories of a folder against the hospital, and one alone.
pub async fn run(folder: &Path) -> anyhow::Result<Report> {
    let files = read(folder)?;
    let place = tempfile::tempdir()?;
    let store = Store::create(&Place::Sqlite {
        path: place.path().join("collector.db"),
        max_pages: None,
    })
    .await?;
    enrol(&store).await?;
    equip(&store, &files).await?;
    install(&store).await?;
    let (mut all, mut one, mut held) = (Vec::new(), Vec::new(), Vec::new());
    let mut found = 0;
    let kept = Kept::default();
    for _ in 0..RUNS {
        put(&store, &files, NOW).await?;
        all.push(timed(&store, &Kept::default(), None).await?);
        let last = files.last().context("no advisory")?;
        put(&store, std::slice::from_ref(last), NOW).await?;
        let id = [last.advisory.id.clone()];
        one.push(timed(&store, &kept, Some(&id)).await?);
        let mut view = store.view().await?;
        let rows = view.advisory_matches(None).await?;
        let wanted = rows.iter().map(|row| row.thing.clone()).collect();
        let begun = clock();
        found = holders(&mut view, &wanted)
            .await?
            .values()
            .map(Vec::len)
            .sum();
        held.push(begun.elapsed().as_secs_f64());
    }
    ensure!(found > 0, "nothing was found, so nothing was measured");
    Ok(Report {
        word: "matching",
        work: format!(
            "{} advisories against {MACHINES} machines with {SETS} inventories of {COMPONENTS} \
             components and {ASSETS} assets, a third of these named as the advisories name \
             products; on SQLite, read, decided and written; {found} machines and assets stand \
             behind the matches",
            files.len()
        ),
        figures: vec![
            figure(
                "all advisories of the folder against 50,000 machines and 10,000 medical \
                    devices",
                all,
                Reach::AtMost(5.0),
            )?,
            figure("one new advisory", one, Reach::AtMost(0.5))?,
            figure(
                "who holds what matches, as `today` asks",
                held,
                Reach::Shown,
            )?,
        ],
    })
}

fn figure(what: &str, runs: Vec<f64>, reach: Reach) -> anyhow::Result<Figure> {
    Ok(Figure::median(what, "s", &Spread::of(runs)?, reach))
}

async fn timed(store: &Store, kept: &Kept, only: Option<&[String]>) -> anyhow::Result<f64> {
    let begun = clock();
    let only = Only {
        advisories: only,
        things: None,
    };
    let ran = refresh(store, kept, &Actor::Collector, NOW, only).await;
    let ran = ran.map_err(|failure| anyhow::anyhow!(failure.text))?;
    ensure!(ran.outcome.advisories > 0, "no advisory was matched");
    Ok(begun.elapsed().as_secs_f64())
}

fn machine(number: u32) -> MachineId {
    id(&[&number.to_be_bytes()])
}

async fn enrol(store: &Store) -> anyhow::Result<()> {
    let (site, unit) = (Name::new("main")?, Name::new("icu")?);
    let mut change = store.change(Actor::Collector, NOW).await?;
    let title = Label::new("Main building")?;
    let new = Site {
        name: site.clone(),
        title: title.clone(),
    };
    change.add_site(&new).await?;
    let class = Class::Critical;
    change
        .add_unit(&Unit {
            name: unit.clone(),
            site,
            title,
            class,
        })
        .await?;
    change.add_token(&token(&unit, NOW)).await?;
    change.commit().await?;
    for first in (0..MACHINES).step_by(CHUNK as usize) {
        let mut change = store.change(Actor::Collector, NOW).await?;
        for number in first..first + CHUNK {
            let new = NewMachine {
                id: machine(number),
                name: Name::new(format!("pc-{number}"))?,
                unit: unit.clone(),
                class,
                model: Name::new(format!("station-{}", number % 40))?,
                mode: Mode::Active,
            };
            enrolled(&mut change, &new).await?;
        }
        change.commit().await?;
    }
    Ok(())
}

/// Equipment: a third as the advisories name their products, the others of makers of their own.
async fn equip(store: &Store, files: &[File]) -> anyhow::Result<()> {
    let named = named(files);
    let mut assets = Vec::new();
    for number in 0..ASSETS {
        let (maker, model) = match number % 3 {
            0 => named[number as usize / 3 % named.len()].clone(),
            _ => (
                format!("Maker {}", number % 90),
                format!("Model {}", number % 700),
            ),
        };
        assets.push(Asset {
            serial: format!("SN{number}"),
            manufacturer: maker,
            model,
            software_version: match number % 4 {
                0 => String::new(),
                patch => format!("{}.{patch}", 1 + number % 7),
            },
            ..Asset::new(Label::new(format!("HTM-{number:05}"))?)
        });
    }
    let mut change = store.change(Actor::Collector, NOW).await?;
    change.put_assets(&assets).await?;
    change.commit().await?;
    Ok(())
}

async fn install(store: &Store) -> anyhow::Result<()> {
    let mut sets = Vec::new();
    for number in 0..SETS {
        sets.push(inventory(number)?);
    }
    for number in 0..MACHINES {
        let set = &sets[(number % SETS) as usize];
        store.record_inventory(&machine(number), set, NOW).await?;
    }
    Ok(())
}

/// One of the inventories: an image's packages at one of its levels, and some of its own.
fn inventory(number: u32) -> anyhow::Result<ComponentSet> {
    let (image, level) = (number % IMAGES, number / IMAGES % 20);
    let mut list = Vec::new();
    for line in PACKAGES.lines() {
        let mut parts = line.split(' ');
        if let (Some(name), Some(version), Some(arch)) = (parts.next(), parts.next(), parts.next())
        {
            list.push(component(name, version, arch));
        }
    }
    // What is patched often is at a level of its own in each.
    for (place, one) in list.iter_mut().enumerate() {
        if place % 9 == 0 {
            one.version = format!("{}+deb12u{level}", one.version);
        }
    }
    let own = COMPONENTS - u32::try_from(list.len())?;
    for place in 0..own {
        let name = (image * 150 + place * 3 + u32::from(place % 20 == 0) * number) % NAMES;
        let version = format!("{}.{}-1", 1 + name % 9, (level + name) % 6);
        list.push(component(&format!("lib-{place}-{name}"), &version, "amd64"));
    }
    Ok(ComponentSet::new(list)?)
}

fn component(name: &str, version: &str, arch: &str) -> Component {
    Component {
        source: Source::Deb,
        name: name.into(),
        version: version.into(),
        arch: arch.into(),
    }
}
