//! Gathering what a machine's doctor looks at, apart from the network.

mod packages;

use crate::config::Settings;
use crate::credentials::Credentials;
use crate::installer::{Installer, InstallerError};
use crate::inventory::BadDatabase;
use crate::{probe, root};
use patchward_common::id::BootId;
use patchward_common::time::UtcMs;
use patchward_common::trust::check::Interlock;
use patchward_common::wire::local::{Answer, Identity, Request};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

const MEGABYTE: u64 = 1_000_000;
/// Largest file of the installer's settings that is read.
const MAX_SETTINGS_BYTES: usize = 64 * 1024;
/// The units without which a machine does nothing.
const UNITS: [&str; 4] = [
    "patchward-agent.service",
    "patchward-installer.socket",
    "patchward-installer.service",
    "patchward-installer-resume.service",
];
/// Where units lie, in the order of systemd.
const UNIT_FOLDERS: [&str; 3] = [
    "etc/systemd/system",
    "usr/lib/systemd/system",
    "lib/systemd/system",
];

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// What is wrong with the installer's settings.
    pub(super) installer_settings: Option<String>,
    /// What the installer says, where it refuses everything.
    pub(super) installer_refuses: Option<String>,
    /// Why its interlock cannot tell.
    pub(super) interlock_unknown: Option<String>,
    /// The hospital root that the agent was enrolled for, and the installer's pin.
    pub(super) noted_root: Option<String>,
    pub(super) pinned_root: Option<String>,
    /// The machine that the agent's certificate is of, and the one that the installer is.
    pub(super) enrolled_as: Option<String>,
    pub(super) pinned_as: Option<String>,
    /// Why this boot cannot be told from another.
    pub(super) no_boot: Option<String>,
    /// Packages that dpkg left between two states, or why its database cannot be read; `None`
    /// where there is none.
    pub(super) packages: Option<Result<Vec<String>, BadDatabase>>,
    /// Whether somebody installs packages right now.
    pub(super) is_installing: bool,
    /// Files with secrets, and the bits of who may do what with them.
    pub(super) secrets: Vec<(String, u32)>,
    /// Files of another user than the agent's folder.
    pub(super) foreign: Vec<String>,
    /// How many megabytes are free, and where.
    pub(super) free_megabytes: Option<(String, u64)>,
    /// How many must be.
    pub(super) least_free_megabytes: u64,
    /// Folders that only root may write: path, bits, and whether they are of the right owner.
    pub(super) open_folders: Vec<(String, u32, bool)>,
    /// Probes that are not used, and why.
    pub(super) probes_refused: Vec<String>,
    /// Units that are missing.
    pub(super) units_missing: Vec<String>,
    /// The certificate's end.
    pub(super) certificate_expires: Option<UtcMs>,
}

/// Gathers all of it. `identity` is what the installer said; `file` are its settings.
pub(super) async fn gather(
    settings: &Settings,
    installer: &Installer,
    identity: &Result<Identity, InstallerError>,
    file: &Path,
) -> Facts {
    let of_installer = of_installer(file);
    let credentials = Credentials::load(&settings.state_dir).ok();
    let (packages, is_installing) = packages::look(&settings.root_dir);
    let mut facts = Facts {
        installer_settings: of_installer.as_ref().err().cloned(),
        installer_refuses: match identity {
            Err(InstallerError::Refused(why)) => Some(why.clone()),
            _ => None,
        },
        noted_root: root::load(&settings.state_dir).map(|root| root.to_string()),
        pinned_root: match identity {
            Ok(identity) => identity.root.map(|root| root.to_string()),
            Err(_) => None,
        },
        enrolled_as: credentials.as_ref().map(|own| own.machine.to_string()),
        pinned_as: match identity {
            Ok(identity) => Some(identity.machine.to_string()),
            Err(_) => None,
        },
        no_boot: no_boot(&settings.boot_id_file),
        packages,
        is_installing,
        certificate_expires: credentials.map(|own| own.expires),
        free_megabytes: free(&settings.state_dir),
        ..Facts::default()
    };
    if identity.is_ok()
        && let Ok(Answer::Status(status)) = installer.ask(&Request::Status).await
        && let Interlock::Unknown(why) = status.interlock
    {
        facts.interlock_unknown = Some(why);
    }
    own_files(settings, &mut facts);
    let loaded = probe::load(&settings.probes_dir, settings.probes_owner);
    facts.probes_refused = loaded.refused.iter().map(ToString::to_string).collect();
    if let Ok(Some(of_installer)) = of_installer {
        folder(&of_installer.recipes_dir, settings.probes_owner, &mut facts);
        if of_installer.by_systemd {
            facts.units_missing = units(&settings.root_dir);
        }
    }
    facts
}

