//! What one shift hands over to the next: each open item under the one heading where it is
//! looked for. Pure.

use super::down::Down;
use super::{Item, Kind, Owner};
use patchward_common::id::{JobId, Name};
use patchward_common::time::{HOUR_MS, Interval, UtcMs};
use patchward_common::trust::roster::Class;
use std::collections::HashMap;

/// How long a shift is where nobody says otherwise: the night, and the day between two nights.
/// What came up earlier the shift before was told.
pub const HOURS: u32 = 12;
/// The longest: a weekend, with the night before it.
pub const MOST_HOURS: i64 = 72;

/// Under which heading an item is handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Heading {
    /// Nothing starts until a person says so.
    Stops,
    /// A machine that a patient cannot depend on.
    Down,
    /// "Not now": it stands with its end.
    Hold,
    /// The rest.
    Waits,
}

fn heading(kind: Kind) -> Heading {
    match kind {
        Kind::Stopped | Kind::Halted | Kind::Question | Kind::Restored | Kind::Unsigned => {
            Heading::Stops
        }
        Kind::Return
        | Kind::Restart
        | Kind::Lost
        | Kind::Overrun
        | Kind::Failed
        | Kind::Freed
        | Kind::RolledBack
        | Kind::Fallen => Heading::Down,
        Kind::Held => Heading::Hold,
        _ => Heading::Waits,
    }
}

/// What is handed over of what is open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Open {
    /// Stops and halts, however old.
    pub stops: Vec<Item>,
    /// Machines that are not back in service, however long.
    pub down: Vec<Item>,
    /// What else came up in the shift, what is or will be raised until the next one ends, and
    /// what somebody took and has not done.
    pub waits: Vec<Item>,
}

/// A shift that ends now, and the next one.
#[derive(Clone, Copy, Debug)]
pub struct Shift {
    /// When this one began.
    pub from: UtcMs,
    /// Now.
    pub now: UtcMs,
    /// When the next one ends.
    pub until: UtcMs,
}

impl Shift {
    /// Of so many hours.
    pub fn of(now: UtcMs, long: i64) -> Self {
        Self {
            from: hours(now, -long),
            now,
            until: hours(now, long),
        }
    }

    /// Whether something is told that stops nothing and takes no machine. What only time does is
    /// nobody's to take over.
    fn tells(self, item: &Item, is_taken: bool) -> bool {
        let is_raised = item.is_raised(self.now);
        let is_soon = item.raise_at.is_some_and(|at| at < self.until);
        let is_theirs = item.owner != Owner::Time || is_raised;
        is_theirs && (self.from <= item.since || is_taken || is_raised || is_soon)
    }
}

/// Sorts what is open for the shift after this one. A machine whose job somebody closed is not
/// in service where that job was found unfit: where `is_unfit` says so of its item.
pub fn open(
    items: &[Item],
    is_taken: impl Fn(&Item) -> bool,
    is_unfit: impl Fn(&Item) -> bool,
    shift: Shift,
) -> Open {
    let mut open = Open::default();
    for item in items {
        match heading(item.kind) {
            Heading::Stops => open.stops.push(item.clone()),
            Heading::Down => open.down.push(item.clone()),
            Heading::Waits if item.kind == Kind::Behind && is_unfit(item) => {
                open.down.push(item.clone());
            }
            Heading::Waits if shift.tells(item, is_taken(item)) => open.waits.push(item.clone()),
            Heading::Waits | Heading::Hold => {}
        }
    }
    open
}

/// A machine that counts as down by a job, whatever becomes of that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ByJob {
    /// The job.
    pub job: JobId,
    /// The machine's name.
    pub machine: Name,
    /// Its unit.
    pub unit: Name,
    /// Its class.
    pub class: Class,
    /// Since when, and why.
    pub down: Down,
}

impl Open {
    /// Adds the machines that count as down and stand under another heading or under none:
    /// theirs is the same step, of the same owner, since they are down.
    pub fn add_down(&mut self, items: &[Item], down: &[ByJob]) {
        let items = items.iter();
        let items: HashMap<&str, &Item> = items.map(|item| (item.subject.as_str(), item)).collect();
        for one in down {
            let subject = one.job.to_string();
            if self.down.iter().any(|item| item.subject == subject) {
                continue;
            }
            let known = items.get(subject.as_str());
            let because = &one.down.because;
            let item = Item {
                kind: known.map_or(Kind::Waiting, |item| item.kind),
                about: one.machine.to_string(),
                unit: Some(one.unit.clone()),
                class: Some(one.class),
                owner: known.map_or(Owner::It, |item| item.owner),
                since: one.down.since,
                raise_at: None,
                why: known.map_or(because.clone(), |item| format!("{because}; {}", item.why)),
                subject,
            };
            self.waits.retain(|waits| waits.subject != item.subject);
            self.down.push(item);
        }
    }
}

/// The next slot of a job that may start in it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NextSlot {
    /// When, which may be open already.
    pub slot: Interval,
    /// The machine's name.
    pub machine: String,
    /// The job.
    pub job: JobId,
    /// The subject of the item which says that nothing starts in it.
    pub withheld: Option<String>,
}

/// A slot of the next shift.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begins<'a> {
    /// The machine's name.
    pub machine: &'a str,
    /// Its slot, which may be open already.
    pub slot: Interval,
    /// Whose move its job is meanwhile, since when and why.
    pub item: Option<&'a Item>,
}

/// The slots that begin until `until`, in the order of `slots`. That nothing starts in one is
/// told before what its job waits for.
pub fn begins<'a>(slots: &'a [NextSlot], items: &'a [Item], until: UtcMs) -> Vec<Begins<'a>> {
    let of = |item: &'a Item| (item.subject.as_str(), item);
    let (withheld, others): (Vec<_>, Vec<_>) =
        items.iter().partition(|item| item.kind == Kind::Withheld);
    let withheld: HashMap<&str, &Item> = withheld.into_iter().map(of).collect();
    let others: HashMap<&str, &Item> = others.into_iter().map(of).collect();
    let soon = slots.iter().filter(|next| next.slot.start() < until);
    soon.map(|next| {
        let withheld = next.withheld.as_deref().and_then(|it| withheld.get(it));
        let item = withheld.or_else(|| others.get(next.job.to_string().as_str()));
        Begins {
            machine: &next.machine,
            slot: next.slot,
            item: item.copied(),
        }
    })
    .collect()
}

/// "Not now", and when it ends.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hold {
    /// When.
    pub until: UtcMs,
    /// The unit.
    pub unit: Name,
    /// The machine; none where the whole unit is held.
    pub machine: Option<String>,
    /// Since when, where that is known.
    pub since: Option<UtcMs>,
    /// Who said so, and why.
    pub said: String,
}

/// So many hours before or after an instant.
pub fn hours(from: UtcMs, hours: i64) -> UtcMs {
    from.plus_ms(hours * HOUR_MS)
}

#[cfg(test)]
mod tests;
