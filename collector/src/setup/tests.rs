use super::*;
use patchward_common::time::DAY_MS;

const NOW: UtcMs = UtcMs(1_800_000_000_000);

/// A hospital of three units in which all is done.
fn whole() -> Facts {
    let unit = |name: &str| UnitFacts {
        name: name.into(),
        machines: 4,
        active: 4,
        has_window: true,
        is_called: true,
        ..UnitFacts::default()
    };
    let account = |name: &str, role| AccountFacts {
        name: name.into(),
        roles: vec![role],
        has_begun: true,
        has_factor: true,
    };
    Facts {
        charter_until: Some(NOW.plus_ms(DAY_MS)),
        registrars: vec!["rita".into(), "rob".into()],
        roster_until: Some(NOW.plus_ms(DAY_MS)),
        go_key_is_named: true,
        go_key: ("collector".into(), "ab12".into()),
        approvers: vec![("ada".into(), 2), ("ben".into(), 2)],
        keys_asked: 0,
        signers: 2,
        sites: vec![("main".into(), 3)],
        units: ["icu", "or-1", "lab"].map(unit).into(),
        assets: 12,
        waiting: 0,
        heard: true,
        vendors: vec![("acme".into(), true)],
        page: true,
        factor_required: true,
        accounts: vec![
            account("root-ada", Role::Admin),
            account("olga", Role::Operator),
            account("ada", Role::Approver),
        ],
        notices: vec![NoticeFacts {
            name: "duty".into(),
            has_arrived: true,
            problem: None,
        }],
    }
}

fn step(facts: &Facts, title: &str) -> Step {
    let mut found = steps(facts, NOW);
    found.retain(|step| step.title.starts_with(title));
    assert_eq!(found.len(), 1, "{title}");
    found.remove(0)
}

/// Asserts how a step stands after `change`, and that it says `text`.
fn changed(title: &str, change: impl Fn(&mut Facts), state: State, text: &str) {
    let mut facts = whole();
    change(&mut facts);
    let step = step(&facts, title);
    assert_eq!(step.state, state, "{title}: {}", step.found);
    assert!(step.found.contains(text), "{title}: {}", step.found);
}

#[test]
fn nothing_is_there_and_one_step_leads_on() {
    let all = steps(&Facts::default(), NOW);
    let progress = Progress::of(&all);
    assert_eq!(progress.next.unwrap().title, "Hospital root and charter");
    let next: Vec<&str> = {
        let next = all.iter().filter(|step| step.state == State::Next);
        next.map(|step| step.title).collect()
    };
    // What needs no signature may begin on the same morning.
    assert_eq!(
        next,
        [
            "Hospital root and charter",
            "Sites and units",
            "Notices by webhook or mail",
        ]
    );
    assert_eq!(
        (progress.done, progress.of),
        (1, 16),
        "no page, no accounts"
    );
    assert_eq!(
        progress.text(),
        "Setup is not finished: 1 of 16; next: Hospital root and charter (keepers of the root keys)."
    );
}

#[test]
fn all_is_done_and_what_cannot_be_seen_is_not_counted() {
    let all = steps(&whole(), NOW);
    let open: Vec<&Step> = all
        .iter()
        .filter(|step| step.state != State::Done)
        .collect();
    assert_eq!(open.len(), 1, "{open:?}");
    assert_eq!(open[0].state, State::Unseen);
    let progress = Progress::of(&all);
    assert_eq!(progress.next, None);
    assert_eq!(
        progress.text(),
        "Setup is finished: 17 of 17 steps are done."
    );
    // Who is done has nothing to do.
    let done = all.iter().filter(|step| step.state == State::Done);
    assert!(
        done.clone()
            .all(|step| step.todo.is_empty() && step.page.is_empty())
    );
}

#[test]
fn whoever_has_to_act_is_told_what_and_where() {
    let mut facts = whole();
    for unit in &mut facts.units {
        *unit = UnitFacts {
            name: std::mem::take(&mut unit.name),
            ..UnitFacts::default()
        };
    }
    facts.registrars.clear();
    facts.approvers.clear();
    (facts.vendors, facts.accounts, facts.notices) = (Vec::new(), Vec::new(), Vec::new());
    facts.assets = 0;
    for step in steps(&facts, NOW) {
        if matches!(step.state, State::Next | State::Waiting) {
            assert!(!step.todo.is_empty(), "{}", step.title);
            let is_led = step.page.starts_with('/') || !step.typed.is_empty();
            assert!(is_led, "{}", step.title);
        }
        assert!(step.found.ends_with('.'), "{}", step.found);
    }
}

#[test]
fn documents_end_and_are_named() {
    let root = "Hospital root";
    changed(root, |f| f.charter_until = None, State::Next, "no charter");
    changed(
        root,
        |f| f.charter_until = Some(NOW),
        State::Next,
        "ended on 2027-01-15",
    );
    let one = |f: &mut Facts| f.registrars.truncate(1);
    changed("Two registrars", one, State::Next, "rita is the only one");
    let none = |f: &mut Facts| f.registrars.clear();
    changed("Two registrars", none, State::Next, "names none");
    let roster = "Roster in force";
    changed(roster, |f| f.roster_until = None, State::Next, "no roster");
    changed(roster, |f| f.roster_until = Some(NOW), State::Next, "ended");
    changed(roster, |f| f.go_key_is_named = false, State::Next, "go-key");
    changed(roster, |f| f.charter_until = None, State::Later, "charter");
    assert!(
        step(
            &Facts {
                roster_until: None,
                ..whole()
            },
            roster
        )
        .todo
        .contains("collector with the go-key ab12")
    );
}

