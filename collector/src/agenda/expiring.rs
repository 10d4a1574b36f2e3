//! What ends by itself within 90 days, or has: who can renew it has to know before nothing
//! starts any more.

use super::Gathering;
use crate::control::Failure;
use crate::expiring;
use crate::fleet::FleetHandle;
use crate::item::expiry::{Expires, Warning, What, warnings};
use crate::item::{Item, Kind};
use crate::store::machines::MachineLine;
use patchward_common::id::MachineId;
use std::collections::BTreeSet;

impl Gathering<'_> {
    pub(super) async fn expiring(
        &mut self,
        fleet: &FleetHandle,
        away: &BTreeSet<MachineId>,
    ) -> Result<(), Failure> {
        let metadata = self.items.iter();
        let metadata = metadata.filter(|item| item.kind == Kind::Metadata);
        let told: BTreeSet<String> = metadata.map(|item| item.subject.clone()).collect();
        let all = expiring::all(fleet, self.view).await?;
        for warning in warnings(&all, self.now) {
            let of_vendor = matches!(warning.expires.what, What::VendorRoot | What::Custodian);
            // That its metadata ends within days says this too.
            if !(of_vendor && told.contains(&warning.expires.subject)) {
                self.items.push(item(warning, None));
            }
        }
        for (id, life) in expiring::of_machines(self.view, self.now).await? {
            // Of what is loaned or put away nobody expects it.
            let Some(line) = self.lines.get(&id).filter(|_| !away.contains(&id)) else {
                continue;
            };
            let expires = Expires {
                what: What::Machine,
                subject: line.name.to_string(),
                life,
            };
            let warning = expires.warning(self.now);
            self.items.extend(warning.map(|one| item(one, Some(line))));
        }
        Ok(())
    }
}

fn item(warning: Warning, machine: Option<&MachineLine>) -> Item {
    let Expires { what, subject, .. } = &warning.expires;
    // Only names of machines are unique beside all others.
    let key = match machine {
        Some(_) => subject.clone(),
        None if subject == what.word() => subject.clone(),
        None => format!("{}/{subject}", what.word()),
    };
    Item {
        kind: Kind::Expiring,
        subject: key,
        about: subject.clone(),
        unit: machine.map(|line| line.unit.clone()),
        class: machine.map(|line| line.class),
        owner: what.owner(),
        since: warning.since,
        raise_at: Some(warning.raise_at),
        why: warning.why(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::item::Owner;
    use crate::item::expiry::{Life, WHATS};
    use patchward_common::time::{DAY_MS, UtcMs};

    #[test]
    fn every_kind_has_its_key_and_who_can_renew_it() {
        let mut keys = BTreeSet::new();
        for what in WHATS {
            let (from, ends) = (Some(UtcMs(0)), UtcMs(400 * DAY_MS));
            let expires = Expires {
                what,
                subject: "this-one".to_owned(),
                life: Life { from, ends },
            };
            let warning = expires.warning(UtcMs(395 * DAY_MS)).unwrap();
            let item = item(warning, None);
            let key = format!("expiring:{}/this-one", what.word());
            assert_eq!((&item.key(), &*item.about), (&key, "this-one"));
            let owner = match what {
                What::Charter | What::Roster | What::PersonKey | What::Custodian => Owner::Htm,
                What::VendorRoot => Owner::Vendor,
                What::GoKey | What::Authority | What::Collector | What::Page => Owner::It,
                What::Machine | What::Program | What::Relay => Owner::It,
            };
            assert_eq!(item.owner, owner, "{key}");
            let raised = UtcMs(396 * DAY_MS);
            assert!(item.is_raised(raised) && item.why.contains("then"), "{key}");
            keys.insert(key);
        }
        assert_eq!(keys.len(), WHATS.len(), "no two are one item");
    }
}
