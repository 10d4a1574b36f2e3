use super::*;

fn day(days: i64) -> UtcMs {
    UtcMs(days * DAY_MS)
}

fn thing(what: What, from: Option<i64>, ends: i64) -> Expires {
    Expires {
        what,
        subject: what.word().to_owned(),
        life: Life {
            from: from.map(day),
            ends: day(ends),
        },
    }
}

/// The steps that are told on the way to the end, each with the day on which it begins.
fn told(one: &Expires) -> Vec<(Step, i64)> {
    let last = one.life.ends.0 / DAY_MS + 5;
    let mut told: Vec<(Step, i64)> = Vec::new();
    for now in 0..=last {
        if let Some(warning) = one.warning(day(now)) {
            assert!(warning.since <= day(now));
            if told.last().is_none_or(|(step, _)| *step != warning.step) {
                assert_eq!(warning.since, day(now), "{one:?}");
                told.push((warning.step, now));
            }
        } else {
            assert!(told.is_empty(), "a warning that ends by itself: {one:?}");
        }
    }
    told
}

#[test]
fn what_lives_for_a_year_is_warned_of_three_times_and_when_it_has_ended() {
    let charter = thing(What::Charter, Some(0), 365);
    let expected = [
        (Step::Quarter, 275),
        (Step::Month, 335),
        (Step::Week, 358),
        (Step::Over, 365),
    ];
    assert_eq!(told(&charter), expected);
    // To the millisecond.
    let just_before = UtcMs(day(275).0 - 1);
    assert_eq!(charter.warning(just_before), None);
    assert_eq!(charter.warning(day(275)).unwrap().since, day(275));
    // A beginning that nobody knows.
    assert_eq!(told(&thing(What::VendorRoot, None, 365)), expected);
}

#[test]
fn what_lives_shortly_is_not_warned_of_all_its_life() {
    let steps = |one: &Expires| told(one).into_iter().map(|(step, _)| step.days());
    let of = |what, from, ends| steps(&thing(what, from, ends)).collect::<Vec<_>>();
    assert_eq!(of(What::Roster, Some(0), 90), [30, 7, 0]);
    assert_eq!(of(What::Roster, Some(0), 180), [90, 30, 7, 0]);
    assert_eq!(of(What::Roster, Some(0), 179), [30, 7, 0]);
    assert_eq!(of(What::Roster, Some(0), 59), [7, 0]);
    assert_eq!(of(What::Program, Some(0), 13), [0]);
    assert_eq!(of(What::Custodian, None, 90), [30, 7, 0]);
}

/// 30 days before its end a machine renews its certificate: that is no warning.
#[test]
fn what_renews_itself_is_warned_of_when_it_did_not() {
    for what in [What::Machine, What::Collector] {
        let told = told(&thing(what, Some(0), 90));
        assert_eq!(told, [(Step::Week, 83), (Step::Over, 90)]);
    }
}

#[test]
fn it_is_raised_from_a_month_on_or_from_the_first_step_that_counts() {
    let raised = |one: Expires, now| one.warning(day(now)).unwrap().raise_at;
    assert_eq!(raised(thing(What::Charter, Some(0), 365), 280), day(335));
    assert_eq!(raised(thing(What::Machine, Some(0), 90), 84), day(83));
    assert_eq!(raised(thing(What::Program, Some(0), 5), 6), day(5));
}

#[test]
fn a_warning_says_what_ends_what_happens_then_and_what_to_do() {
    for what in WHATS {
        let one = thing(what, Some(0), 400);
        let soon = one.warning(day(395)).unwrap().why();
        let over = one.warning(day(401)).unwrap().why();
        assert!(soon.contains(" ends at 1971-"), "{soon}");
        assert!(over.contains(" ended at 1971-"), "{over}");
        assert!(soon.contains("then"), "{soon}");
    }
    let words: std::collections::BTreeSet<_> = WHATS.iter().map(|what| what.word()).collect();
    assert_eq!(words.len(), WHATS.len());
    assert_eq!(WHATS.len(), What::Relay as usize + 1, "the last kind");
}

#[test]
fn a_clock_that_went_mad_breaks_nothing() {
    for ends in [i64::MIN, -1, 0, i64::MAX] {
        let one = Expires {
            life: Life {
                from: None,
                ends: UtcMs(ends),
            },
            ..thing(What::Roster, None, 0)
        };
        for now in [i64::MIN, 0, i64::MAX] {
            let _ = one.warning(UtcMs(now)).map(|warning| warning.why());
        }
    }
}
