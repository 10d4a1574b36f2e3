//! Challenges that wait for their answer: each good once, for a while, for one browser.

use patchward_common::digest::Digest;
use patchward_common::time::UtcMs;
use std::collections::{BTreeMap, HashMap};

/// Most that wait at once: some 5 MB. Whoever has no account may ask for one, so where all
/// places are taken the oldest gives way: to keep a person from answering, a flood has to bring
/// this many in the seconds that the person takes, again and again; and passwords still work.
pub(super) const MAX_WAITING: usize = 16_384;

struct Place<T> {
    number: u64,
    until: UtcMs,
    what: T,
}

/// What waits, by who has to bring the answer.
pub(super) struct Waiting<T> {
    places: HashMap<Digest, Place<T>>,
    /// The order of their coming.
    order: BTreeMap<u64, Digest>,
    next: u64,
}

impl<T> Default for Waiting<T> {
    fn default() -> Self {
        Self {
            places: HashMap::new(),
            order: BTreeMap::new(),
            next: 0,
        }
    }
}

impl<T> Waiting<T> {
    /// Has `what` wait until `until`, in place of what waited for the same browser.
    pub(super) fn put(&mut self, who: Digest, what: T, until: UtcMs, now: UtcMs) {
        self.remove(&who);
        while let Some((&number, &oldest)) = self.order.first_key_value() {
            let oldest_is_over = self
                .places
                .get(&oldest)
                .is_none_or(|place| place.until <= now);
            if !oldest_is_over && self.places.len() < MAX_WAITING {
                break;
            }
            self.order.remove(&number);
            self.places.remove(&oldest);
        }
        let number = self.next;
        self.next += 1;
        self.order.insert(number, who);
        let place = Place {
            number,
            until,
            what,
        };
        self.places.insert(who, place);
    }

    /// Takes what waits for a browser: it waits no more, whatever comes of it.
    pub(super) fn take(&mut self, who: &Digest, now: UtcMs) -> Option<T> {
        self.remove(who)
            .filter(|place| place.until > now)
            .map(|place| place.what)
    }

    fn remove(&mut self, who: &Digest) -> Option<Place<T>> {
        let place = self.places.remove(who)?;
        self.order.remove(&place.number);
        Some(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UtcMs = UtcMs(1_000);

    fn who(number: usize) -> Digest {
        Digest::of(&number.to_be_bytes())
    }

    #[test]
    fn a_challenge_is_taken_once_by_its_own_browser_and_in_time() {
        let mut waiting = Waiting::default();
        let until = NOW.plus_ms(10);
        waiting.put(who(1), "a", until, NOW);
        assert_eq!(waiting.take(&who(2), NOW), None, "of another browser");
        assert_eq!(waiting.take(&who(1), NOW), Some("a"));
        assert_eq!(waiting.take(&who(1), NOW), None, "a second time");
        waiting.put(who(1), "b", until, NOW);
        assert_eq!(waiting.take(&who(1), until), None, "too late");
        waiting.put(who(1), "c", until, NOW);
        waiting.put(who(1), "d", until, NOW);
        assert_eq!(waiting.take(&who(1), NOW), Some("d"), "the newest alone");
    }

    #[test]
    fn a_flood_takes_no_more_than_the_places() {
        let mut waiting = Waiting::default();
        for number in 0..=MAX_WAITING {
            waiting.put(who(number), number, NOW.plus_ms(10), NOW);
        }
        assert_eq!(waiting.places.len(), MAX_WAITING);
        assert_eq!(waiting.order.len(), MAX_WAITING);
        assert_eq!(waiting.take(&who(0), NOW), None, "the oldest gave way");
        assert_eq!(waiting.take(&who(1), NOW), Some(1));
        // What is over goes as soon as another comes.
        waiting.put(who(0), 0, NOW.plus_ms(20), NOW.plus_ms(10));
        assert_eq!((waiting.places.len(), waiting.order.len()), (1, 1));
        // One browser that asks again and again has one place.
        for number in 0..100 {
            waiting.put(who(0), number, NOW.plus_ms(20), NOW);
        }
        assert_eq!((waiting.places.len(), waiting.order.len()), (1, 1));
    }
}
