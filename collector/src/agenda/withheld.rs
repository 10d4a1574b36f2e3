//! Slots that a unit counts on and in which nothing starts: its ward is told.

use super::Gathering;
use crate::command::zones::Zones;
use crate::control::Failure;
use crate::item::{Item, Kind, Owner, age};
use crate::replan::{Left, Withheld};
use crate::store::plans::Plan;
use patchward_common::id::{JobId, Label, Name};

impl Gathering<'_> {
    pub(super) async fn withheld(&mut self, plan: &Plan, left: &Left) -> Result<(), Failure> {
        if left.withheld.is_empty() {
            return Ok(());
        }
        let zones = Zones::read(self.view).await?;
        for (unit, withheld) in &left.withheld {
            // Since when a window is otherwise, nobody noted; no one counts on a slot before
            // it was signed.
            let mut since = plan.changed_at;
            for freeze in &withheld.by {
                let added = self.view.freeze_added_at(freeze).await?;
                since = since.max(added.unwrap_or(since));
            }
            let slot = zones.text(Some(unit), withheld.first.start());
            let subject = format!("{unit}/{}", plan.short());
            for machine in &withheld.machines {
                let job = JobId::of(plan.id, *machine);
                self.withheld.insert(job, subject.clone());
            }
            self.items.push(Item {
                kind: Kind::Withheld,
                subject,
                about: unit.to_string(),
                unit: Some(unit.clone()),
                class: None,
                owner: Owner::Ward,
                since,
                raise_at: Some(withheld.first.start().plus_ms(-age::BEFORE_WITHHELD_MS)),
                why: why(unit, withheld, &slot),
            });
        }
        Ok(())
    }
}

/// What the ward is told. Where a machine has no slot left, HTM is told that too, and plans
/// anew.
fn why(unit: &Name, withheld: &Withheld, slot: &str) -> String {
    let machines = match withheld.machines.len() {
        1 => format!("1 machine of {unit} stays as it is"),
        count => format!("{count} machines of {unit} stay as they are"),
    };
    let by: Vec<&str> = withheld.by.iter().map(Label::as_str).collect();
    let by = match by.as_slice() {
        [] => format!("no window of {unit} leaves time for it"),
        by => format!("frozen by {}", by.join(", ")),
    };
    format!(
        "{machines} at {slot}, though work was signed for then: {by}. \
         `item take` says that the unit knows"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use patchward_common::id::MachineId;
    use patchward_common::time::{Interval, UtcMs};

    #[test]
    fn the_ward_hears_what_stays_when_and_why() {
        let icu = Name::new("icu").unwrap();
        let mut withheld = Withheld {
            first: Interval::new(UtcMs(0), UtcMs(1)).unwrap(),
            machines: vec![MachineId([1; 32])],
            by: Vec::new(),
        };
        let said = why(&icu, &withheld, "02:00");
        assert!(
            said.starts_with("1 machine of icu stays as it is at 02:00"),
            "{said}"
        );
        assert!(said.contains("no window of icu"), "{said}");
        withheld.machines.push(MachineId([2; 32]));
        withheld.by = vec![
            Label::new("theatre").unwrap(),
            Label::new("go-live").unwrap(),
        ];
        let said = why(&icu, &withheld, "02:00");
        assert!(said.contains("2 machines"), "{said}");
        assert!(said.contains("frozen by theatre, go-live"), "{said}");
    }
}
