//! What is installed on a machine: thousands of rows of which a page shows thirty, so that rows are
//! made only of those that are shown.

use super::super::listed::Paged;
use super::find;
use crate::app::App;
use crate::control::{Cell, Failure, Output, Table};
use crate::store::View;
use crate::store::listed::{Page, Wanted};
use patchward_common::component::Component;
use std::sync::Arc;

const COLUMNS: [&str; 4] = ["source", "component", "version", "architecture"];

/// All of it.
pub(super) async fn list(app: &App, machine: &str) -> Result<Output, Failure> {
    let wanted = Wanted {
        limit: u32::MAX,
        ..Wanted::default()
    };
    let mut view = app.store.view().await?;
    Ok(Output::Table(
        listed(&mut view, machine, &wanted).await?.table,
    ))
}

/// A page of it.
pub(in crate::command) async fn listed(
    view: &mut View,
    machine: &str,
    wanted: &Wanted,
) -> Result<Paged, Failure> {
    let found = find(view, machine).await?;
    let components = match view.set_of(&found.id).await? {
        Some(set) => view.shared_components_of(&set.digest).await?,
        None => None,
    };
    let page = page(components.unwrap_or_default(), wanted);
    let mut table = Table::new(&COLUMNS);
    for component in &page.rows {
        table.row(texts(component).map(Cell::of).into());
    }
    Ok(Paged::of(table, &page))
}

/// What stands in the columns.
fn texts(component: &Component) -> [&str; 4] {
    let source = component.source.word();
    [source, &component.name, &component.version, &component.arch]
}

/// Those that are asked for, by source and name or in the order that is asked for.
fn page(mut components: Vec<Arc<Component>>, wanted: &Wanted) -> Page<Arc<Component>> {
    let total = components.len() as u64;
    let at = |column: &str| COLUMNS.iter().position(|known| *known == column);
    for (column, value) in &wanted.equal {
        if let Some(at) = at(column) {
            components.retain(|one| texts(one)[at] == value);
        }
    }
    let words: Vec<String> = wanted.words.iter().map(|one| one.to_lowercase()).collect();
    if !words.is_empty() {
        components.retain(|one| {
            let texts = texts(one).map(str::to_lowercase);
            let has = |word: &String| texts.iter().any(|text| text.contains(word));
            words.iter().all(has)
        });
    }
    let found = components.len() as u64;
    let offset = usize::try_from(wanted.offset).unwrap_or(usize::MAX);
    let sort = wanted.sort.as_ref();
    match sort.and_then(|(column, descending)| Some((at(column)?, descending))) {
        Some((at, descending)) => {
            components.sort_unstable();
            components.sort_by_cached_key(|one| texts(one)[at].to_lowercase());
            if *descending {
                components.reverse();
            }
        }
        None => {
            let end = offset.saturating_add(wanted.limit as usize);
            if end < components.len() {
                // Only what is shown has to be in its order.
                components.select_nth_unstable(end);
                components.truncate(end);
            }
            components.sort_unstable();
        }
    }
    let rows = components.into_iter().skip(offset);
    Page {
        rows: rows.take(wanted.limit as usize).collect(),
        total,
        found,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use patchward_common::component::Source;

    fn names(wanted: &Wanted) -> (Vec<String>, u64) {
        let component = |(source, name, version): (Source, &str, &str)| {
            Arc::new(Component {
                source,
                name: name.to_owned(),
                version: version.to_owned(),
                arch: "amd64".to_owned(),
            })
        };
        let all = [
            (Source::Tree, "viewer", "4.2"),
            (Source::Deb, "zlib1g", "1.3"),
            (Source::Deb, "OpenSSL", "3.0"),
        ];
        let page = page(all.map(component).into(), wanted);
        assert_eq!(page.total, 3);
        let names = page.rows.iter().map(|one| one.name.clone());
        (names.collect(), page.found)
    }

    fn wanted() -> Wanted {
        Wanted {
            limit: 30,
            ..Wanted::default()
        }
    }

    #[test]
    fn a_page_holds_what_is_asked_for_in_the_order_that_is_asked_for() {
        let names = |wanted: Wanted| names(&wanted);
        let all = names(wanted());
        assert_eq!(all.0, ["OpenSSL", "zlib1g", "viewer"]);
        let second = names(Wanted {
            offset: 1,
            limit: 1,
            ..wanted()
        });
        assert_eq!(second, (vec!["zlib1g".to_owned()], 3));
        let sort = |column: &str, descending| Wanted {
            sort: Some((column.to_owned(), descending)),
            ..wanted()
        };
        assert_eq!(
            names(sort("component", true)).0,
            ["zlib1g", "viewer", "OpenSSL"]
        );
        assert_eq!(names(sort("colour", true)), all);
        let found = names(Wanted {
            words: vec!["SSL".to_owned(), "3".to_owned()],
            ..wanted()
        });
        assert_eq!(found, (vec!["OpenSSL".to_owned()], 1));
        let trees = names(Wanted {
            equal: vec![("source".to_owned(), "tree".to_owned())],
            ..wanted()
        });
        assert_eq!(trees, (vec!["viewer".to_owned()], 1));
    }
}
