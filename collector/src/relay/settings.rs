//! `relay.toml`.

use crate::config::is_address;
use crate::control::Failure;
use patchward_common::settings;
use patchward_log::Form;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::path::Path;

/// Bytes in a megabyte, as disks are sold.
pub(super) const MEGABYTE: u64 = 1_000_000;

/// The settings with their defaults; `configs/relay.toml` says the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RelaySettings {
    /// Where machines reach it: UDP, one port.
    pub listen: SocketAddr,
    /// The collectors, as `host:port`, in the order of trying.
    pub collectors: Vec<String>,
    /// How much of the disk artifacts may take, in megabytes; those that were not asked for
    /// longest make room.
    pub most_megabytes: u64,
    /// Where the log goes, and in which form.
    pub log: Form,
}

impl Default for RelaySettings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([0, 0, 0, 0], 9444)),
            collectors: Vec::new(),
            // A few dozen releases.
            most_megabytes: 50_000,
            log: Form::Auto,
        }
    }
}

impl RelaySettings {
    /// Reads them.
    ///
    /// # Errors
    /// Where there are none, or a relay cannot run with them; the message says what to do.
    pub fn load(path: &Path) -> Result<Self, Failure> {
        let named = |problem: String| Failure::input(format!("{}: {problem}", path.display()));
        let read = std::fs::File::open(path).and_then(settings::read);
        let bytes =
            read.map_err(|error| named(format!("{error}; docs/relay.md says what stands in it")))?;
        let settings: Self =
            settings::parse_bytes(&bytes).map_err(|error| named(error.to_string()))?;
        settings.check().map_err(named)?;
        Ok(settings)
    }

    fn check(&self) -> Result<(), String> {
        if self.collectors.is_empty() {
            return Err("collectors is empty; write where the collector is, as host:port".into());
        }
        match self.collectors.iter().find(|text| !is_address(text)) {
            Some(bad) => Err(format!("collectors: \"{bad}\" is no host:port")),
            None if self.most_megabytes == 0 => Err("most_megabytes is 0; nothing fits".into()),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_file_says_the_defaults_and_mistakes_are_named() {
        let shipped = include_str!("../../../configs/relay.toml");
        let read: RelaySettings = settings::parse_bytes(shipped.as_bytes()).unwrap();
        assert_eq!(read, RelaySettings::default());
        for key in ["listen", "collectors", "most_megabytes", "log"] {
            assert!(shipped.contains(&format!("{key} =")), "{key}");
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("relay.toml");
        let said = |text: &str| {
            std::fs::write(&path, text).unwrap();
            RelaySettings::load(&path).map_err(|failure| failure.text)
        };
        assert!(said("collectors = [\"c:1\"]").is_ok());
        for (text, says) in [
            ("", "collectors is empty"),
            ("collectors = [\"c\"]", "host:port"),
            ("collectors = [\"c:1\"]\nmost_megabytes = 0", "nothing fits"),
            ("lisen = \"0.0.0.0:1\"", "did you mean"),
        ] {
            let error = said(text).unwrap_err();
            assert!(error.contains(says), "{error}");
        }
    }
}
