//! Settings: one strict TOML file. The shipped file equals the defaults.

use patchward_common::settings::{self, BadFile};
use patchward_common::time::MINUTE_MS;
use patchward_common::wire::local::{HOLD_REASONS, MAX_HOLD_MS};
use patchward_log::Form;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::path::{Path, PathBuf};

/// Where the settings are, unless said otherwise.
pub const PATH: &str = "/etc/patchward/notice.toml";
/// Most buttons: desktops show no more, and nobody reads more.
const MAX_REASONS: usize = 3;
/// Longest time between two looks: ten minutes before a start is said in time.
const MAX_LOOK_SECONDS: u64 = 60;

/// Everything that can be set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Where the installer shows how things stand.
    pub screen_file: PathBuf,
    /// The installer's socket.
    pub installer_socket: PathBuf,
    /// How long beyond the start "not now" lasts, in minutes.
    pub not_now_minutes: i64,
    /// The reasons that a notice on the desktop offers with its "not now".
    pub not_now_reasons: Vec<String>,
    /// How often it is looked what is due, in seconds.
    pub look_seconds: u64,
    /// Where the log goes, and in which form.
    pub log: Form,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            screen_file: "/run/patchward/screen".into(),
            installer_socket: "/run/patchward/installer.sock".into(),
            not_now_minutes: 120,
            not_now_reasons: ["procedure", "patient", "other"].map(str::to_owned).into(),
            look_seconds: 20,
            log: Form::Auto,
        }
    }
}

impl Settings {
    /// Reads the file at `path`; without one the defaults hold.
    ///
    /// # Errors
    /// Where it cannot be read, or says what cannot be.
    pub fn load(path: Option<&Path>) -> Result<Self, BadFile> {
        settings::load(path, PATH, |path| File::open(path), Self::check)
    }

    fn check(&self) -> Result<(), String> {
        settings::need_absolute(&[
            ("screen_file", &self.screen_file),
            ("installer_socket", &self.installer_socket),
        ])?;
        if !(1..=MAX_HOLD_MS / MINUTE_MS).contains(&self.not_now_minutes) {
            return Err("not_now_minutes: must be 1 to 720".to_owned());
        }
        if !(1..=MAX_LOOK_SECONDS).contains(&self.look_seconds) {
            return Err(format!("look_seconds: must be 1 to {MAX_LOOK_SECONDS}"));
        }
        let mut reasons = self.not_now_reasons.iter().map(String::as_str);
        if let Some(other) = reasons.find(|reason| !HOLD_REASONS.contains(reason)) {
            let known = HOLD_REASONS.join(", ");
            return Err(format!("not_now_reasons: {other:?} is none of: {known}"));
        }
        match self.not_now_reasons.len() {
            0..=MAX_REASONS => Ok(()),
            _ => Err(format!("not_now_reasons: must be at most {MAX_REASONS}")),
        }
    }

    /// How long beyond the start "not now" lasts.
    pub(crate) fn beyond_ms(&self) -> i64 {
        self.not_now_minutes * MINUTE_MS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_file_equals_the_defaults() {
        let text = include_str!("../../../configs/notice.toml");
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
        assert_eq!(
            shown.lines().count(),
            all.lines().count(),
            "every key is shown"
        );
        assert_eq!(Settings::default().check(), Ok(()));
    }

    #[test]
    fn mistakes_say_where_and_what() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notice.toml");
        for (text, says) in [
            ("scren_file = \"/x\"", "did you mean \"screen_file\"?"),
            ("screen_file = \"x\"", "must be absolute"),
            ("not_now_minutes = 721", "must be 1 to 720"),
            ("not_now_reasons = [\"Mr Smith\"]", "is none of: procedure"),
            (
                "not_now_reasons = [\"clinic\", \"rounds\", \"other\", \"patient\"]",
                "at most 3",
            ),
            ("look_seconds = 0", "must be 1 to 60"),
        ] {
            std::fs::write(&path, text).unwrap();
            let error = Settings::load(Some(&path)).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
            assert!(error.contains("notice.toml"), "{error}");
        }
        assert!(Settings::load(Some(&folder.path().join("none.toml"))).is_err());
    }
}
