//! A full hospital: a store with everything that a hospital of 50,000 machines has after two
//! years, for benchmarks and for looking around. Nobody enrolled these machines and nobody
//! signed these plans; all of it is written by the store's own functions, in big changes.
//!
//! The same seed and instant give the same hospital.

mod chance;
mod days;
pub mod enrol;
mod fleet;
pub mod known;
mod list;
mod look;
mod names;
pub mod served;
mod software;
pub mod walk;
mod work;

use crate::fixture::name;
use anyhow::{Context as _, ensure};
use names::Places;
use patchward_collector::cli::{Init, PagePort};
use patchward_collector::config::{SecondFactor, Settings};
use patchward_collector::control::server;
use patchward_collector::folder::Folder;
use patchward_collector::init;
use patchward_collector::store::{Actor, Change, Store};
use patchward_common::id::MachineId;
use patchward_common::time::{DAY_MS, UtcMs};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

/// How long the hospital has been there.
pub const HISTORY_MS: i64 = 730 * DAY_MS;
/// Machines, assets or jobs of one change: few commits, and a change of some megabytes.
pub const AT_ONCE: usize = 1_000;
/// Machines of a whole hospital.
pub const MACHINES: usize = 50_000;
/// Its units.
const UNITS: usize = 500;
/// Its images.
const IMAGES: usize = 80;
/// Components of a machine.
const COMPONENTS: usize = 2_000;

/// What is filled in.
#[derive(Clone, Debug)]
pub struct Spec {
    /// How many machines; all else follows from it.
    pub machines: usize,
    /// What chance begins with.
    pub seed: u64,
    /// When it is looked at: two years of history end here.
    pub now: UtcMs,
    /// A folder of advisories (CSAF); none are taken in where there is none.
    pub advisories: PathBuf,
}

impl Spec {
    /// A hospital of so many machines, looked at now.
    pub fn of(machines: usize, now: UtcMs) -> Self {
        Self {
            machines,
            seed: 1,
            now,
            advisories: PathBuf::new(),
        }
    }

    /// A hundred machines are a unit; a small hospital has six units all the same.
    pub fn units(&self) -> usize {
        (self.machines * UNITS / MACHINES).clamp(6, UNITS)
    }

    fn images(&self) -> usize {
        (self.machines * IMAGES / MACHINES).clamp(4, IMAGES)
    }

    /// A small hospital is for tests, which read every component of it.
    fn components(&self) -> usize {
        match self.machines < 1_000 {
            true => COMPONENTS / 10,
            false => COMPONENTS,
        }
    }

    /// Assets: the machines but for some, and 10,000 medical devices beside 50,000 machines.
    pub fn assets(&self) -> usize {
        self.machines * 6 / 5
    }

    /// When the hospital began.
    pub fn began(&self) -> UtcMs {
        self.now.plus_ms(-HISTORY_MS)
    }

    /// The id of a machine.
    pub fn machine(&self, number: usize) -> MachineId {
        enrol::id(&[b"filled", &self.seed.to_be_bytes(), &number.to_be_bytes()])
    }
}

/// Where the collector of a filled hospital listens, and what its machines call it.
#[derive(Clone, Debug)]
pub struct Ports {
    /// For machines (UDP).
    pub machines: SocketAddr,
    /// For people (TCP).
    pub page: SocketAddr,
}

impl Default for Ports {
    /// Those of the collector's own settings, on this computer alone.
    fn default() -> Self {
        let on = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        Self {
            machines: on(9443),
            page: on(8443),
        }
    }
}

/// Takes what a step is called and how far it is, of how much.
pub type Progress<'a> = &'a dyn Fn(&str, usize, usize);

/// What a step of the filling works with.
struct Filling<'a> {
    store: &'a Store,
    spec: &'a Spec,
    places: Places,
    progress: Progress<'a>,
}

impl Filling<'_> {
    /// A change of the hospital's IT at some time of its history.
    async fn change(&self, at: UtcMs) -> anyhow::Result<Change> {
        Ok(self.store.change(Actor::Local(0), at).await?)
    }
}

/// Fills a folder: a new one is made by `init`, and one that `init` made must have no
/// machines. Gives back the link with which `admin` chooses a password.
///
/// # Errors
/// Where a collector runs in the folder, where it has machines, or the disk is full.
pub async fn fill(
    path: &Path,
    ports: &Ports,
    postgres: Option<&str>,
    spec: &Spec,
    progress: Progress<'_>,
) -> anyhow::Result<String> {
    let folder = Folder::new(path);
    if !folder.settings().exists() {
        init::init(&folder, new(ports, postgres)).await?;
    }
    let text = std::fs::read(folder.settings()).context("reading the settings")?;
    let settings = Settings::parse(&text).context("reading the settings")?;
    // Nobody serves it, and nobody begins to before all is there.
    let socket =
        server::bind(&folder.socket()).with_context(|| format!("{} is in use", path.display()))?;
    let filled = into(&folder, &settings, spec, progress).await;
    drop(socket);
    let _ = std::fs::remove_file(folder.socket());
    Ok(settings.web_link(&format!("/welcome/{}", filled?)))
}

async fn into(
    folder: &Folder,
    settings: &Settings,
    spec: &Spec,
    progress: Progress<'_>,
) -> anyhow::Result<String> {
    let store = Store::open(&init::place(folder, settings)).await?;
    let secret = store_of(&store, spec, progress).await;
    store.close().await;
    secret
}

/// Fills a store that has no machines; gives back the secret of the administrator's link.
pub async fn store_of(
    store: &Store,
    spec: &Spec,
    progress: Progress<'_>,
) -> anyhow::Result<String> {
    let there = store.view().await?.machine_counts().await?;
    ensure!(
        there.is_empty(),
        "the hospital has machines already; fill a folder of its own"
    );
    let filling = Filling {
        store,
        spec,
        places: Places::of(spec.units(), spec.machines),
        progress,
    };
    filling.places().await?;
    filling.vendors().await?;
    filling.papers().await?;
    filling.machines().await?;
    filling.inventories().await?;
    filling.assets().await?;
    filling.work().await?;
    filling.days().await?;
    filling.advisories().await?;
    filling.wards().await?;
    filling.people().await
}

fn new(ports: &Ports, postgres: Option<&str>) -> Init {
    Init {
        name: name("collector"),
        listen: ports.machines,
        addresses: vec![format!("localhost:{}", ports.machines.port())],
        database: postgres.map(str::to_owned),
        web_listen: PagePort(Some(ports.page)),
        web_address: Some(format!("https://localhost:{}", ports.page.port())),
        // To look around, a password is enough.
        second_factor: SecondFactor::Offered,
        pace_seconds: 120,
    }
}
