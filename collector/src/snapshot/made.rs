//! Lists that were made of what was gathered.

use crate::control::Output;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

/// Most lists that are kept of one gathering: those that a few people sort and page through.
const MOST_MADE: usize = 16;

/// What was put into rows of something that was gathered: of the same gathering it is the same,
/// and of a large hospital it takes as long as many looks.
#[derive(Debug)]
pub struct MadeOf<T>(Mutex<Lists<T>>);

/// The lists of one gathering, by what was asked for. They do not keep it: where another took its
/// place, its memory is given back.
#[derive(Debug)]
struct Lists<T> {
    of: Weak<T>,
    made: HashMap<String, Arc<OnceLock<Arc<Output>>>>,
}

impl<T> Default for MadeOf<T> {
    fn default() -> Self {
        Self(Mutex::new(Lists {
            of: Weak::new(),
            made: HashMap::new(),
        }))
    }
}

impl<T> MadeOf<T> {
    /// What `make` says of `gathered` and nothing else, by what was asked for.
    pub fn made(
        &self,
        gathered: &Arc<T>,
        asked: &impl serde::Serialize,
        make: impl FnOnce() -> Output,
    ) -> Arc<Output> {
        let Ok(asked) = serde_json::to_string(asked) else {
            return Arc::new(make());
        };
        let place = self.place(gathered, asked);
        // Who asks for the same meanwhile waits for it.
        Arc::clone(place.get_or_init(|| Arc::new(make())))
    }

    fn place(&self, gathered: &Arc<T>, asked: String) -> Arc<OnceLock<Arc<Output>>> {
        let mut lists = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lists.of.as_ptr() != Arc::as_ptr(gathered) {
            lists.of = Arc::downgrade(gathered);
            lists.made.clear();
        }
        if lists.made.len() >= MOST_MADE && !lists.made.contains_key(&asked) {
            lists.made.clear();
        }
        Arc::clone(lists.made.entry(asked).or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_made_once_of_each_gathering() {
        let made = MadeOf::default();
        let ask = |of: &Arc<u32>, asked: &str| {
            let output = made.made(of, &asked, || Output::Text(format!("{asked} of {of}")));
            match &*output {
                Output::Text(text) => (text.clone(), Arc::as_ptr(&output)),
                other => panic!("{other:?}"),
            }
        };
        let (first, second) = (Arc::new(1), Arc::new(2));
        let (text, place) = ask(&first, "all");
        assert_eq!(text, "all of 1");
        assert_eq!(ask(&first, "all").1, place);
        assert_eq!(ask(&first, "some").0, "some of 1");
        // Another gathering of the same has lists of its own.
        assert_eq!(ask(&second, "all").0, "all of 2");
        assert_eq!(ask(&first, "all").0, "all of 1");
        for number in 0..2 * MOST_MADE {
            ask(&first, &number.to_string());
        }
        assert!(made.0.lock().unwrap().made.len() <= MOST_MADE);
        drop(first);
        drop(second);
        assert!(made.0.lock().unwrap().of.upgrade().is_none());
    }
}
