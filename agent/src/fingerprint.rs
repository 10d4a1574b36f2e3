//! The facts by which a copy of this machine is told from the machine: what stays when
//! the disk is moved into other hardware.

mod permanent;

use patchward_common::digest::Digest;
use patchward_common::facts::Facts;
use std::collections::BTreeMap;
use std::path::Path;

/// The kernel's `NET_ADDR_PERM`: the address is the one that the card was made with.
const PERMANENT: &str = "0";

/// Digest of the hardware's maker and model, and of the permanent addresses of built-in
/// cards for cables. Everything that root and the agent's user do not read alike is left
/// out (the serial number is root's alone): `enroll` and `run` have to agree. So is what
/// comes, goes or changes by itself: USB and virtual cards, radios with their random
/// addresses. A container has none of it and is told by its boots alone.
pub fn fingerprint(root: &Path, facts: &Facts) -> Digest {
    // The kernel answers for this computer, not for a root of a test's own.
    let known = match root == Path::new("/") {
        true => permanent::addresses().unwrap_or_default(),
        false => BTreeMap::new(),
    };
    let mut parts: Vec<Vec<u8>> = Vec::new();
    if let Some(dmi) = &facts.dmi {
        parts.push(dmi.vendor.clone().into_bytes());
        parts.push(dmi.product.clone().into_bytes());
    }
    parts.extend(addresses(root, &known).into_iter().map(String::into_bytes));
    let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
    Digest::of_parts(&parts)
}

fn addresses(root: &Path, known: &BTreeMap<String, String>) -> Vec<String> {
    let Ok(cards) = std::fs::read_dir(root.join("sys/class/net")) else {
        return Vec::new();
    };
    let address = |card: std::fs::DirEntry| {
        let path = card.path();
        let bus = std::fs::canonicalize(path.join("device/subsystem")).ok()?;
        let is_radio = path.join("wireless").exists() || path.join("phy80211").exists();
        if bus.file_name()? == "usb" || is_radio {
            return None;
        }
        if let Some(permanent) = known.get(card.file_name().to_str()?) {
            return Some(permanent.clone());
        }
        // Without the kernel's word the present address counts, unless somebody set it.
        let text = |name: &str| std::fs::read_to_string(path.join(name)).ok();
        let is_own = text("addr_assign_type").is_none_or(|kind| kind.trim() == PERMANENT);
        let address = text("address").filter(|_| is_own)?;
        Some(address.trim().to_owned())
    };
    let mut found: Vec<String> = cards.flatten().filter_map(address).collect();
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use patchward_common::facts::Dmi;
    use std::os::unix::fs::symlink;

    struct Cards(tempfile::TempDir);

    impl Cards {
        fn card(&self, name: &str, bus: Option<&str>, address: &str) {
            let path = self.0.path().join("sys/class/net").join(name);
            std::fs::create_dir_all(path.join("device")).unwrap();
            self.says(name, "address", address);
            if let Some(bus) = bus {
                let bus = self.0.path().join("sys/bus").join(bus);
                std::fs::create_dir_all(&bus).unwrap();
                symlink(bus, path.join("device/subsystem")).unwrap();
            }
        }

        fn says(&self, name: &str, file: &str, text: &str) {
            let path = self.0.path().join("sys/class/net").join(name);
            std::fs::write(path.join(file), format!("{text}\n")).unwrap();
        }
    }

    #[test]
    fn only_built_in_hardware_counts() {
        let cards = Cards(tempfile::tempdir().unwrap());
        let root = cards.0.path();
        let mut facts = Facts::default();
        let first = fingerprint(root, &facts);
        cards.card("veth0", None, "02:00:00:00:00:01");
        cards.card("usb0", Some("usb"), "02:00:00:00:00:02");
        cards.card("wlan0", Some("pci"), "02:00:00:00:00:04");
        std::fs::create_dir(root.join("sys/class/net/wlan0/wireless")).unwrap();
        assert_eq!(fingerprint(root, &facts), first);
        cards.card("eth0", Some("pci"), "02:00:00:00:00:03");
        let second = fingerprint(root, &facts);
        assert_ne!(second, first);
        facts.hostname = "renamed".into();
        assert_eq!(fingerprint(root, &facts), second);
        facts.dmi = Some(Dmi::default());
        assert_ne!(fingerprint(root, &facts), second);
    }

    /// `enroll` runs as root and `run` does not: only root reads the serial number.
    #[test]
    fn root_and_the_agents_user_see_the_same() {
        let root = tempfile::tempdir().unwrap();
        let mut facts = Facts {
            dmi: Some(Dmi {
                vendor: "Dell Inc.".into(),
                product: "OptiPlex 7090".into(),
                serial: None,
            }),
            ..Facts::default()
        };
        let as_user = fingerprint(root.path(), &facts);
        if let Some(dmi) = &mut facts.dmi {
            dmi.serial = Some(Digest([7; 32]));
        }
        assert_eq!(fingerprint(root.path(), &facts), as_user);
    }

    /// A bond gives its cards one address, a network manager a random one.
    #[test]
    fn an_address_that_was_set_does_not_count() {
        let cards = Cards(tempfile::tempdir().unwrap());
        let root = cards.0.path();
        cards.card("eth0", Some("pci"), "02:00:00:00:00:01");
        cards.says("eth0", "addr_assign_type", PERMANENT);
        let own = BTreeMap::from([("eth0".to_owned(), "02:00:00:00:00:01".to_owned())]);
        assert_eq!(addresses(root, &BTreeMap::new()), ["02:00:00:00:00:01"]);
        cards.says("eth0", "address", "02:00:00:00:00:99");
        cards.says("eth0", "addr_assign_type", "3");
        assert!(addresses(root, &BTreeMap::new()).is_empty());
        assert_eq!(addresses(root, &own), ["02:00:00:00:00:01"]);
    }
}
