//! Calendars that freezes come from: fetched from where they are, laid out, and given to
//! the store. A calendar that cannot be read keeps its last good copy and is raised.

mod fetch;

pub use fetch::{Unread, check_place, fetch, shown};

use crate::schedule::ical;
use crate::store::calendars::Calendar;
use crate::store::windows::Freeze;
use crate::store::{Actor, Store, StoreError};
use patchward_common::digest::Digest;
use patchward_common::id::{Label, Name};
use patchward_common::time::{DAY_MS, Interval, MINUTE_MS, UtcMs};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How far ahead a calendar is laid out: a year as people look at it, and more than four
/// times as far as a plan may reach.
pub const AHEAD_DAYS: i64 = 400;
/// How far back: a freeze that began yesterday may hold.
const BACK_DAYS: i64 = 2;
/// How often a calendar is read where nobody says it, in minutes.
pub const EVERY_MINUTES: u32 = 15;
/// Most minutes between two readings: a day, well under the week after which a calendar
/// counts as unread.
pub const MAX_EVERY_MINUTES: u32 = 24 * 60;

/// What a calendar says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// Its freezes, by id.
    pub freezes: Vec<Freeze>,
    /// What was passed over, with its line.
    pub notes: Vec<String>,
}

/// Lays out a calendar's text around `now`, by whole days, so that it says the same all
/// day long.
///
/// # Errors
/// What is wrong in it, with the line.
pub fn laid_out(calendar: &Calendar, body: &[u8], now: UtcMs) -> Result<Said, String> {
    let today = now.0.div_euclid(DAY_MS) * DAY_MS;
    let range = Interval::new(
        UtcMs(today).plus_ms(-BACK_DAYS * DAY_MS),
        UtcMs(today).plus_ms(AHEAD_DAYS * DAY_MS),
    );
    let range = range.map_err(|error| error.to_string())?;
    let zone = ical::zone_of(&calendar.zone)?;
    let read = ical::read(body, &zone, range).map_err(|error| error.to_string())?;
    let mut by_id: BTreeMap<Label, Freeze> = BTreeMap::new();
    for found in read.occurrences {
        let id = id(&calendar.name, &found)?;
        let freeze = Freeze {
            id: id.clone(),
            area: calendar.area,
            subject: calendar.subject.clone(),
            start: found.interval.start(),
            end: found.interval.end(),
            reason: match found.summary.is_empty() {
                true => "without a title".into(),
                false => found.summary,
            },
            source: calendar.name.clone(),
        };
        // Of two with one id and start the longer holds.
        let longer = by_id.get(&id).is_none_or(|known| known.end < freeze.end);
        if longer {
            by_id.insert(id, freeze);
        }
    }
    Ok(Said {
        freezes: by_id.into_values().collect(),
        notes: read.notes,
    })
}

/// A freeze's name: the calendar, the event and the start. One that moves has another
/// name, so that no emergency overrides what nobody saw when it was signed.
fn id(calendar: &Name, found: &ical::Occurrence) -> Result<Label, String> {
    let event = Digest::of(found.uid.as_bytes()).to_string();
    let start = found.interval.start().to_string();
    let start: String = start.chars().filter(|c| !matches!(c, '-' | ':')).collect();
    let name = format!("{calendar}/{}/{start}", &event[..8]);
    Label::new(&name).map_err(|error| error.to_string())
}

/// What became of reading a calendar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It says something new, or can be read again.
    New(Said),
    /// It says what it said.
    Same(Said),
    /// It could not be read; its last good copy stays.
    Problem(String),
}

/// Whether a calendar that says nothing any more is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Empty {
    /// A server that lost it looks like that: its last good copy stays.
    Doubted,
    /// A person looked at it.
    Accepted,
}

/// What is wrong with a calendar that had freezes to come and has none at all now.
fn emptied(calendar: &Calendar, before: &[Freeze], said: &Said, now: UtcMs) -> Option<String> {
    let to_come = |freezes: &[Freeze]| freezes.iter().filter(|one| now < one.end).count();
    (to_come(before) > 0 && to_come(&said.freezes) == 0).then(|| {
        format!(
            "it had freezes to come and has none at all now; where that is right, `freeze calendar \
             read {} --accept-empty`",
            calendar.name
        )
    })
}

/// Reads one calendar again and writes down what it says.
pub async fn read_again(
    store: &Store,
    actor: Actor,
    calendar: &Calendar,
    empty: Empty,
    now: UtcMs,
) -> Result<Outcome, StoreError> {
    let (last, before, problem) = {
        let mut view = store.view().await?;
        let feeds = view.feeds().await?;
        let feed = feeds.into_iter().find(|feed| feed.source == calendar.name);
        (
            view.calendar_body(&calendar.name).await?,
            view.freezes_of(&calendar.name).await?,
            feed.and_then(|feed| feed.problem),
        )
    };
    let read = match &calendar.place {
        Some(place) => fetch(place).await.map_err(|unread| unread.to_string()),
        None => last
            .clone()
            .ok_or_else(|| "its text is not in the store".to_owned()),
    };
    let said = match read {
        Ok(body) => laid_out_apart(calendar, Arc::new(body), now).await,
        Err(problem) => Err(problem),
    };
    let said = said.and_then(
        |(body, said)| match emptied(calendar, &before, &said, now) {
            Some(problem) if empty == Empty::Doubted => Err(problem),
            _ => Ok((body, said)),
        },
    );
    let text = match said {
        Ok((body, said)) => {
            let is_same = problem.is_none() && said.freezes == before;
            if is_same && last.as_deref() == Some(body.as_slice()) {
                store.calendar_tried(&calendar.name, true, now).await?;
                store.did(&actor);
                return Ok(Outcome::Same(said));
            }
            match keep(store, actor.clone(), calendar, &body, &said, now).await {
                Ok(()) => return Ok(Outcome::New(said)),
                // Its unit is gone, or somebody took the name of one of its freezes.
                Err(
                    error @ (StoreError::Conflict(_)
                    | StoreError::NotFound { .. }
                    | StoreError::Invalid(_)),
                ) => error.to_string(),
                Err(error) => return Err(error),
            }
        }
        Err(text) => text,
    };
    store.calendar_tried(&calendar.name, false, now).await?;
    store.did(&actor);
    // Raised once, and again where it becomes another one.
    if problem.as_deref() != Some(text.as_str()) && calendar.place.is_some() {
        let mut change = store.change(actor, now).await?;
        change.feed_failed(&calendar.name, &text).await?;
        change.commit().await?;
    }
    Ok(Outcome::Problem(text))
}

