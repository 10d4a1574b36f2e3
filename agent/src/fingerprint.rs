//! The facts by which a copy of this machine is told from the machine: what stays when
//! the disk is moved into other hardware.

use patchward_common::digest::Digest;
use patchward_common::facts::Facts;
use std::path::Path;

/// Digest of the hardware's maker, model and serial number as far as they may be read,
/// and of the addresses of built-in network cards. Cards that come and go (USB) and
/// virtual ones are left out; a container has none and is told by its boots alone.
pub fn fingerprint(root: &Path, facts: &Facts) -> Digest {
    let mut parts: Vec<Vec<u8>> = Vec::new();
    if let Some(dmi) = &facts.dmi {
        parts.push(dmi.vendor.clone().into_bytes());
        parts.push(dmi.product.clone().into_bytes());
        parts.extend(dmi.serial.map(|serial| serial.0.to_vec()));
    }
    parts.extend(addresses(root).into_iter().map(String::into_bytes));
    let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
    Digest::of_parts(&parts)
}

fn addresses(root: &Path) -> Vec<String> {
    let Ok(cards) = std::fs::read_dir(root.join("sys/class/net")) else {
        return Vec::new();
    };
    let address = |card: std::fs::DirEntry| {
        let path = card.path();
        let bus = std::fs::canonicalize(path.join("device/subsystem")).ok()?;
        if bus.file_name()? == "usb" {
            return None;
        }
        std::fs::read_to_string(path.join("address")).ok()
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

    #[test]
    fn only_built_in_hardware_counts() {
        let root = tempfile::tempdir().unwrap();
        let net = root.path().join("sys/class/net");
        let card = |name: &str, bus: Option<&str>, address: &str| {
            let path = net.join(name);
            std::fs::create_dir_all(path.join("device")).unwrap();
            std::fs::write(path.join("address"), address).unwrap();
            if let Some(bus) = bus {
                let bus = root.path().join("sys/bus").join(bus);
                std::fs::create_dir_all(&bus).unwrap();
                symlink(bus, path.join("device/subsystem")).unwrap();
            }
        };
        let mut facts = Facts::default();
        let first = fingerprint(root.path(), &facts);
        card("veth0", None, "02:00:00:00:00:01");
        card("usb0", Some("usb"), "02:00:00:00:00:02");
        assert_eq!(fingerprint(root.path(), &facts), first);
        card("eth0", Some("pci"), "02:00:00:00:00:03");
        let second = fingerprint(root.path(), &facts);
        assert_ne!(second, first);
        facts.hostname = "renamed".into();
        assert_eq!(fingerprint(root.path(), &facts), second);
        facts.dmi = Some(Dmi::default());
        assert_ne!(fingerprint(root.path(), &facts), second);
    }
}
