//! Sets of UTC intervals: allowed time is the union of windows less the union of freezes.

use patchward_common::time::{Interval, UtcMs};

/// The union of `intervals`: sorted, apart, those that touch merged.
pub fn union(intervals: impl IntoIterator<Item = Interval>) -> Vec<Interval> {
    let mut sorted: Vec<Interval> = intervals.into_iter().collect();
    sorted.sort();
    let mut union: Vec<Interval> = Vec::with_capacity(sorted.len());
    for next in sorted {
        match union.last_mut() {
            Some(last) if next.start() <= last.end() => {
                let end = last.end().max(next.end());
                *last = spanning(last.start(), end).unwrap_or(*last);
            }
            _ => union.push(next),
        }
    }
    union
}

/// What of `from` is in no interval of `taken`. Both are made unions first.
pub fn difference(from: &[Interval], taken: &[Interval]) -> Vec<Interval> {
    let taken = union(taken.iter().copied());
    let mut left = Vec::new();
    for whole in union(from.iter().copied()) {
        let mut start = whole.start();
        let first = taken.partition_point(|gone| gone.end() <= whole.start());
        for gone in taken[first..]
            .iter()
            .take_while(|g| g.start() < whole.end())
        {
            left.extend(spanning(start, gone.start()));
            start = gone.end();
        }
        left.extend(spanning(start, whole.end()));
    }
    left
}

/// The part of each interval that lies within `range`.
pub fn within(intervals: &[Interval], range: Interval) -> Vec<Interval> {
    let cut = intervals.iter().filter_map(|interval| {
        spanning(
            interval.start().max(range.start()),
            interval.end().min(range.end()),
        )
    });
    cut.collect()
}

/// Allowed time: windows less freezes. No window means never.
pub fn allowed(windows: &[Interval], freezes: &[Interval]) -> Vec<Interval> {
    difference(windows, freezes)
}

/// The interval between two instants; `None` where it would be empty.
fn spanning(start: UtcMs, end: UtcMs) -> Option<Interval> {
    Interval::new(start, end).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(pairs: &[(i64, i64)]) -> Vec<Interval> {
        let intervals = pairs.iter();
        intervals
            .map(|(start, end)| Interval::new(UtcMs(*start), UtcMs(*end)).unwrap())
            .collect()
    }

    #[test]
    fn what_overlaps_or_touches_is_one() {
        let merged = union(of(&[(5, 9), (0, 3), (3, 4), (8, 12), (9, 10)]));
        assert_eq!(merged, of(&[(0, 4), (5, 12)]));
    }

    #[test]
    fn freezes_cut_windows() {
        let windows = of(&[(0, 10), (20, 30), (40, 50)]);
        let freezes = of(&[(2, 3), (3, 4), (9, 22), (35, 60)]);
        assert_eq!(allowed(&windows, &freezes), of(&[(0, 2), (4, 9), (22, 30)]));
        assert_eq!(allowed(&[], &freezes), []);
        assert_eq!(allowed(&windows, &[]), windows);
    }

    fn intervals() -> impl Strategy<Value = Vec<Interval>> {
        let one = (0i64..100, 1i64..20).prop_map(|(start, length)| (start, start + length));
        prop::collection::vec(one, 0..8).prop_map(|pairs| of(&pairs))
    }

    proptest! {
        #[test]
        fn an_instant_is_allowed_where_a_window_is_and_no_freeze(
            windows in intervals(),
            freezes in intervals(),
        ) {
            let allowed = allowed(&windows, &freezes);
            prop_assert!(allowed.is_sorted_by(|a, b| a.end() < b.start() || a.end() == b.start()));
            for at in (0..130).map(UtcMs) {
                let within = |set: &[Interval]| set.iter().any(|i| i.contains(at));
                prop_assert_eq!(within(&allowed), within(&windows) && !within(&freezes));
            }
        }
    }
}
