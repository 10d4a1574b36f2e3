//! The collector's settings: `collector.toml` in its folder.

use patchward_common::id::Name;
use patchward_common::settings::{self, BadSettings};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

/// The settings with their defaults; `configs/collector.toml` says the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// What the roster calls this collector.
    pub name: Name,
    /// Where machines reach it: UDP, one port.
    pub listen: SocketAddr,
    /// What goes into tokens: `host:port` as machines see it.
    pub addresses: Vec<String>,
    /// A PostgreSQL URL, or nothing for SQLite in the folder.
    pub database: Option<String>,
    /// How often a machine comes, in seconds.
    pub pace_seconds: u32,
}

impl Default for Settings {
    fn default() -> Self {
        #[expect(clippy::expect_used, reason = "a constant that a test reads")]
        let name = Name::new("collector").expect("a valid name");
        Self {
            name,
            listen: SocketAddr::from(([0, 0, 0, 0], 9443)),
            addresses: Vec::new(),
            database: None,
            // Ready means heard within minutes; nudges carry what is urgent.
            pace_seconds: 120,
        }
    }
}

impl Settings {
    /// Reads the text of a `collector.toml`.
    pub fn parse(text: &str) -> Result<Self, BadSettings> {
        settings::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_file_says_the_defaults() {
        let shipped = include_str!("../../configs/collector.toml");
        assert_eq!(Settings::parse(shipped).unwrap(), Settings::default());
        // Every default stands in it, commented out where it is nothing.
        for key in ["name", "listen", "addresses", "database", "pace_seconds"] {
            assert!(
                shipped.contains(&format!("{key} =")),
                "{key} is not shipped"
            );
        }
    }

    #[test]
    fn an_unknown_key_names_the_nearest() {
        let problem = Settings::parse("listn = \"0.0.0.0:1\"").unwrap_err();
        assert!(problem.to_string().contains("did you mean \"listen\""));
    }
}
