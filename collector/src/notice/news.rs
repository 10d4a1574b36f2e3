//! What is news: told once, and once more when it is over. What comes and goes is told at
//! most once an hour.

use super::Notice;
use patchward_common::time::{HOUR_MS, UtcMs};
use std::collections::BTreeMap;

/// What was open, ended and is open again since the same instant, was told twice already:
/// for so long nothing is told of it.
pub const FLAPPING_MS: i64 = HOUR_MS;

/// What was told before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// What was said when it was new.
    pub notice: Notice,
    /// When it was over.
    pub ended_at: Option<UtcMs>,
}

/// What is news of `open` to who was told `known`, at most `room` of it: first what is over.
/// What finds no room is news the next time.
pub fn news(known: &[Known], open: &[Notice], now: UtcMs, room: usize) -> Vec<Notice> {
    let key = |notice: &Notice| (notice.item.clone(), notice.since);
    let is_open: BTreeMap<_, _> = open.iter().map(|notice| (key(notice), notice)).collect();
    let was_told: BTreeMap<_, _> = known.iter().map(|one| (key(&one.notice), one)).collect();
    let over = known
        .iter()
        .filter(|one| one.ended_at.is_none() && !is_open.contains_key(&key(&one.notice)))
        .map(|one| one.notice.clone().ended());
    let new = is_open.iter().filter(|(key, _)| match was_told.get(*key) {
        None => true,
        Some(one) => one
            .ended_at
            .is_some_and(|ended| now.since_ms(ended) >= FLAPPING_MS),
    });
    let new = new.map(|(_, notice)| (*notice).clone());
    over.chain(new).take(room).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::item;
    use super::super::{Event, Notice};
    use super::*;
    use crate::item::Kind;

    fn notice(subject: &str, since: i64) -> Notice {
        let mut item = item(Kind::Failed, subject, None);
        item.since = UtcMs(since);
        Notice::of(&item)
    }

    fn told(notice: &Notice, ended_at: Option<i64>) -> Known {
        Known {
            notice: notice.clone(),
            ended_at: ended_at.map(UtcMs),
        }
    }

    fn words(news: &[Notice]) -> Vec<(String, i64, Event)> {
        let words = news.iter();
        words
            .map(|one| (one.item.clone(), one.since, one.event))
            .collect()
    }

    #[test]
    fn each_item_is_told_once_and_once_when_it_is_over() {
        let (a, b) = (notice("a", 1), notice("b", 2));
        let open = [a.clone(), b.clone()];
        let first = news(&[], &open, UtcMs(10), 9);
        assert_eq!(first, open);
        let known = [told(&a, None), told(&b, None)];
        assert_eq!(news(&known, &open, UtcMs(20), 9), []);
        let over = news(&known, std::slice::from_ref(&b), UtcMs(30), 9);
        assert_eq!(words(&over), [("failed:a".into(), 1, Event::Ended)]);
        let known = [told(&a, Some(30)), told(&b, None)];
        assert_eq!(news(&known, std::slice::from_ref(&b), UtcMs(40), 9), []);
        // The same step of the same thing, later: another matter.
        let again = notice("a", 50);
        let found = news(&known, &[again, b], UtcMs(60), 9);
        assert_eq!(words(&found), [("failed:a".into(), 50, Event::New)]);
    }

    #[test]
    fn what_comes_and_goes_is_told_once_an_hour() {
        let a = notice("a", 1);
        let known = [told(&a, Some(100))];
        let at = |ms: i64| news(&known, std::slice::from_ref(&a), UtcMs(ms), 9).len();
        assert_eq!(at(101), 0);
        assert_eq!(at(100 + FLAPPING_MS - 1), 0);
        assert_eq!(at(100 + FLAPPING_MS), 1);
    }

    #[test]
    fn what_finds_no_room_waits_and_what_is_over_goes_first() {
        let (a, b, c) = (notice("a", 1), notice("b", 2), notice("c", 3));
        let known = [told(&c, None)];
        let found = news(&known, &[a.clone(), b], UtcMs(9), 2);
        let expected = [
            ("failed:c".to_owned(), 3, Event::Ended),
            ("failed:a".to_owned(), 1, Event::New),
        ];
        assert_eq!(words(&found), expected);
        assert_eq!(news(&known, &[a], UtcMs(9), 0), []);
    }
}