async fn keep(
    store: &Store,
    actor: Actor,
    calendar: &Calendar,
    body: &[u8],
    said: &Said,
    now: UtcMs,
) -> Result<(), StoreError> {
    let mut change = store.change(actor, now).await?;
    change.calendar_says(calendar, body, &said.freezes).await?;
    change.commit().await.map(|_| ())
}

/// Lays out on a thread of its own: a large calendar takes a second of a processor.
pub async fn laid_out_apart(
    calendar: &Calendar,
    body: Arc<Vec<u8>>,
    now: UtcMs,
) -> Result<(Arc<Vec<u8>>, Said), String> {
    let (of, text) = (calendar.clone(), body.clone());
    let said = tokio::task::spawn_blocking(move || laid_out(&of, &text, now)).await;
    let said = said.map_err(|error| format!("reading it failed: {error}"))??;
    Ok((body, said))
}

/// Whether it is time to read a calendar again.
pub fn is_due(calendar: &Calendar, now: UtcMs) -> bool {
    let minutes = match calendar.place {
        Some(_) => calendar.every_minutes,
        // What was handed in once is laid out further, day by day.
        None => MAX_EVERY_MINUTES,
    };
    let since = now.since_ms(calendar.tried_at);
    // A clock that went back does not keep it waiting.
    since < 0 || since >= i64::from(minutes) * MINUTE_MS
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::windows::Area;

    fn calendar() -> Calendar {
        Calendar {
            name: Name::new("theatre").unwrap(),
            area: Area::Unit,
            subject: "icu".into(),
            place: Some("https://calendar.example/a.ics".into()),
            zone: "Europe/Berlin".into(),
            every_minutes: 15,
            tried_at: UtcMs(0),
        }
    }

    #[test]
    fn one_that_had_freezes_to_come_and_has_none_is_doubted() {
        let said = |freezes: &[Freeze]| Said {
            freezes: freezes.to_vec(),
            notes: Vec::new(),
        };
        let freeze = Freeze {
            id: Label::new("theatre/1").unwrap(),
            area: Area::Unit,
            subject: "icu".into(),
            start: UtcMs(10),
            end: UtcMs(20),
            reason: "List".into(),
            source: Name::new("theatre").unwrap(),
        };
        let one = [freeze];
        for (before, now_says, at, is_doubted) in [
            (&one[..], &[][..], 15, true),
            // Its last freeze is over: it ran out, and nobody lost it.
            (&one, &[], 20, false),
            (&one, &one, 15, false),
            (&[], &[], 15, false),
        ] {
            let problem = emptied(&calendar(), before, &said(now_says), UtcMs(at));
            assert_eq!(problem.is_some(), is_doubted, "{before:?} at {at}");
        }
    }

    const TEXT: &str = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:a\nSUMMARY:List\n\
        DTSTART:20270301T080000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY\nEND:VEVENT\n\
        BEGIN:VEVENT\nUID:a\nSUMMARY:Longer\nDTSTART:20270301T080000Z\nDURATION:PT2H\n\
        END:VEVENT\nEND:VCALENDAR\n";

    #[test]
    fn a_calendar_says_the_same_all_day_and_has_names_of_its_own() {
        // 2027-03-01T00:00:00Z and a day less a millisecond.
        let morning = UtcMs(1_803_859_200_000);
        let said = laid_out(&calendar(), TEXT.as_bytes(), morning).unwrap();
        let evening = morning.plus_ms(DAY_MS - 1);
        assert_eq!(
            laid_out(&calendar(), TEXT.as_bytes(), evening).unwrap(),
            said
        );
        let next = laid_out(&calendar(), TEXT.as_bytes(), morning.plus_ms(DAY_MS)).unwrap();
        assert_ne!(next, said);
        assert_eq!(said.freezes.len() as i64, AHEAD_DAYS);
        let first = &said.freezes[0];
        assert_eq!(first.id.as_str(), "theatre/ca978112/20270301T080000Z");
        assert_eq!(
            (first.reason.as_str(), first.end.since_ms(first.start)),
            ("Longer", 120 * MINUTE_MS),
            "of two the longer holds"
        );
        let broken = TEXT.replace("RRULE:FREQ=DAILY", "RRULE:FREQ=NEVER");
        let error = laid_out(&calendar(), broken.as_bytes(), morning).unwrap_err();
        assert!(error.starts_with("line 7: "), "{error}");
    }

    #[test]
    fn a_calendar_is_due_after_its_minutes() {
        let mut calendar = calendar();
        for (now, due) in [
            (0, false),
            (15 * MINUTE_MS - 1, false),
            (15 * MINUTE_MS, true),
            (-1, true),
        ] {
            assert_eq!(is_due(&calendar, UtcMs(now)), due, "{now}");
        }
        calendar.place = None;
        assert!(!is_due(&calendar, UtcMs(DAY_MS - 1)));
        assert!(is_due(&calendar, UtcMs(DAY_MS)));
    }
}