#[test]
fn who_has_one_key_is_named() {
    let approvers = "Approvers";
    let one = |f: &mut Facts| f.approvers[1].1 = 1;
    let said = "1 of 2 approvers has fewer than 2 keys that count: ben.";
    changed(approvers, one, State::Next, said);
    let few = |f: &mut Facts| f.approvers.truncate(1);
    changed(
        approvers,
        few,
        State::Next,
        "There is 1, and plans may ask for 2.",
    );
    let asked = |f: &mut Facts| f.keys_asked = 1;
    changed(approvers, asked, State::Waiting, "1 key of a browser waits");
    let none = |f: &mut Facts| f.roster_until = None;
    changed(approvers, none, State::Later, "roster");
}

#[test]
fn what_units_lack_is_counted() {
    let window = |f: &mut Facts| (f.units[0].has_window, f.units[2].has_window) = (false, false);
    let said = "2 of 3 units have no window: icu, lab.";
    changed("Windows", window, State::Next, said);
    let alone = |f: &mut Facts| f.units[1].is_called = false;
    changed(
        "Who is called",
        alone,
        State::Next,
        "1 of 3 units has nobody who is called",
    );
    let empty = |f: &mut Facts| f.units[1].machines = 0;
    changed(
        "First machines",
        empty,
        State::Next,
        "1 of 3 units has no machine: or-1.",
    );
    changed(
        "Enrolment tokens",
        empty,
        State::Next,
        "nor a token that counts: or-1.",
    );
    let token = |f: &mut Facts| (f.units[1].machines, f.units[1].has_token) = (0, true);
    changed("Enrolment tokens", token, State::Done, "");
    let waiting = |f: &mut Facts| f.waiting = 4;
    changed(
        "First machines",
        waiting,
        State::Waiting,
        "4 machines wait to be accepted.",
    );
    let unassigned = |f: &mut Facts| f.units[0].unassigned = 1;
    let said = "1 of 12 machines stands in no signed assignment.";
    changed("Assignment", unassigned, State::Next, said);
    let untold = |f: &mut Facts| f.units[0].untold = 3;
    let said = "3 of 12 machines do not tell whether they are in use.";
    changed("Interlock", untold, State::Next, said);
    let one = |f: &mut Facts| f.units[0].untold = 1;
    let said = "1 of 12 machines does not tell whether it is in use.";
    changed("Interlock", one, State::Next, said);
    let no_site = |f: &mut Facts| f.sites.push(("outpost".into(), 0));
    changed(
        "Sites",
        no_site,
        State::Next,
        "1 of 2 sites has no unit: outpost.",
    );
    changed("Asset list", |f| f.assets = 0, State::Next, "No asset");
    let many = |f: &mut Facts| {
        let unit = f.units[0].clone();
        f.units = vec![unit; 7];
        f.units.iter_mut().for_each(|unit| unit.has_window = false);
    };
    changed(
        "Windows",
        many,
        State::Next,
        "icu, icu, icu, icu and 3 more.",
    );
}

#[test]
fn modes_rise_unit_by_unit() {
    let modes = "Units from observe";
    let begun = |f: &mut Facts| {
        (f.units[0].active, f.units[1].active) = (0, 0);
        f.units[1].rehearsing = 2;
    };
    let said = "Of 3 units: 1 observe, 1 rehearse, 1 active. Still observing: icu.";
    changed(modes, begun, State::Next, said);
    let unsigned = |f: &mut Facts| {
        for unit in &mut f.units {
            (unit.active, unit.unassigned) = (0, 4);
        }
    };
    changed(modes, unsigned, State::Later, "signed with the assignment");
    let manual = |f: &mut Facts| (f.units[0].active, f.units[0].manual) = (0, 4);
    changed(modes, manual, State::Done, "3 of 3 units");
}

#[test]
fn people_follow_their_links_and_set_up_what_is_asked_for() {
    let people = "People";
    let nobody = |f: &mut Facts| drop(f.accounts.remove(1));
    changed(people, nobody, State::Next, "Nobody has the role operator.");
    let invited = |f: &mut Facts| f.accounts[2].has_begun = false;
    let said = "1 of 3 people has not followed the link yet: ada.";
    changed(people, invited, State::Waiting, said);
    let bare = |f: &mut Facts| f.accounts[2].has_factor = false;
    changed(
        people,
        bare,
        State::Waiting,
        "1 of 3 people has no second factor",
    );
    let offered = |f: &mut Facts| (f.accounts[2].has_factor, f.factor_required) = (false, false);
    changed(people, offered, State::Done, "3 accounts");
    changed(people, |f| f.page = false, State::Done, "no page");
    let notices = "Notices";
    changed(
        notices,
        |f| f.notices.clear(),
        State::Next,
        "Nobody is told",
    );
    let lost = |f: &mut Facts| {
        f.notices[0].has_arrived = false;
        f.notices[0].problem = Some("it refused".into());
    };
    let said = "1 of 1 target is not reached yet: duty. The last word: it refused.";
    changed(notices, lost, State::Waiting, said);
    changed(
        "Firewall",
        |f| f.heard = false,
        State::Unseen,
        "Not seen from here",
    );
    let unread = |f: &mut Facts| f.vendors.push(("beta".into(), false));
    changed(
        "Vendors",
        unread,
        State::Next,
        "1 of 2 vendors was never read: beta.",
    );
    changed(
        "Vendors",
        |f| f.vendors.clear(),
        State::Next,
        "pins no vendor",
    );
}
