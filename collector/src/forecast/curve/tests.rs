use super::*;
use proptest::prelude::*;

fn hope(number: u8, slots: &[(i64, f64)]) -> Hope {
    let slots = slots.iter().map(|(end, chance)| Slot {
        end: UtcMs(*end),
        chance: *chance,
    });
    Hope {
        machine: MachineId([number; 32]),
        done: None,
        slots: slots.collect(),
    }
}

#[test]
fn the_count_has_the_distribution_that_was_worked_out_by_hand() {
    // 0.5 and 0.8: none 0.1, one 0.5, both 0.4.
    let counts = distribution(&[0.5, 0.8]);
    for (found, expected) in counts.iter().zip([0.1, 0.5, 0.4]) {
        assert!((found - expected).abs() < 1e-12, "{counts:?}");
    }
    let hopes = [hope(1, &[(10, 0.5)]), hope(2, &[(10, 0.8)])];
    let points = curve(&hopes, &[UtcMs(9), UtcMs(10)]);
    let shown: Vec<_> = points.iter().map(|p| (p.low, p.middle, p.high)).collect();
    assert_eq!(shown, [(0, 0, 0), (0, 1, 2)]);
}

#[test]
fn done_stays_done_and_a_job_without_slots_never_is() {
    let mut done = hope(1, &[]);
    done.done = Some(UtcMs(5));
    let hopes = [done, hope(2, &[])];
    let points = curve(&hopes, &[UtcMs(4), UtcMs(5), UtcMs(99)]);
    let middle: Vec<_> = points.iter().map(|p| (p.low, p.middle, p.high)).collect();
    assert_eq!(middle, [(0, 0, 0), (1, 1, 1), (1, 1, 1)]);
    assert_eq!(starving(&hopes), []);
}

#[test]
fn starvation_is_seen_before_it_happens() {
    let hopes = [
        hope(1, &[(10, 0.5), (20, 0.5), (30, 0.5)]),
        hope(2, &[(10, 0.5), (20, 0.5)]),
        hope(3, &[(10, 0.1), (20, 0.1), (30, 0.1)]),
    ];
    let found: Vec<u8> = starving(&hopes).iter().map(|(id, _)| id.0[0]).collect();
    assert_eq!(found, [3, 2]);
}

#[test]
fn a_due_date_is_kept_at_risk_or_missed() {
    let point = |low, middle| Point {
        at: UtcMs(0),
        low,
        middle,
        high: 10,
    };
    assert_eq!(due(&point(10, 10), 10), Due::Kept);
    assert_eq!(due(&point(8, 10), 10), Due::AtRisk(2));
    assert_eq!(due(&point(7, 9), 10), Due::Missed(1));
}

#[test]
fn the_approximation_is_within_a_machine_of_the_exact_count() {
    let hopes: Vec<_> = (0..=MOST_EXACT)
        .map(|n| hope(1, &[(10, 0.3 + 0.6 * (n as f64 / MOST_EXACT as f64))]))
        .collect();
    let near = point(&hopes, UtcMs(10));
    let chances: Vec<f64> = hopes.iter().map(|hope| hope.by(UtcMs(10))).collect();
    let counts = distribution(&chances);
    for (share, found) in [(0.1, near.low), (0.5, near.middle), (0.9, near.high)] {
        assert!(
            quantile(&counts, share).abs_diff(found) <= 1,
            "{share}: {found}"
        );
    }
}

fn hopes() -> impl Strategy<Value = Vec<Hope>> {
    let slot = (0i64..100, 0.0f64..=1.0);
    let one = (
        prop::collection::vec(slot, 0..6),
        prop::option::of(0i64..100),
    );
    prop::collection::vec(one, 0..40).prop_map(|all| {
        let made = all.into_iter().map(|(slots, done)| Hope {
            done: done.map(UtcMs),
            ..hope(1, &slots)
        });
        made.collect()
    })
}

proptest! {
    #[test]
    fn later_is_never_fewer_and_the_range_is_a_range(hopes in hopes()) {
        let times: Vec<UtcMs> = (0..=100).step_by(7).map(UtcMs).collect();
        for at in &times {
            // Without the running maximum: the exact distribution is monotone itself.
            let (now, next) = (point(&hopes, *at), point(&hopes, at.plus_ms(7)));
            prop_assert!(now.low <= next.low && now.middle <= next.middle && now.high <= next.high);
        }
        for point in curve(&hopes, &times) {
            prop_assert!(point.low <= point.middle && point.middle <= point.high);
            prop_assert!(point.high <= hopes.len());
        }
    }

    #[test]
    fn one_more_machine_or_a_better_chance_is_never_fewer(hopes in hopes(), chance in 0.0f64..=1.0) {
        let before = point(&hopes, UtcMs(50));
        let mut more = hopes.clone();
        more.push(hope(9, &[(50, chance)]));
        let after = point(&more, UtcMs(50));
        prop_assert!(before.low <= after.low && after.low <= before.low + 1);
        prop_assert_eq!(curve(&more, &[UtcMs(50)]), curve(&more, &[UtcMs(50)]));
    }
}
