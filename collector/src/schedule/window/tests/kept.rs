//! What is refused before it is kept, and windows that open once.

use super::*;

/// What is kept can be laid out over the longest plan, whenever that begins.
#[test]
fn what_starts_too_often_is_refused_with_what_to_write() {
    for (cron, can) in [
        ("0 2 * * *", true),
        ("*/5 * * * *", true),
        ("0 0,12 * * *", true),
        ("* 2-5 * * *", true),
        ("* * * * Sun", true),
        ("* * * * *", false),
        ("*/4 * * * *", false),
        // Not tonight, and all of the same.
        ("* * * 6 *", false),
    ] {
        const DAY_MS: i64 = 24 * 60 * MINUTE_MS;
        let window = window(recurring(cron, "America/Chicago", 1));
        let found = window.can_be_planned();
        assert_eq!(found.is_ok(), can, "{cron}: {found:?}");
        let laid_out = (0..24).map(|month| {
            let from = at("2027-01-01T00:00:00Z").plus_ms(month * 30 * DAY_MS);
            window.openings(Interval::new(from, from.plus_ms(100 * DAY_MS)).unwrap())
        });
        assert_eq!(
            laid_out.into_iter().all(|found| found.is_ok()),
            can,
            "{cron}"
        );
    }
    let error = window(recurring("* * * * *", "UTC", 1)).can_be_planned();
    assert!(error.unwrap_err().to_string().contains("0 0,12 * * *"));
}

#[test]
fn a_window_that_opens_once_is_shown_in_its_zone_with_clock_changes() {
    let chicago = zone("America/Chicago").unwrap();
    for (at, minutes, start, change) in [
        // 02:30 does not exist: the end of the gap.
        ("2027-03-14T02:30:00", 60, "Sun 2027-03-14 03:00 CDT", true),
        ("2027-03-14T01:30:00", 60, "Sun 2027-03-14 01:30 CST", true),
        ("2027-03-14T03:01:00", 60, "Sun 2027-03-14 03:01 CDT", false),
        // 01:30 exists twice: the first.
        ("2027-11-07T01:30:00", 10, "Sun 2027-11-07 01:30 CDT", true),
        ("2027-11-07T03:30:00", 10, "Sun 2027-11-07 03:30 CST", false),
    ] {
        let start_at = at_local(&chicago, at.parse().unwrap()).unwrap();
        let open = Interval::new(start_at, start_at.plus_ms(minutes * MINUTE_MS)).unwrap();
        let once = Window::parse(&When::Once(open, "America/Chicago".into())).unwrap();
        let shown = once.preview(start_at.plus_ms(-1), 1).unwrap();
        assert_eq!(
            (shown[0].local_start.as_str(), shown[0].clock_change),
            (start, change),
            "{at}"
        );
        assert!(once.words().contains(start), "{}", once.words());
    }
    let gap = at_local(&chicago, "2027-03-14T02:30:00".parse().unwrap());
    assert_eq!(gap.unwrap().to_string(), "2027-03-14T08:00:00Z");
}
