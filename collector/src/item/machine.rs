//! Whose move a machine is, apart from its jobs.

use super::{Item, Kind, Owner, age};
use patchward_common::id::Name;
use patchward_common::time::UtcMs;
use patchward_common::trust::roster::Class;

/// A machine as it is judged here.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its unit.
    pub unit: &'a Name,
    /// Its class.
    pub class: Class,
    /// When it was last heard.
    pub seen: Option<UtcMs>,
    /// Since when two machines seem to have its identity.
    pub copied: Option<UtcMs>,
    /// Since when its interlock cannot tell.
    pub interlock_unknown: Option<UtcMs>,
    /// Its exception, where it has one.
    pub exception: Option<&'a Exception>,
}

/// A machine is not patched on purpose, for a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exception {
    /// Until when.
    pub until: UtcMs,
    /// What protects it meanwhile.
    pub control: String,
}

/// Whether nothing is known of a machine any more, and since when.
pub fn unknown_since(seen: Option<UtcMs>, class: Class, now: UtcMs) -> Option<UtcMs> {
    seen.filter(|seen| now.since_ms(*seen) >= age::silent_ms(class))
}

/// The items of a machine.
pub fn items(machine: &Facts<'_>, now: UtcMs) -> Vec<Item> {
    let silent = unknown_since(machine.seen, machine.class, now);
    let ended = machine.exception.filter(|exception| exception.until <= now);
    let found = [
        silent.map(|since| {
            let why = "it was not heard for longer than its class allows".to_owned();
            (Kind::Silent, Owner::It, since, why)
        }),
        machine.copied.map(|since| {
            let why = format!(
                "two machines seem to have its identity, or its mainboard was replaced: \
                 `machine show {0}` tells what was seen; nothing starts on it before \
                 `machine not-a-clone {0}` or `machine revoke {0}`",
                machine.name
            );
            (Kind::Copied, Owner::It, since, why)
        }),
        machine.interlock_unknown.map(|since| {
            let why = "its interlock cannot tell whether it is in use: no work starts".to_owned();
            (Kind::Interlock, Owner::Htm, since, why)
        }),
        ended.map(|exception| {
            let why = format!("its exception has ended; {} stood in", exception.control);
            (Kind::Exception, Owner::Security, exception.until, why)
        }),
    ];
    let item = |(kind, owner, since, why)| Item {
        kind,
        subject: machine.name.to_owned(),
        about: machine.name.to_owned(),
        unit: Some(machine.unit.clone()),
        class: Some(machine.class),
        owner,
        since,
        raise_at: None,
        why,
    };
    found.into_iter().flatten().map(item).collect()
}
