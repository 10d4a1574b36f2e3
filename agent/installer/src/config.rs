//! Settings: one strict TOML file. The shipped file equals the defaults.

use patchward_common::facts;
use patchward_common::notice::Call;
use patchward_common::settings::{self, BadFile};
use patchward_log::Form;
use patchward_steps::runner::RunnerKind;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::path::{Path, PathBuf};

/// Where the settings are, unless said otherwise.
pub const PATH: &str = "/etc/patchward/installer.toml";

/// Everything that can be set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The file that was named on the command line, if one was; no setting of its own.
    #[serde(skip)]
    pub file: Option<PathBuf>,
    /// The installer's own folder; only root enters it.
    pub state_dir: PathBuf,
    /// Where the agent puts `metadata/REPOSITORY/FILE` and `artifacts/SHA256`.
    pub agent_dir: PathBuf,
    /// The socket that agent and commands speak to.
    pub socket: PathBuf,
    /// The user whose agent may ask; a name or a number.
    pub agent_user: String,
    /// Members may hold and hand over at the machine; a name or a number.
    pub ward_group: String,
    /// What runs the steps.
    pub runner: RunnerKind,
    /// Probes of this machine.
    pub probes_dir: PathBuf,
    /// Recipes of this machine.
    pub recipes_dir: PathBuf,
    /// The user as whom probes run; a name or a number.
    pub probe_user: String,
    /// Below it lie versioned folders, `NAME/VERSION` and `NAME/current`.
    pub trees_dir: PathBuf,
    /// The root in which packages are installed.
    pub packages_root: PathBuf,
    /// More words for every call of dpkg.
    pub dpkg_options: Vec<String>,
    /// More words for every call of rpm.
    pub rpm_options: Vec<String>,
    /// How a service is restarted; `{service}` stands for its name.
    pub restart_argv: Vec<String>,
    /// How the machine is restarted.
    pub reboot_argv: Vec<String>,
    /// How long checks may take to pass after an install, and again after the way back.
    pub check_patience_seconds: i64,
    /// Where the kernel tells the boot id.
    pub boot_id_file: PathBuf,
    /// Where the system's name and version stand.
    pub os_release_file: PathBuf,
    /// What people at the machine see; everybody there may read it.
    pub screen_file: PathBuf,
    /// While it is there, new logins but root's are refused with its text.
    pub nologin_file: PathBuf,
    /// Whom people at the machine call: one line, or nothing.
    pub call: Call,
    /// Where the log goes, and in which form.
    pub log: Form,
}

impl Default for Settings {
    fn default() -> Self {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        Self {
            file: None,
            state_dir: "/var/lib/patchward-installer".into(),
            agent_dir: "/var/lib/patchward-agent".into(),
            socket: "/run/patchward/installer.sock".into(),
            agent_user: "patchward".into(),
            ward_group: "patchward-ward".into(),
            runner: RunnerKind::Systemd,
            probes_dir: "/etc/patchward/probes.d".into(),
            recipes_dir: "/etc/patchward/recipes.d".into(),
            probe_user: "nobody".into(),
            trees_dir: "/opt/patchward".into(),
            packages_root: "/".into(),
            dpkg_options: Vec::new(),
            rpm_options: Vec::new(),
            restart_argv: words(&["systemctl", "restart", "{service}"]),
            reboot_argv: words(&["systemctl", "reboot"]),
            check_patience_seconds: 60,
            boot_id_file: "/proc/sys/kernel/random/boot_id".into(),
            os_release_file: "/etc/os-release".into(),
            screen_file: "/run/patchward/screen".into(),
            nologin_file: "/run/nologin".into(),
            call: Call::default(),
            log: Form::Auto,
        }
    }
}

impl Settings {
    /// Reads the file at `path`; without one the defaults hold.
    pub fn load(path: Option<&Path>) -> Result<Self, BadFile> {
        let settings = settings::load(path, PATH, |path| File::open(path), Self::check)?;
        Ok(Self {
            file: path.map(Path::to_owned),
            ..settings
        })
    }

    fn check(&self) -> Result<(), String> {
        settings::need_absolute(&[
            ("state_dir", &self.state_dir),
            ("agent_dir", &self.agent_dir),
            ("socket", &self.socket),
            ("probes_dir", &self.probes_dir),
            ("recipes_dir", &self.recipes_dir),
            ("trees_dir", &self.trees_dir),
            ("packages_root", &self.packages_root),
            ("boot_id_file", &self.boot_id_file),
            ("os_release_file", &self.os_release_file),
            ("screen_file", &self.screen_file),
            ("nologin_file", &self.nologin_file),
        ])?;
        if self.restart_argv.is_empty() || self.reboot_argv.is_empty() {
            return Err("restart_argv and reboot_argv must name a program".to_owned());
        }
        Ok(())
    }
}

/// The number of a user or group: itself, or what `table` (`/etc/passwd`,
/// `/etc/group`) says of the name.
pub fn id_of(name: &str, table: &Path) -> Option<u32> {
    if let Ok(id) = name.parse() {
        return Some(id);
    }
    facts::id_in(name, &std::fs::read_to_string(table).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_file_equals_the_defaults() {
        let text = include_str!("../../../configs/installer.toml");
        // Every line of settings stands there as a comment with its default.
        let shown: String = text
            .lines()
            .filter_map(|line| line.strip_prefix("#= "))
            .flat_map(|line| [line, "\n"])
            .collect();
        assert_eq!(
            settings::parse::<Settings>(&shown).unwrap(),
            Settings::default()
        );
        assert_eq!(
            settings::parse::<Settings>(text).unwrap(),
            Settings::default()
        );
        let keys = toml::to_string(&Settings::default())
            .unwrap()
            .lines()
            .count();
        assert_eq!(shown.lines().count(), keys, "every key is shown");
    }

    #[test]
    fn mistakes_say_where_and_what() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("installer.toml");
        for (text, says) in [
            ("state_dri = \"/x\"", "did you mean \"state_dir\"?"),
            ("state_dir = \"x\"", "must be absolute"),
            ("reboot_argv = []", "must name a program"),
            ("runner = \"docker\"", "unknown variant"),
            ("call = \"\\u001b[2J\"", "control characters"),
        ] {
            std::fs::write(&path, text).unwrap();
            let error = Settings::load(Some(&path)).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
            assert!(error.contains("installer.toml"), "{error}");
        }
        let missing = folder.path().join("none.toml");
        assert!(Settings::load(Some(&missing)).is_err());
    }

    #[test]
    fn users_are_found_by_name_and_number() {
        let table = Path::new("/etc/passwd");
        assert_eq!(id_of("root", table), Some(0));
        assert_eq!(id_of("4711", table), Some(4711));
        assert_eq!(id_of("no-such-user", table), None);
    }
}
