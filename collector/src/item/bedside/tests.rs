use super::*;
use patchward_common::job::Reason;

fn of(state: &State, needs: Option<Kind>) -> Known<'_> {
    Known {
        job: "0a1b",
        machine: "pc-1",
        state,
        needs,
        is_down: state.is_open(),
        by_hand: false,
        closed: None,
        other: None,
        stand_in: Some(true),
        on_call: true,
    }
}

fn reason() -> Reason {
    Reason::new("dark")
}

#[test]
fn nothing_but_a_return_to_service_ends_what_is_told() {
    use Safe::{No, NotYet, Unknown};
    let (failed, back) = (State::Failed(reason()), State::RolledBack(reason()));
    let freed = State::Freed(reason());
    for (state, needs, safe) in [
        (State::Installing, Some(Kind::Waiting), No),
        (State::Installing, Some(Kind::Overrun), No),
        (State::Measuring, Some(Kind::Lost), Unknown),
        (State::Recovering(reason()), None, No),
        (State::RebootPending, Some(Kind::Restart), NotYet),
        (failed.clone(), Some(Kind::Failed), No),
        (back, Some(Kind::RolledBack), NotYet),
        (freed, Some(Kind::Freed), Unknown),
        (State::Verified, Some(Kind::Return), NotYet),
        (State::Attested, Some(Kind::Return), NotYet),
        // A later job counts: this one knows nothing of the machine.
        (failed, None, Unknown),
        (State::Verified, None, Unknown),
    ] {
        let found = told(&of(&state, needs)).map(|told| told.safe);
        assert_eq!(found, Some(safe), "{state:?} {needs:?}");
    }
    assert_eq!(told(&of(&State::InService, None)), None);
}

#[test]
fn what_never_began_says_nothing_unless_a_go_is_out() {
    for state in [State::Assigned, State::Missed, State::Stopped(reason())] {
        let quiet = of(&state, Some(Kind::Waiting));
        assert_eq!(told(&quiet), None, "{state:?}");
        let is_out = Known {
            is_down: true,
            ..quiet
        };
        let found = told(&is_out).unwrap();
        assert_eq!(found.safe, Safe::Unknown);
        assert!(found.todo.contains("`job free 0a1b"), "{}", found.todo);
    }
}

#[test]
fn who_closed_a_job_is_asked_and_a_close_makes_nothing_safe() {
    let failed = State::Failed(reason());
    let known = Known {
        closed: Some(("person:ada", "looked at it")),
        ..of(&failed, Some(Kind::Behind))
    };
    let found = told(&known).unwrap();
    assert_eq!(found.safe, Safe::Unknown);
    assert!(found.words.contains("looked at it"), "{}", found.words);
    assert!(found.todo.contains("ask person:ada"), "{}", found.todo);
    // The same where its machine is left as it is on purpose.
    let excepted = Known {
        needs: None,
        ..known
    };
    assert_eq!(told(&excepted), Some(found));
}

#[test]
fn who_is_missing_is_said() {
    let failed = State::Failed(reason());
    let known = of(&failed, Some(Kind::Failed));
    let todo = |stand_in, on_call| {
        let known = Known {
            stand_in,
            on_call,
            ..known
        };
        told(&known).unwrap().todo
    };
    assert!(todo(Some(true), true).starts_with("Use a stand-in; call IT"));
    assert!(todo(Some(false), true).starts_with("No stand-in is known to be ready"));
    let alone = todo(None, false);
    assert!(alone.starts_with("No stand-in is known"), "{alone}");
    assert!(alone.ends_with("`oncall set`."), "{alone}");
}

#[test]
fn what_another_job_left_is_said_where_it_is_graver_than_what_this_one_did() {
    let other = |state: &State, needs, left: &Against| {
        let known = Known {
            other: Some(("ffff", left)),
            ..of(state, needs)
        };
        let told = told(&known).unwrap();
        (told.safe, told.todo.contains("`job show ffff`"))
    };
    let fallen = Against::Fallen("viewer 2 was verified, and 1 is there now".to_owned());
    let back = Some(Kind::Return);
    for (state, needs) in [
        (State::InService, None),
        (State::Missed, Some(Kind::Missed)),
        (State::Verified, back),
        (State::Verified, None),
    ] {
        for (left, safe) in [
            (&Against::Open, Safe::No),
            (&Against::Going, Safe::Unknown),
            (&Against::Wrong("failed"), Safe::Unknown),
            (&fallen, Safe::No),
        ] {
            assert_eq!(
                other(&state, needs, left),
                (safe, true),
                "{state:?} {left:?}"
            );
        }
    }
    let waits = other(&State::InService, None, &Against::Return);
    assert_eq!(waits, (Safe::NotYet, true));
    // Its own says it already.
    let failed = State::Failed(reason());
    for (state, needs, left) in [
        (&State::Verified, back, Against::Return),
        (&failed, Some(Kind::Failed), fallen),
        (
            &State::Installing,
            Some(Kind::Waiting),
            Against::Wrong("failed"),
        ),
    ] {
        assert!(!other(state, needs, &left).1, "{state:?} {left:?}");
    }
}
