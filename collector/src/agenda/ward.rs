//! What the ward said on its page: "not now", which is its own to end, and that it wants a
//! machine handed over, which is HTM's move.

use super::Gathering;
use crate::control::Failure;
use crate::item::{Item, Kind, Owner};
use crate::store::holds::Hold;
use crate::store::machines::MachineLine;
use crate::store::windows::Area;
use patchward_common::id::Name;
use patchward_common::time::UtcMs;
use std::collections::BTreeMap;

/// Several may hold one thing: since when it is held, until when, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Together {
    since: UtcMs,
    until: UtcMs,
    reasons: Vec<String>,
}

/// The holds of each thing as one.
fn together(holds: Vec<Hold>) -> BTreeMap<(Area, String), Together> {
    let mut found: BTreeMap<(Area, String), Together> = BTreeMap::new();
    for hold in holds {
        let entry = found
            .entry((hold.area, hold.subject))
            .or_insert_with(|| Together {
                since: hold.set_at,
                until: hold.until,
                reasons: Vec::new(),
            });
        entry.since = entry.since.min(hold.set_at);
        entry.until = entry.until.max(hold.until);
        let reason = hold.reason.replace('_', " ");
        if !entry.reasons.contains(&reason) {
            entry.reasons.push(reason);
        }
    }
    found
}

/// The machines at which somebody said "not now", and until when.
pub(super) fn held_there<'a>(
    lines: impl Iterator<Item = &'a MachineLine>,
    now: UtcMs,
) -> Vec<(String, UtcMs)> {
    let held = lines.filter_map(|line| Some((line.name.to_string(), line.hold_until?)));
    held.filter(|(_, until)| now < *until).collect()
}

impl Gathering<'_> {
    pub(super) async fn ward(&mut self) -> Result<(), Failure> {
        for ((area, subject), held) in together(self.view.holds(self.now).await?) {
            let why = format!(
                "the ward said \"not now\" until {}: {}; nothing starts until then, or until \
                 `hold end`",
                held.until,
                held.reasons.join(", ")
            );
            let line = subject.parse().ok().and_then(|id| self.lines.get(&id));
            let (about, unit, class) = match (area, line) {
                (Area::Machine, Some(line)) => {
                    (line.name.to_string(), line.unit.clone(), Some(line.class))
                }
                (Area::Unit, _) => match Name::new(&subject) {
                    Ok(unit) => (format!("unit {unit}"), unit, None),
                    Err(_) => continue,
                },
                _ => continue,
            };
            self.items.push(Item {
                kind: Kind::Held,
                subject: about.replace(' ', "/"),
                about,
                unit: Some(unit),
                class,
                owner: Owner::Ward,
                since: held.since,
                raise_at: None,
                why,
            });
        }
        for ask in self.view.handover_asks().await? {
            let Some(line) = self.lines.get(&ask.machine) else {
                continue;
            };
            self.items.push(Item {
                kind: Kind::Handover,
                subject: line.name.to_string(),
                about: line.name.to_string(),
                unit: Some(line.unit.clone()),
                class: Some(line.class),
                owner: Owner::Htm,
                since: ask.asked_at,
                raise_at: None,
                why: format!(
                    "{} asks for its handover: sign it with `patchward-sign handover`, or go to \
                     the machine; then `handover done {}`",
                    ask.asked_by, line.name
                ),
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_who_hold_one_thing_are_one_item_and_the_longest_counts() {
        let hold = |by: &str, set_at: i64, until: i64, reason: &str| Hold {
            area: Area::Unit,
            subject: "icu".into(),
            until: UtcMs(until),
            reason: reason.into(),
            set_by: by.into(),
            set_at: UtcMs(set_at),
        };
        let found = together(vec![
            hold("kiosk:desk", 5, 20, "patient_waiting"),
            hold("person:ann", 3, 10, "rounds"),
            hold("person:ben", 4, 11, "rounds"),
        ]);
        let expected = Together {
            since: UtcMs(3),
            until: UtcMs(20),
            reasons: vec!["patient waiting".into(), "rounds".into()],
        };
        assert_eq!(
            found,
            BTreeMap::from([((Area::Unit, "icu".into()), expected)])
        );
    }
}
