//! Whom to tell that what kept them from starting is gone: they were told to ask again in
//! minutes, and a slot is short.

use crate::fleet::Target;
use crate::store::jobs::Standing;
use crate::store::windows::Area;
use crate::store::{StoreError, View};
use patchward_common::digest::Digest;
use patchward_common::id::{MachineId, Name};
use patchward_common::job::State;

/// The machines of a plan that ask for go: of one wave, or of all.
pub async fn waiting(
    view: &mut View,
    plan: &Digest,
    wave: Option<u32>,
) -> Result<Target, StoreError> {
    let asks =
        |state: &State| Standing::of(state) == Standing::Waiting || *state == State::RebootPending;
    let jobs = view.jobs_of_plan(plan).await?.into_iter();
    let jobs = jobs.filter(|job| wave.is_none_or(|wave| job.wave == wave) && asks(&job.state));
    Ok(Target::Machines(jobs.map(|job| job.machine).collect()))
}

/// Those that stand in for a machine: the members of its groups.
pub async fn beside(view: &mut View, machine: &MachineId) -> Result<Target, StoreError> {
    let mut machines = vec![*machine];
    for group in view.groups_of(machine).await? {
        machines.extend(view.members(&group).await?);
    }
    machines.sort_unstable();
    machines.dedup();
    Ok(Target::Machines(machines))
}

/// Those that a freeze covers.
pub async fn covered(
    view: &mut View,
    area: Area,
    subject: &str,
) -> Result<Vec<Target>, StoreError> {
    let unit = |name: &str| Name::new(name).ok().map(Target::Unit);
    Ok(match area {
        Area::All => vec![Target::All],
        Area::Unit => unit(subject).into_iter().collect(),
        Area::Machine => {
            let machine = subject.parse().ok().map(Target::Machine);
            machine.into_iter().collect()
        }
        Area::Site => {
            let units = view.units().await?.into_iter();
            let units = units.filter(|unit| unit.site.as_str() == subject);
            units.map(|unit| Target::Unit(unit.name)).collect()
        }
    })
}
