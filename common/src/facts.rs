//! What a machine says about itself beside its components.
//!
//! Facts change more often than components (a service restarts, a port opens), so
//! they travel apart and only when their digest differs.

use crate::codec;
use crate::component::{BadPacking, Pack, Packed};
use crate::digest::Digest;
use crate::id::BootId;
use serde::{Deserialize, Serialize};

/// Longest text of one fact, in bytes; as for a component's fields.
pub const MAX_FACT_BYTES: usize = 512;
/// Most services; a crowded server runs about 150.
pub const MAX_SERVICES: usize = 1_024;
/// Most listening ports; what opens more than this is named a gap.
pub const MAX_PORTS: usize = 1_024;
/// Most files whose digests are watched; each costs its size in reading.
pub const MAX_FILES: usize = 64;
/// Most packages left half done, and most gaps; more are counted, not named.
pub const MAX_LISTED: usize = 64;
/// Most bytes of facts once unfolded: all limits at once, with their keys.
const MAX_FACTS_BYTES: usize = 1 << 20;

/// Packed [`Facts`].
pub type PackedFacts = Packed<Facts>;

/// What a machine says about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// `ID` of os-release, such as `debian`; empty where there is none.
    #[serde(default)]
    pub os_id: String,
    /// `VERSION_ID` of os-release, such as `12`; empty on rolling releases.
    #[serde(default)]
    pub os_version: String,
    /// `PRETTY_NAME` of os-release, for people.
    #[serde(default)]
    pub os_name: String,
    /// The running kernel's release, as `uname -r` says.
    #[serde(default)]
    pub kernel: String,
    /// The machine's architecture, as `uname -m` says.
    #[serde(default)]
    pub arch: String,
    /// The host name.
    #[serde(default)]
    pub hostname: String,
    /// The kernel's boot id.
    #[serde(default)]
    pub boot_id: Option<BootId>,
    /// What the hardware's maker says, where there is DMI.
    #[serde(default)]
    pub dmi: Option<Dmi>,
    /// systemd services that have processes, sorted.
    #[serde(default)]
    pub services: Vec<String>,
    /// Ports that somebody listens on, sorted.
    #[serde(default)]
    pub ports: Vec<Port>,
    /// The files chosen in the agent's settings, in that order.
    #[serde(default)]
    pub files: Vec<FileFact>,
    /// Packages that the package manager left between two states, sorted; after a
    /// power cut, say. They are not among the components.
    #[serde(default)]
    pub unfinished: Vec<String>,
    /// What could not be read, and why. Whatever it would have said is unknown.
    #[serde(default)]
    pub gaps: Vec<String>,
}

/// The hardware, as its maker wrote it into DMI.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dmi {
    /// Who made it.
    pub vendor: String,
    /// Which model.
    pub product: String,
    /// SHA-256 of vendor, product and serial number: recognises a machine without
    /// telling its number. `None` where the agent may not read it.
    pub serial: Option<Digest>,
}

/// A transport protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transport {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

/// From where a port can be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// From the machine itself only.
    Loopback,
    /// From the network too.
    Network,
}

/// A port that somebody listens on, over IPv4, IPv6 or both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Port {
    /// TCP or UDP.
    pub transport: Transport,
    /// The port's number.
    pub port: u16,
    /// The widest reach of the sockets on it.
    pub reach: Reach,
}

/// A chosen file and what was found at its path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileFact {
    /// The path, as the settings write it.
    pub path: String,
    /// What was found.
    pub found: FileState,
}

/// What was found at the path of a chosen file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileState {
    /// A regular file with this SHA-256.
    Sha256(Digest),
    /// Nothing.
    Missing,
    /// A link, folder, pipe or device; its content is not read.
    NotRegular,
    /// More bytes than the settings allow to read.
    TooLarge,
    /// The agent may not read it.
    Unreadable,
}

/// Why facts were refused.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum BadFacts {
    /// A text longer than [`MAX_FACT_BYTES`].
    #[error("{fact}: {found} bytes, where at most {MAX_FACT_BYTES} are allowed")]
    TooLong {
        /// Which fact.
        fact: &'static str,
        /// Its length in bytes.
        found: usize,
    },
    /// A control character in a text.
    #[error("{fact}: holds a control character")]
    Control {
        /// Which fact.
        fact: &'static str,
    },
    /// A list longer than its limit.
    #[error("{fact}: {found} entries, where at most {limit} are allowed")]
    TooMany {
        /// Which fact.
        fact: &'static str,
        /// The limit.
        limit: usize,
        /// How many there were.
        found: usize,
    },
}

impl Facts {
    /// Checks every limit.
    pub fn check(&self) -> Result<(), BadFacts> {
        for (fact, limit, found) in [
            ("services", MAX_SERVICES, self.services.len()),
            ("ports", MAX_PORTS, self.ports.len()),
            ("files", MAX_FILES, self.files.len()),
            ("unfinished", MAX_LISTED, self.unfinished.len()),
            ("gaps", MAX_LISTED, self.gaps.len()),
        ] {
            if found > limit {
                return Err(BadFacts::TooMany { fact, limit, found });
            }
        }
        let single = [
            ("os_id", &self.os_id),
            ("os_version", &self.os_version),
            ("os_name", &self.os_name),
            ("kernel", &self.kernel),
            ("arch", &self.arch),
            ("hostname", &self.hostname),
        ];
        let dmi = self
            .dmi
            .iter()
            .flat_map(|dmi| [("dmi vendor", &dmi.vendor), ("dmi product", &dmi.product)]);
        let lists = [
            ("services", &self.services),
            ("unfinished", &self.unfinished),
            ("gaps", &self.gaps),
        ];
        let listed = lists
            .into_iter()
            .flat_map(|(fact, texts)| texts.iter().map(move |text| (fact, text)));
        let files = self.files.iter().map(|file| ("files", &file.path));
        let mut texts = single.into_iter().chain(dmi).chain(listed).chain(files);
        texts.try_for_each(|(fact, text)| check_text(fact, text))
    }

