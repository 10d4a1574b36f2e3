//! What a thing is beside itself: an asset is a machine, and stands in a unit. Read by its key.

use super::{Layout, Part};
use crate::command::machine;
use crate::control::{Failure, FailureKind};
use crate::store::View;
use crate::web::Web;
use crate::web::show::Block;

/// What of a thing a part is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Of {
    /// The thing.
    Itself,
    /// The machine that it is.
    Machine,
    /// The unit in which it stands.
    Unit,
}

/// The field in which an asset is named.
const TAG: &str = "tag";

/// The machine and the unit of a thing.
#[derive(Debug, Default)]
pub(super) struct Beside {
    machine: Option<String>,
    unit: Option<String>,
}

impl Beside {
    /// Reads them, where the page has parts about them.
    pub(super) async fn read(
        web: &Web,
        layout: &Layout,
        about: Option<&str>,
    ) -> Result<Self, Failure> {
        let is_needed = layout.parts.iter().any(|part| part.of != Of::Itself);
        let Some(about) = about.filter(|_| is_needed) else {
            return Ok(Self::default());
        };
        let mut view = web.app.store.view().await?;
        let field = layout.parts.first().and_then(|part| part.about);
        match field {
            Some(TAG) => Self::of_asset(&mut view, about).await,
            _ => Self::of_machine(&mut view, about).await,
        }
    }

    async fn of_asset(view: &mut View, tag: &str) -> Result<Self, Failure> {
        let asset = match tag.parse() {
            Ok(tag) => view.asset(&tag).await?,
            Err(_) => None,
        };
        // That there is none, the asset's own part says.
        let Some(asset) = asset else {
            return Ok(Self::default());
        };
        let machine = match &asset.machine {
            Some(id) => view.machine(id).await?,
            None => None,
        };
        let unit = machine.as_ref().map(|machine| machine.unit.clone());
        Ok(Self {
            machine: machine.map(|machine| machine.id.to_string()),
            unit: unit.or(asset.unit).map(|unit| unit.to_string()),
        })
    }

    async fn of_machine(view: &mut View, name: &str) -> Result<Self, Failure> {
        match machine::find(view, name).await {
            Ok(machine) => Ok(Self {
                machine: Some(machine.id.to_string()),
                unit: Some(machine.unit.to_string()),
            }),
            // The machine's own part says so.
            Err(failure) if is_told(failure.kind) => Ok(Self::default()),
            Err(failure) => Err(failure),
        }
    }

    /// What a part is about.
    pub(super) fn of<'a>(&'a self, part: &Part, about: Option<&'a str>) -> Option<&'a str> {
        match part.of {
            Of::Itself => about,
            Of::Machine => self.machine.as_deref(),
            Of::Unit => self.unit.as_deref(),
        }
    }

    /// Why parts are left out of the page of a thing that is no machine.
    pub(super) fn lack(&self, layout: &Layout) -> Option<Block> {
        let wants = layout.parts.iter().any(|part| part.of == Of::Machine);
        (wants && self.machine.is_none()).then(|| {
            let text = "It is no machine of ours, so no components, holds, jobs or evidence of it \
                        are here. `asset link` says which machine it is, `asset gaps` what waits \
                        for an agent.";
            Block::Text(vec![text.to_owned()])
        })
    }
}

fn is_told(kind: FailureKind) -> bool {
    matches!(kind, FailureKind::NotFound | FailureKind::Input)
}

#[cfg(test)]
mod tests {
    use super::super::{DETAILS, of_machine, of_unit, part};
    use super::*;

    #[test]
    fn a_part_is_asked_about_what_it_takes() {
        let beside = Beside {
            machine: Some("pc-1".into()),
            unit: None,
        };
        let asked = |part: &Part| beside.of(part, Some("A-1")).map(str::to_owned);
        assert_eq!(asked(&part("a", "", "x")).as_deref(), Some("A-1"));
        let of_machine = of_machine("b", "", "x", "machine");
        assert_eq!(asked(&of_machine).as_deref(), Some("pc-1"));
        assert_eq!(asked(&of_unit("c", "", "x", "unit")), None);
    }

    #[test]
    fn only_an_asset_that_is_no_machine_lacks_parts() {
        let page = |path| DETAILS.iter().find(|layout| layout.path == path).unwrap();
        let (none, asset) = (Beside::default(), page("assets/asset"));
        assert!(none.lack(asset).is_some());
        assert!(none.lack(page("assets/machine")).is_none());
        let machine = Beside {
            machine: Some("pc-1".into()),
            unit: None,
        };
        assert!(machine.lack(asset).is_none());
    }
}
