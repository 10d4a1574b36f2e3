//! Which machine an asset may be. A person confirms: two lists that agree on a number can
//! be wrong together.

use patchward_common::digest::Digest;
use patchward_common::id::{Label, MachineId};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// A machine that is no asset yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The machine.
    pub id: MachineId,
    /// What people call it.
    pub name: String,
    /// Its host name; empty where it is not known.
    pub host: String,
    /// Maker and product as its firmware says.
    pub make: Option<(String, String)>,
    /// The digest of maker, product and serial number: machines do not tell the number.
    pub serial: Option<Digest>,
}

/// An asset that is no machine yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open {
    /// Its tag.
    pub tag: Label,
    /// Its serial number.
    pub serial: String,
}

/// An asset and a machine that may be one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    /// The asset.
    pub tag: Label,
    /// The machine.
    pub machine: MachineId,
    /// Its name.
    pub name: String,
    /// What speaks for it.
    pub why: String,
}

/// Every pair that something speaks for, by tag. The digest of each serial number is made
/// with every make that occurs: a hospital has some hundred.
pub fn suggest<'a>(assets: &[Open], machines: &'a [Candidate]) -> Vec<Suggestion> {
    let mut by_serial: HashMap<Digest, &'a Candidate> = HashMap::new();
    let mut by_name: BTreeMap<String, Vec<&'a Candidate>> = BTreeMap::new();
    let mut makes = BTreeSet::new();
    for machine in machines {
        if let (Some(make), Some(serial)) = (&machine.make, machine.serial) {
            makes.insert(make);
            by_serial.insert(serial, machine);
        }
        let names: BTreeSet<String> = [&machine.name, &machine.host]
            .into_iter()
            .filter(|name| !name.is_empty())
            .map(|name| name.to_lowercase())
            .collect();
        for name in names {
            by_name.entry(name).or_default().push(machine);
        }
    }
    let mut found = Vec::new();
    for asset in assets {
        let mut reasons: BTreeMap<MachineId, (&'a Candidate, Vec<&str>)> = BTreeMap::new();
        let mut speaks = |machine: &'a Candidate, why| {
            let entry = reasons.entry(machine.id);
            entry.or_insert((machine, Vec::new())).1.push(why);
        };
        for (vendor, product) in &makes {
            let digest = |serial: &str| {
                Digest::of_parts(&[vendor.as_bytes(), product.as_bytes(), serial.as_bytes()])
            };
            let written = [asset.serial.clone(), asset.serial.to_uppercase()];
            let machine = written.iter().find_map(|one| by_serial.get(&digest(one)));
            if let Some(machine) = machine.filter(|_| !asset.serial.is_empty()) {
                speaks(machine, "the same serial number");
            }
        }
        let tag = asset.tag.as_str().to_lowercase();
        for machine in by_name.get(&tag).into_iter().flatten() {
            speaks(machine, "its name is the asset's tag");
        }
        found.extend(reasons.into_values().map(|(machine, why)| Suggestion {
            tag: asset.tag.clone(),
            machine: machine.id,
            name: machine.name.clone(),
            why: why.join(", "),
        }));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(number: u8, host: &str, serial: &str) -> Candidate {
        let parts: [&[u8]; 3] = [b"Acme", b"Box 9", serial.as_bytes()];
        Candidate {
            id: MachineId([number; 32]),
            name: format!("pc-{number}"),
            host: host.to_owned(),
            make: Some(("Acme".into(), "Box 9".into())),
            serial: (!serial.is_empty()).then(|| Digest::of_parts(&parts)),
        }
    }

    fn open(tag: &str, serial: &str) -> Open {
        Open {
            tag: Label::new(tag).unwrap(),
            serial: serial.to_owned(),
        }
    }

    #[test]
    fn a_serial_number_and_a_host_name_speak_for_a_machine() {
        let machines = [
            candidate(1, "reading-1", "SN77"),
            candidate(2, "A-9", ""),
            candidate(3, "PC-3", "SN9"),
        ];
        let assets = [
            open("A-1", "sn77"),
            open("a-9", ""),
            open("A-3", "SN1"),
            open("Pc-3", "SN9"),
        ];
        let found = suggest(&assets, &machines);
        let pairs: Vec<_> = found
            .iter()
            .map(|one| (one.tag.as_str(), one.name.as_str(), one.why.as_str()))
            .collect();
        assert_eq!(
            pairs,
            [
                ("A-1", "pc-1", "the same serial number"),
                ("a-9", "pc-2", "its name is the asset's tag"),
                (
                    "Pc-3",
                    "pc-3",
                    "the same serial number, its name is the asset's tag"
                ),
            ]
        );
    }
}
