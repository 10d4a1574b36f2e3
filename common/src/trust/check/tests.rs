//! One test per refusal and per attack. Each changes one thing in a hospital where all
//! eleven steps pass, and names step, reason and attack of what comes back.

mod any;
mod approved;
mod artifacts;
mod authority;
mod charter;
mod clocks;
mod content;
mod fitness;
mod hospital;
mod place;
mod start;
mod stops;
mod vendor;

use super::*;
use hospital::{Hospital, Outcome};

/// What the eleven steps say after one change to a hospital in which they pass.
fn changed(change: impl FnOnce(&mut Hospital)) -> Result<Outcome, Refusal> {
    let mut hospital = Hospital::new();
    if let Err(refusal) = hospital.run() {
        panic!("the unchanged hospital is refused: {refusal}");
    }
    change(&mut hospital);
    hospital.run()
}

#[track_caller]
fn accepted(result: Result<Outcome, Refusal>) -> Outcome {
    result.unwrap_or_else(|refusal| panic!("refused at {refusal}"))
}

/// Asserts a refusal by the number of its step, the attack and the reason.
macro_rules! refused {
    ($result:expr, $step:literal, $attack:ident, $why:pat) => {{
        let refusal = $result.expect_err("it was accepted");
        assert!(matches!(refusal.why, $why), "{refusal:?}");
        assert_eq!(refusal.step.number(), $step, "{refusal:?}");
        assert_eq!(refusal.attack(), Attack::$attack, "{refusal:?}");
    }};
}
use refused;

#[test]
fn steps_are_numbered_as_in_the_design() {
    let steps = [
        Step::Roster,
        Step::Assignment,
        Step::Approval,
        Step::Placement,
        Step::Vendor,
        Step::Applicability,
        Step::Artifacts,
        Step::Go,
        Step::Time,
        Step::HoldAndStop,
        Step::Interlock,
    ];
    assert!(steps.iter().map(|step| step.number()).eq(1..=11));
}