/// What of the installer's settings a doctor has to know.
struct OfInstaller {
    recipes_dir: PathBuf,
    by_systemd: bool,
}

/// Reads them; `None` where there are none, as on a machine without the package, or where they are
/// not ours to read. What is wrong with single ones the installer itself says.
fn of_installer(file: &Path) -> Result<Option<OfInstaller>, String> {
    let bad = |problem: String| format!("{}: {problem}", file.display());
    let Ok(Some(bytes)) = crate::state::read(file, MAX_SETTINGS_BYTES) else {
        return Ok(None);
    };
    let text = String::from_utf8(bytes).map_err(|error| bad(error.to_string()))?;
    let table: toml::Table = text
        .parse()
        .map_err(|error: toml::de::Error| bad(error.message().to_owned()))?;
    let text = |key: &str, usual: &str| {
        let found = table.get(key).and_then(toml::Value::as_str);
        found.unwrap_or(usual).to_owned()
    };
    Ok(Some(OfInstaller {
        recipes_dir: text("recipes_dir", "/etc/patchward/recipes.d").into(),
        by_systemd: text("runner", "systemd") == "systemd",
    }))
}

/// Why this boot cannot be told from another.
fn no_boot(file: &Path) -> Option<String> {
    let shown = file.display();
    match std::fs::read_to_string(file) {
        Err(error) => Some(format!("{shown}: {error}")),
        Ok(text) if BootId::from_kernel(&text).is_none() => Some(format!("{shown} has no boot id")),
        Ok(_) => None,
    }
}

fn own_files(settings: &Settings, facts: &mut Facts) {
    let Ok(own) = settings.state_dir.metadata() else {
        return;
    };
    let entries = std::fs::read_dir(&settings.state_dir);
    for entry in entries.into_iter().flatten().flatten() {
        let path = entry.path();
        let Ok(found) = path.symlink_metadata() else {
            continue;
        };
        let shown = path.display().to_string();
        if found.uid() != own.uid() {
            facts.foreign.push(shown.clone());
        }
        if entry.file_name() == crate::credentials::FILE {
            facts.secrets.push((shown, found.mode() & 0o777));
        }
    }
}

fn folder(path: &Path, owner: u32, facts: &mut Facts) {
    if let Ok(found) = path.metadata() {
        let shown = path.display().to_string();
        let bits = found.mode() & 0o777;
        facts.open_folders.push((shown, bits, found.uid() == owner));
    }
}

/// The units that systemd does not have, where it runs here.
fn units(root: &Path) -> Vec<String> {
    if !root.join("run/systemd/system").exists() {
        return Vec::new();
    }
    let is_there = |unit: &&&str| {
        let mut places = UNIT_FOLDERS.iter().map(|folder| root.join(folder));
        places.any(|folder| folder.join(unit).exists())
    };
    let missing = UNITS.iter().filter(|unit| !is_there(unit));
    missing.map(|unit| (*unit).to_owned()).collect()
}

fn free(path: &Path) -> Option<(String, u64)> {
    let disk = rustix::fs::statvfs(path).ok()?;
    let bytes = disk.f_bavail.saturating_mul(disk.f_frsize);
    Some((path.display().to_string(), bytes / MEGABYTE))
}
