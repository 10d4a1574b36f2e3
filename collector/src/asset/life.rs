//! Which states of an asset's life follow which, and what each way needs.

use crate::store::assets::LifeCycle;

/// Whether a hospital's file may move an asset so; else the command that does.
///
/// # Errors
/// The command that does it, because a check belongs to it.
pub fn by_list(from: LifeCycle, to: LifeCycle) -> Result<(), &'static str> {
    use LifeCycle::{Acceptance, Decommissioned, InStorage, InUse, Loaned};
    match (from, to) {
        (_, Decommissioned) => Err("asset decommission"),
        (Acceptance, InUse) => Err("asset accept"),
        (InUse | Loaned | InStorage, InUse | Loaned | InStorage) => Ok(()),
        _ => Err("asset move"),
    }
}

/// Whether a person may move an asset so with nothing but a reason.
///
/// # Errors
/// What to do instead.
pub fn by_hand(from: LifeCycle, to: LifeCycle) -> Result<(), String> {
    use LifeCycle::{Acceptance, Decommissioned, InStorage, InUse, Loaned, Procurement};
    match (from, to) {
        (from, to) if from == to => Err(format!("it is {} already", to.word())),
        (_, Decommissioned) => {
            Err("what leaves for good has a checklist: `asset decommission`".to_owned())
        }
        (Procurement | Acceptance, InUse) => Err(
            "before it is used it shows that it may be: `asset accept` compares it with its \
             baseline"
                .to_owned(),
        ),
        (_, Acceptance) => Ok(()),
        (Decommissioned, _) => {
            Err("what was gone is accepted anew: move it to acceptance first".to_owned())
        }
        (InUse | Loaned | InStorage, InUse | Loaned | InStorage)
        | (Acceptance, InStorage | Loaned | Procurement)
        | (Procurement, InStorage) => Ok(()),
        (from, to) => Err(format!(
            "what is {} does not become {}",
            from.word(),
            to.word()
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::assets::LIFE_CYCLES;

    #[test]
    fn nothing_is_used_or_gone_without_its_check() {
        for from in LIFE_CYCLES {
            assert!(by_hand(from, LifeCycle::Decommissioned).is_err());
            assert!(by_list(from, LifeCycle::Decommissioned).is_err());
            assert!(by_hand(from, from).is_err());
        }
        for from in [
            LifeCycle::Procurement,
            LifeCycle::Acceptance,
            LifeCycle::Decommissioned,
        ] {
            assert!(by_hand(from, LifeCycle::InUse).is_err(), "{from:?}");
            assert!(by_list(from, LifeCycle::InUse).is_err(), "{from:?}");
        }
        let acceptance = LifeCycle::Acceptance;
        assert!(by_hand(LifeCycle::Decommissioned, acceptance).is_ok());
        assert!(by_hand(LifeCycle::InUse, LifeCycle::Loaned).is_ok());
        assert!(by_list(LifeCycle::Loaned, LifeCycle::InStorage).is_ok());
        assert!(by_hand(LifeCycle::InUse, LifeCycle::Procurement).is_err());
    }
}
