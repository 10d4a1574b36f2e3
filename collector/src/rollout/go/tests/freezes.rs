//! Freezes and the calendars that they come from.

use super::*;

#[test]
fn freezes_and_calendars() {
    let freeze = |area, subject: &str| Freeze {
        id: label("go-live"),
        area,
        subject: subject.into(),
        start: NOW,
        end: NOW.plus_ms(1),
        reason: "go-live".into(),
        source: name("manual"),
    };
    for (area, subject, frozen) in [
        (Area::All, "", true),
        (Area::Site, "main", true),
        (Area::Site, "other", false),
        (Area::Unit, "icu", true),
        (Area::Unit, "ward", false),
        (Area::Machine, "x", false),
    ] {
        let said = after(|s, _| s.freezes.push(freeze(area, subject)));
        assert_eq!(said.is_err(), frozen, "{area:?} {subject}");
    }
    let emergency = |freezes| Emergency {
        reason: label("KEV"),
        freezes,
    };
    let overridden = |id: &str| {
        after(|s, p| {
            s.freezes.push(freeze(Area::All, ""));
            p.approval.emergency = Some(emergency(vec![label(id)]));
        })
    };
    assert_eq!(overridden("go-live"), Ok(()));
    assert!(overridden("another").is_err());
    let past = after(|s, _| {
        let mut freeze = freeze(Area::All, "");
        (freeze.start, freeze.end) = (NOW.plus_ms(-2), NOW);
        s.freezes.push(freeze);
    });
    assert_eq!(past, Ok(()));
    // The whole run, 20 minutes, must be over before a freeze begins.
    let begins = |after_ms: i64, is_overridden: bool| {
        after(|s, p| {
            let mut freeze = freeze(Area::Unit, "icu");
            freeze.start = NOW.plus_ms(after_ms);
            freeze.end = NOW.plus_ms(after_ms + 1);
            s.freezes.push(freeze);
            let freezes = vec![label("go-live")];
            p.approval.emergency = is_overridden.then(|| emergency(freezes));
        })
    };
    let run_ms = 20 * MINUTE_MS;
    for after_ms in [1, run_ms - 1] {
        let (from, reason) = (NOW.plus_ms(after_ms), "go-live".into());
        let begun = Err(Not::FreezeBegins { from, reason });
        assert_eq!(begins(after_ms, false), begun);
        assert_eq!(begins(after_ms, true), Ok(()));
    }
    assert_eq!(begins(run_ms, false), Ok(()));
    let old = after(|s, _| s.feeds[0].read_at = NOW.plus_ms(-FEED_LIFE_MS - 1));
    assert_eq!(old, Err(Not::Feed(name("theatre"))));
    // One whose freezes hold elsewhere says nothing about this machine.
    for (area, subject, stops) in [
        (Area::All, "", true),
        (Area::Site, "main", true),
        (Area::Site, "other", false),
        (Area::Unit, "ward", false),
    ] {
        let said = after(|s, _| {
            let feed = &mut s.feeds[0];
            (feed.area, feed.subject) = (area, subject.into());
            feed.read_at = NOW.plus_ms(-FEED_LIFE_MS - 1);
        });
        assert_eq!(said.is_err(), stops, "{area:?} {subject}");
    }
}
