//! Machines that wait until a person lets them in: new ones, and those that come back.

use super::Gathering;
use crate::control::Failure;
use crate::item::{Item, Kind, Owner};
use crate::store::machines::{MachineState, Return};

impl Gathering<'_> {
    pub(super) async fn waiting(&mut self) -> Result<(), Failure> {
        for asked in self.view.enrolments_waiting().await? {
            self.items.push(Item {
                kind: Kind::Enrol,
                subject: asked.machine.to_string().chars().take(12).collect(),
                about: asked.host.to_string(),
                unit: Some(asked.unit),
                class: None,
                owner: Owner::It,
                since: asked.asked_at,
                raise_at: None,
                why: "it waits for acceptance".to_owned(),
            });
        }
        for back in self.view.returns_waiting().await? {
            let line = self.lines.get(&back.machine);
            self.items.push(Item {
                kind: Kind::Enrol,
                subject: back.name.to_string(),
                about: back.name.to_string(),
                class: line.map(|line| line.class),
                owner: Owner::It,
                since: back.asked_at,
                raise_at: None,
                why: format!(
                    "{}: look whether it is where it belongs, then `machine accept {}`",
                    back_from(&back),
                    back.name
                ),
                unit: Some(back.unit),
            });
        }
        Ok(())
    }
}

/// Why a machine that comes back is asked about.
pub fn back_from(back: &Return) -> String {
    match (back.state, back.ends_at) {
        (MachineState::Stored, _) => "it was put away, and asks to come back".to_owned(),
        (_, Some(ended)) => format!(
            "it was away so long that its certificate ended ({ended}), and asks to come back"
        ),
        (_, None) => "it asks to come back".to_owned(),
    }
}