    /// The digest by which both sides see whether facts changed.
    pub fn digest(&self) -> Digest {
        Digest::of(&codec::encode_deterministic(self))
    }
}

fn check_text(fact: &'static str, text: &str) -> Result<(), BadFacts> {
    if text.len() > MAX_FACT_BYTES {
        return Err(BadFacts::TooLong {
            fact,
            found: text.len(),
        });
    }
    if text.chars().any(char::is_control) {
        return Err(BadFacts::Control { fact });
    }
    Ok(())
}

/// A text made fit for a fact: control characters become spaces, and what is longer
/// than [`MAX_FACT_BYTES`] is cut at a character.
pub fn fit(text: &str) -> String {
    let mut fitting = String::new();
    for c in text.trim().chars() {
        let c = if c.is_control() { ' ' } else { c };
        if fitting.len() + c.len_utf8() > MAX_FACT_BYTES {
            break;
        }
        fitting.push(c);
    }
    fitting
}

impl Pack for Facts {
    fn to_plain(&self) -> Vec<u8> {
        codec::encode(self)
    }

    fn from_plain(plain: &[u8]) -> Result<Self, BadPacking> {
        let facts: Self = codec::decode(plain, MAX_FACTS_BYTES)
            .map_err(|error| BadPacking::Content(error.to_string()))?;
        facts
            .check()
            .map_err(|error| BadPacking::Content(error.to_string()))?;
        Ok(facts)
    }
}

/// `ID-VERSION_ID` of a file os-release, as releases name operating systems; `ID` alone on
/// rolling ones.
pub fn os_name(os_release: &str) -> Option<String> {
    let value = |key: &str| {
        let mut lines = os_release.lines();
        let line = lines.find_map(|line| line.strip_prefix(key)?.strip_prefix('='))?;
        Some(line.trim().trim_matches(['"', '\'']).to_owned())
    };
    Some(match value("VERSION_ID") {
        Some(version) => format!("{}-{version}", value("ID")?),
        None => value("ID")?,
    })
}

/// The number of a user or group, as the text of `/etc/passwd` or `/etc/group` has it.
pub fn id_in(name: &str, table: &str) -> Option<u32> {
    let mut rows = table.lines().map(|line| line.split(':'));
    let mut row = rows.find(|row| row.clone().next() == Some(name))?;
    row.nth(2)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_users_stand_in_the_table() {
        let table = "root:x:0:0::/root:/bin/sh\nodd\nward:x:x\nnurse:x:1000:1000::/:/bin/sh\n";
        assert_eq!(id_in("nurse", table), Some(1000));
        for other in ["nur", "odd", "ward", ""] {
            assert_eq!(id_in(other, table), None, "{other:?}");
        }
    }

    fn facts() -> Facts {
        Facts {
            os_id: "debian".into(),
            os_version: "12".into(),
            boot_id: Some(BootId([7; 16])),
            dmi: Some(Dmi {
                vendor: "Dell Inc.".into(),
                product: "OptiPlex".into(),
                serial: Some(Digest([1; 32])),
            }),
            services: vec!["ssh.service".into()],
            ports: vec![Port {
                transport: Transport::Tcp,
                port: 22,
                reach: Reach::Network,
            }],
            files: vec![
                FileFact {
                    path: "/etc/passwd".into(),
                    found: FileState::Sha256(Digest([2; 32])),
                },
                FileFact {
                    path: "/nothing".into(),
                    found: FileState::Missing,
                },
            ],
            ..Facts::default()
        }
    }

    #[test]
    fn facts_survive_packing() {
        assert_eq!(PackedFacts::of(&facts()).unpack(), Ok(facts()));
        assert_eq!(facts().digest(), facts().digest());
        assert_ne!(facts().digest(), Facts::default().digest());
    }

    #[test]
    fn keys_of_a_newer_agent_are_ignored() {
        let newer = codec::encode(&std::collections::BTreeMap::from([("battery", 90)]));
        assert_eq!(Facts::from_plain(&newer), Ok(Facts::default()));
    }

    #[test]
    fn limits_hold_on_both_sides() {
        let long = "x".repeat(MAX_FACT_BYTES + 1);
        let with = |change: &dyn Fn(&mut Facts)| {
            let mut facts = facts();
            change(&mut facts);
            assert!(matches!(
                PackedFacts::of(&facts).unpack(),
                Err(BadPacking::Content(_))
            ));
            facts.check().unwrap_err()
        };
        assert_eq!(
            with(&|f| f.hostname = long.clone()),
            BadFacts::TooLong {
                fact: "hostname",
                found: 513
            }
        );
        assert_eq!(
            with(&|f| f.services = vec!["a\u{1b}[2J".into()]),
            BadFacts::Control { fact: "services" }
        );
        assert_eq!(
            with(&|f| f.gaps = vec![String::new(); 65]),
            BadFacts::TooMany {
                fact: "gaps",
                limit: 64,
                found: 65
            }
        );
        assert_eq!(fit("  a\tb\u{1b}c\n"), "a b c");
        assert_eq!(fit(&"ü".repeat(400)).len(), MAX_FACT_BYTES);
    }
}
