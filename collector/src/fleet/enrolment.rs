//! What follows from a machine that asks to be enrolled; shared by the token's rule and
//! by the person who accepts.

use crate::store::enrolments::Enrolment;
use crate::store::machines::NewMachine;
use crate::store::{StoreError, View};
use patchward_common::facts::{Facts, PackedFacts};
use patchward_common::id::{MachineId, Name};
use patchward_common::trust::assignment::Mode;

/// A machine that asks, and what it says of itself.
pub(super) struct Ask {
    pub(super) enrolment: Enrolment,
    pub(super) facts: Facts,
}

/// What a waiting machine is enrolled as unless a person says otherwise: named after its
/// host, in its token's unit with that unit's class, and only observed. The facts are the
/// machine's own words; an assignment signed by HTM decides.
pub async fn propose(view: &mut View, enrolment: Enrolment) -> Result<NewMachine, StoreError> {
    let facts = PackedFacts::from_bytes(enrolment.facts.clone()).unpack();
    let facts = facts.map_err(|error| StoreError::Corrupt(error.to_string()))?;
    proposal(view, &Ask { enrolment, facts }).await
}

pub(super) async fn proposal(view: &mut View, ask: &Ask) -> Result<NewMachine, StoreError> {
    let id = ask.enrolment.machine;
    let unit = &ask.enrolment.unit;
    let found = view.unit(unit).await?;
    let class = found
        .ok_or_else(|| StoreError::NotFound {
            what: "unit",
            name: unit.to_string(),
        })?
        .class;
    let taken = view.machine_named(&ask.enrolment.host).await?;
    let name = match taken.filter(|other| other.id != id) {
        None => ask.enrolment.host.clone(),
        Some(_) => numbered(&ask.enrolment.host, &id),
    };
    let model = match &ask.facts.dmi {
        Some(dmi) => to_name(&format!("{} {}", dmi.vendor, dmi.product)),
        None => None,
    };
    Ok(NewMachine {
        id,
        name,
        unit: unit.clone(),
        class,
        model: model.unwrap_or_else(|| fixed("unknown")),
        mode: Mode::Observe,
    })
}

/// A host's name as a machine's name; one that has nothing of a name becomes `host-` and
/// the start of its id.
pub(super) fn host_name(host: &str, machine: &MachineId) -> Name {
    to_name(host).unwrap_or_else(|| numbered(&fixed("host"), machine))
}

fn numbered(name: &Name, machine: &MachineId) -> Name {
    let short: String = name.as_str().chars().take(50).collect();
    let id = machine.to_string();
    to_name(&format!("{short}-{}", &id[..8])).unwrap_or_else(|| name.clone())
}

/// The characters of a name that `text` has; everything else becomes a dash.
pub fn to_name(text: &str) -> Option<Name> {
    let mut name = String::new();
    for c in text.chars().map(|c| c.to_ascii_lowercase()).take(64) {
        match c {
            'a'..='z' | '0'..='9' => name.push(c),
            '-' | '_' | '.' if !name.is_empty() => name.push(c),
            _ if !name.is_empty() && !name.ends_with('-') => name.push('-'),
            _ => {}
        }
    }
    Name::new(name.trim_end_matches('-')).ok()
}

fn fixed(name: &str) -> Name {
    #[expect(clippy::expect_used, reason = "our own words are names")]
    Name::new(name).expect("our own words are names")
}

/// Whether a host name fits a pattern, in which `*` stands for any part, empty included.
pub(super) fn matches(pattern: &str, host: &str) -> bool {
    let (pattern, host) = (pattern.to_lowercase(), host.to_lowercase());
    let mut parts = pattern.split('*');
    let Some(mut rest) = host.strip_prefix(parts.next().unwrap_or_default()) else {
        return false;
    };
    let mut last = None;
    for part in parts {
        if let Some(before) = last.replace(part) {
            match rest.find(before) {
                Some(at) => rest = &rest[at + before.len()..],
                None => return false,
            }
        }
    }
    last.map_or(rest.is_empty(), |last| rest.ends_with(last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_patterns() {
        for (pattern, host, fits) in [
            ("*", "", true),
            ("*", "anything", true),
            ("pacs-*", "pacs-01", true),
            ("pacs-*", "PACS-01", true),
            ("pacs-*", "xpacs-01", false),
            ("*-icu", "bed-4-icu", true),
            ("*-icu", "bed-4-icu-x", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c", false),
            ("a*a", "a", false),
            ("exact", "exact", true),
            ("exact", "exactly", false),
            ("", "", true),
            ("", "x", false),
        ] {
            assert_eq!(matches(pattern, host), fits, "{pattern:?} {host:?}");
        }
    }

    #[test]
    fn host_names_become_names() {
        let id = MachineId([0xcd; 32]);
        for (host, name) in [
            ("Reading-Room 2", "reading-room-2"),
            ("..\u{fc}..", "host-cdcdcdcd"),
            ("", "host-cdcdcdcd"),
            ("pacs.example.org", "pacs.example.org"),
        ] {
            assert_eq!(host_name(host, &id).as_str(), name);
        }
    }
}
