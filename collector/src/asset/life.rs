//! Which states of an asset's life follow which, and what each way needs.

use crate::store::assets::LifeCycle;

/// Whether a hospital's file may move an asset so, that was accepted at some time or not; else
/// the command that does.
///
/// # Errors
/// The command that does it, because a check belongs to it.
pub fn by_list(from: LifeCycle, to: LifeCycle, was_accepted: bool) -> Result<(), &'static str> {
    use LifeCycle::{Acceptance, Decommissioned, InStorage, InUse, Loaned};
    match (from, to) {
        (_, Decommissioned) => Err("asset decommission"),
        (Acceptance, InUse) => Err("asset accept"),
        (Loaned | InStorage, InUse) if !was_accepted => Err("asset accept"),
        (InUse | Loaned | InStorage, InUse | Loaned | InStorage) => Ok(()),
        _ => Err("asset move"),
    }
}

/// Whether a person may move an asset so with nothing but a reason. What went into storage
/// before it was accepted has to show what it would have had to.
///
/// # Errors
/// What to do instead.
pub fn by_hand(from: LifeCycle, to: LifeCycle, was_accepted: bool) -> Result<(), String> {
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
        (Loaned | InStorage, InUse) if !was_accepted => {
            Err("it was never accepted: `asset accept` compares it with its baseline".to_owned())
        }
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
            for was_accepted in [false, true] {
                assert!(by_hand(from, LifeCycle::Decommissioned, was_accepted).is_err());
                assert!(by_list(from, LifeCycle::Decommissioned, was_accepted).is_err());
                assert!(by_hand(from, from, was_accepted).is_err());
            }
        }
        for from in [
            LifeCycle::Procurement,
            LifeCycle::Acceptance,
            LifeCycle::Decommissioned,
        ] {
            assert!(by_hand(from, LifeCycle::InUse, true).is_err(), "{from:?}");
            assert!(by_list(from, LifeCycle::InUse, true).is_err(), "{from:?}");
        }
        let acceptance = LifeCycle::Acceptance;
        assert!(by_hand(LifeCycle::Decommissioned, acceptance, false).is_ok());
        assert!(by_hand(LifeCycle::InUse, LifeCycle::Loaned, true).is_ok());
        assert!(by_list(LifeCycle::Loaned, LifeCycle::InStorage, false).is_ok());
        assert!(by_hand(LifeCycle::InUse, LifeCycle::Procurement, true).is_err());
    }

    #[test]
    fn storage_is_no_way_around_acceptance() {
        for from in [LifeCycle::Loaned, LifeCycle::InStorage] {
            assert!(by_hand(from, LifeCycle::InUse, true).is_ok());
            assert!(by_list(from, LifeCycle::InUse, true).is_ok());
            let why = by_hand(from, LifeCycle::InUse, false).unwrap_err();
            assert!(why.contains("asset accept"), "{why}");
            assert_eq!(by_list(from, LifeCycle::InUse, false), Err("asset accept"));
        }
    }
}
