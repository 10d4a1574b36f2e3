//! Where the rows of one name stand among many.

use std::collections::HashMap;
use std::sync::OnceLock;

/// The places of each name. They are found when the first name is asked for: who looks at all
/// rows needs none.
#[derive(Clone, Debug, Default)]
pub struct ByName(OnceLock<HashMap<String, Vec<usize>>>);

impl ByName {
    /// Those of `rows` that have a name, in their order; all of them where none is asked for. The
    /// rows, and the names of each, are the same at every call.
    pub fn among<'r, T, N: Iterator<Item = String>>(
        &self,
        rows: &'r [T],
        name: Option<&str>,
        names: impl Fn(&'r T) -> N,
    ) -> Vec<&'r T> {
        let Some(name) = name else {
            return rows.iter().collect();
        };
        let places = self.0.get_or_init(|| {
            let mut places: HashMap<String, Vec<usize>> = HashMap::new();
            for (at, row) in rows.iter().enumerate() {
                for name in names(row) {
                    let of_name = places.entry(name).or_default();
                    // A row may have a name twice.
                    if of_name.last() != Some(&at) {
                        of_name.push(at);
                    }
                }
            }
            places
        });
        let places = places.get(name).into_iter().flatten();
        places.filter_map(|at| rows.get(*at)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_is_found_once_by_each_of_its_names() {
        let rows = [vec!["a", "b", "a"], vec!["b"], vec![]];
        let by_name = ByName::default();
        let found = |name| {
            let found = by_name.among(&rows, name, |row| row.iter().map(|name| (*name).to_owned()));
            found.into_iter().map(Vec::len).collect::<Vec<_>>()
        };
        assert_eq!(found(None), [3, 1, 0]);
        assert_eq!(found(Some("a")), [3]);
        assert_eq!(found(Some("b")), [3, 1]);
        assert!(found(Some("c")).is_empty());
    }
}
