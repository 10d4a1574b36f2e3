use super::*;

/// 2026-11-23T00:00:00Z, a Monday.
const MONDAY: UtcMs = UtcMs(1_795_392_000_000);

fn slot(from_hour: i64, hours: i64) -> Interval {
    let from = MONDAY.plus_ms(from_hour * HOUR_MS);
    Interval::new(from, from.plus_ms(hours * HOUR_MS)).unwrap()
}

fn row(machine: &str, wave: u32, slots: &[Interval]) -> Row {
    Row {
        machine: machine.into(),
        wave,
        slots: slots.to_vec(),
    }
}

fn group(name: Option<&str>, rows: Vec<Row>) -> Group {
    Group {
        name: name.map(str::to_owned),
        minimum: name.map(|_| (2, 3)),
        rows,
    }
}

fn draw(groups: &[Group]) -> Option<String> {
    let zone = TimeZone::get("Europe/Berlin").unwrap();
    drawn(&Timeline {
        groups,
        zone: &zone,
        now: MONDAY.plus_ms(5 * HOUR_MS),
    })
}

#[test]
fn first_slots_are_strong_spare_ones_faint_and_groups_say_their_minimum() {
    let groups = [
        group(
            Some("reading <rooms>"),
            vec![
                row("rr-1", 1, &[slot(1, 2), slot(25, 2)]),
                row("rr-2", 2, &[slot(49, 2)]),
            ],
        ),
        group(None, vec![row("gw-1", 1, &[slot(2, 2)])]),
    ];
    let svg = draw(&groups).unwrap();
    assert_eq!(
        svg.matches("<rect class=\"p-calm\" x=\"").count(),
        3 + 1,
        "with its sign"
    );
    assert_eq!(svg.matches("<rect class=\"f-calm\" x=\"").count(), 1 + 1);
    assert!(svg.contains("reading &lt;rooms&gt;: at least 2 of 3 stay ready"));
    assert!(svg.contains("In no coverage group"));
    assert!(
        svg.contains("rr-1, wave 1, first slot: Mon 23 Nov, 02:00 to 04:00"),
        "{svg}"
    );
    assert!(svg.contains("Wave 1: first slots from Mon 23 Nov 02:00 to Mon 23 Nov 05:00."));
    // Midnights of Tue and Wed; the first day began before the picture does.
    assert_eq!(svg.matches("class=\"grid\"").count(), 2);
    assert!(svg.contains("class=\"now\""));
    assert!(draw(&[]).is_none());
    assert!(draw(&[group(None, vec![row("x", 1, &[])])]).is_none());
}

#[test]
fn a_large_plan_is_bounded_and_says_what_is_left_out() {
    let rows = |from: u32| {
        let rows = (from..from + 50).map(|n| {
            let late = slot(24 * 70, 1);
            row(&format!("m-{n}"), n + 1, &[slot(i64::from(n), 1), late])
        });
        rows.collect::<Vec<_>>()
    };
    let groups = [
        group(Some("a"), rows(0)),
        group(Some("b"), rows(50)),
        group(Some("c"), rows(100)),
    ];
    let svg = draw(&groups).unwrap();
    assert_eq!(
        svg.matches("<rect class=\"p-calm\" x=\"").count(),
        MAX_ROWS + 1
    );
    assert!(svg.contains("Not drawn: 90 machines"));
    assert!(svg.contains("150 slots lie later than the 62 days"));
    assert!(svg.contains("138 later waves not marked"));
    assert_eq!(svg.matches(">b: at least").count(), 1);
    assert_eq!(
        svg.matches(">c: at least").count(),
        0,
        "no head without a row"
    );
    assert!(svg.len() < 60_000, "{}", svg.len());
}
