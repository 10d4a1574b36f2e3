//! Site relays in the settings.

use super::{Settings, is_address};
use patchward_common::id::Name;
use serde::{Deserialize, Serialize};

/// Most relays: each machine is told of one.
const MAX_RELAYS: usize = 256;

/// A relay, and whose machines it is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RelaySetting {
    /// Its name, as in its certificate.
    pub name: Name,
    /// Where machines reach it, as `host:port`.
    pub address: String,
    /// For the machines of this site.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site: Option<Name>,
    /// For the machines of these units, before what is said of their site.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub units: Vec<Name>,
}

impl Settings {
    pub(super) fn check_relays(&self) -> Result<(), String> {
        if self.relays.len() > MAX_RELAYS {
            return Err(format!("relays: at most {MAX_RELAYS} are possible"));
        }
        for (at, relay) in self.relays.iter().enumerate() {
            let RelaySetting { name, address, .. } = relay;
            if !is_address(address) {
                return Err(format!(
                    "relays: \"{address}\" of {name} is no host:port, such as \
                     relay-b.hospital.example:9444"
                ));
            }
            if self.relays[..at].iter().any(|other| other.name == *name) {
                return Err(format!("relays: {name} stands twice"));
            }
            if relay.site.is_none() && relay.units.is_empty() {
                return Err(format!(
                    "relays: {name} is for nobody; write its `site` or its `units`"
                ));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relays_are_for_somebody_and_have_an_address() {
        let read = |text: &str| {
            let text = format!("addresses = [\"c:1\"]\n{text}");
            Settings::parse(text.as_bytes()).unwrap().check()
        };
        let relay = "[[relays]]\nname = \"b\"\naddress = \"b:1\"\nsite = \"north\"\n";
        assert_eq!(read(relay), Ok(()));
        for (text, says) in [
            (relay.repeat(2), "stands twice"),
            (relay.replace("site = \"north\"", ""), "for nobody"),
            (relay.replace("b:1", "b"), "host:port"),
        ] {
            let error = read(&text).unwrap_err();
            assert!(error.contains(says), "{error}");
        }
    }
}
