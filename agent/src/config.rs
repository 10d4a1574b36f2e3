//! Settings: one strict TOML file. The shipped file equals the defaults.

use crate::inventory::InventorySettings;
use patchward_common::settings::{self, BadFile};
use patchward_log::Form;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::path::{Path, PathBuf};

/// Where the settings are, unless said otherwise.
pub const PATH: &str = "/etc/patchward/agent.toml";

/// Everything that can be set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The agent's own folder.
    pub state_dir: PathBuf,
    /// The installer's socket.
    pub installer_socket: PathBuf,
    /// Collector addresses, `host:port`, in the order of trying; empty means those of the
    /// enrolment token.
    pub collectors: Vec<String>,
    /// Root-owned files that say how to learn versions and states.
    pub probes_dir: PathBuf,
    /// The user who must own them; a number.
    pub probes_owner: u32,
    /// Whether the medical devices of `devices_dir` are asked.
    pub devices: bool,
    /// Files of `probes_owner` that name the medical devices beside this machine.
    pub devices_dir: PathBuf,
    /// The program that asks devices over the network.
    pub device_probe: PathBuf,
    /// The root below which the inventory is read.
    pub root_dir: PathBuf,
    /// Where the installer keeps versioned folders, `NAME/VERSION` and `NAME/current`.
    pub trees_dir: PathBuf,
    /// Where the kernel tells the boot id.
    pub boot_id_file: PathBuf,
    /// How often probes and RPM packages are asked again, in minutes; packages of dpkg and
    /// chosen files are looked at with every report.
    pub look_minutes: u32,
    /// Most bytes a second that are downloaded; 0 means no limit.
    pub download_bytes_per_second: u64,
    /// Where the log goes, and in which form.
    pub log: Form,
    /// What of the inventory is reported.
    pub inventory: InventorySettings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            state_dir: "/var/lib/patchward-agent".into(),
            installer_socket: "/run/patchward/installer.sock".into(),
            collectors: Vec::new(),
            probes_dir: "/etc/patchward/probes.d".into(),
            probes_owner: 0,
            devices: false,
            devices_dir: "/etc/patchward/devices.d".into(),
            device_probe: "/usr/libexec/patchward/patchward-device-probe".into(),
            root_dir: "/".into(),
            trees_dir: "/opt/patchward".into(),
            boot_id_file: "/proc/sys/kernel/random/boot_id".into(),
            look_minutes: 30,
            // A third of a 100 Mbit/s line that the ward shares.
            download_bytes_per_second: 4_000_000,
            log: Form::Auto,
            inventory: InventorySettings::default(),
        }
    }
}

impl Settings {
    /// Reads the file at `path`; without one the defaults hold.
    pub fn load(path: Option<&Path>) -> Result<Self, BadFile> {
        settings::load(path, PATH, |path| File::open(path), Self::check)
    }

    fn check(&self) -> Result<(), String> {
        settings::need_absolute(&[
            ("state_dir", &self.state_dir),
            ("installer_socket", &self.installer_socket),
            ("probes_dir", &self.probes_dir),
            ("devices_dir", &self.devices_dir),
            ("device_probe", &self.device_probe),
            ("root_dir", &self.root_dir),
            ("trees_dir", &self.trees_dir),
            ("boot_id_file", &self.boot_id_file),
        ])?;
        if self.look_minutes == 0 {
            return Err("look_minutes: must be at least 1".into());
        }
        let is_address = |address: &&String| {
            let parts = address.rsplit_once(':');
            parts.is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
        };
        if let Some(bad) = self.collectors.iter().find(|a| !is_address(a)) {
            return Err(format!("collectors: {bad:?} must be host:port"));
        }
        self.inventory.check().map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_file_equals_the_defaults() {
        let text = include_str!("../../configs/agent.toml");
        // Every line of settings stands there as a comment with its default.
        let shown: String = text
            .lines()
            .filter_map(|line| line.strip_prefix("#= "))
            .flat_map(|line| [line, "\n"])
            .collect();
        let read = |text: &str| settings::parse::<Settings>(text).unwrap();
        assert_eq!(read(&shown), Settings::default());
        assert_eq!(read(text), Settings::default());
        let all = toml::to_string(&Settings::default()).unwrap();
        let keys = |text: &str| text.lines().filter(|line| line.contains('=')).count();
        assert_eq!(keys(&shown), keys(&all), "every key is shown");
    }

    #[test]
    fn mistakes_say_where_and_what() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("agent.toml");
        for (text, says) in [
            ("state_dri = \"/x\"", "did you mean \"state_dir\"?"),
            ("state_dir = \"x\"", "must be absolute"),
            ("collectors = [\"collector\"]", "must be host:port"),
            ("collectors = [\":1\"]", "must be host:port"),
            ("look_minutes = 0", "at least 1"),
            ("look_minutes = -1", "line 1"),
            ("[inventory]\nfiles = [\"etc\"]", "must be absolute"),
            ("[inventory]\nport = false", "did you mean \"ports\"?"),
        ] {
            std::fs::write(&path, text).unwrap();
            let error = Settings::load(Some(&path)).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
            assert!(error.contains("agent.toml"), "{error}");
        }
        std::fs::write(&path, b"\xff").unwrap();
        assert!(Settings::load(Some(&path)).is_err());
        assert!(Settings::load(Some(&folder.path().join("none.toml"))).is_err());
    }
}
