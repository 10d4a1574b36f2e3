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

/// Longest pace in seconds: a machine counts as ready for ten minutes after it was heard,
/// and one lost hello must not end that.
pub const MAX_PACE_SECONDS: u32 = 5 * 60;

/// Whether a text is `host:port` as machines can use it; an IPv6 address stands in
/// brackets.
pub fn is_address(text: &str) -> bool {
    let Some((host, port)) = text.rsplit_once(':') else {
        return false;
    };
    let is_port = port.parse::<u16>().is_ok_and(|port| port > 0);
    let is_host = match host.strip_prefix('[') {
        Some(rest) => rest
            .strip_suffix(']')
            .is_some_and(|address| address.parse::<std::net::Ipv6Addr>().is_ok()),
        None => {
            !host.is_empty()
                && !host.contains([':', '/', ']'])
                && !host.contains(char::is_whitespace)
        }
    };
    is_port && is_host
}

impl Settings {
    /// What keeps a collector from serving with these settings, and what to do.
    pub fn check(&self) -> Result<(), String> {
        if self.addresses.is_empty() {
            return Err(
                "addresses is empty, so no machine could find the collector; \
                        write what machines see, such as [\"patchward.hospital.example:9443\"]"
                    .into(),
            );
        }
        if let Some(bad) = self.addresses.iter().find(|text| !is_address(text)) {
            return Err(format!(
                "addresses: \"{bad}\" is no host:port, such as patchward.hospital.example:9443"
            ));
        }
        if !(1..=MAX_PACE_SECONDS).contains(&self.pace_seconds) {
            return Err(format!(
                "pace_seconds is {}; 1 to {MAX_PACE_SECONDS} are possible",
                self.pace_seconds
            ));
        }
        Ok(())
    }

    /// Reads the bytes of a `collector.toml`.
    pub fn parse(bytes: &[u8]) -> Result<Self, BadSettings> {
        settings::parse_bytes(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_file_says_the_defaults() {
        let shipped = include_str!("../../configs/collector.toml");
        assert_eq!(
            Settings::parse(shipped.as_bytes()).unwrap(),
            Settings::default()
        );
        // Every default stands in it, commented out where it is nothing.
        for key in ["name", "listen", "addresses", "database", "pace_seconds"] {
            assert!(
                shipped.contains(&format!("{key} =")),
                "{key} is not shipped"
            );
        }
    }

    #[test]
    fn addresses_and_pace_must_make_sense() {
        for good in ["c.example:9443", "10.0.0.1:1", "[::1]:9443"] {
            assert!(is_address(good), "{good}");
        }
        for bad in [
            "c.example",
            "c.example:",
            "c:0",
            "c:70000",
            ":1",
            "::1:9",
            "[x]:1",
            "a b:1",
        ] {
            assert!(!is_address(bad), "{bad}");
        }
        let good = Settings {
            addresses: vec!["c:1".into()],
            ..Settings::default()
        };
        assert_eq!(good.check(), Ok(()));
        for (change, text) in [
            ((|s| s.addresses.clear()) as fn(&mut Settings), "is empty"),
            (|s| s.addresses.push("c".into()), "host:port"),
            (|s| s.pace_seconds = 0, "pace_seconds"),
            (|s| s.pace_seconds = MAX_PACE_SECONDS + 1, "pace_seconds"),
        ] {
            let mut settings = good.clone();
            change(&mut settings);
            assert!(settings.check().unwrap_err().contains(text), "{text}");
        }
    }

    #[test]
    fn an_unknown_key_names_the_nearest() {
        let problem = Settings::parse(b"listn = \"0.0.0.0:1\"").unwrap_err();
        assert!(problem.to_string().contains("did you mean \"listen\""));
    }
}
