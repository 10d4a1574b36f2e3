//! Pages of lists that grow with the fleet.

use super::Kept;
use crate::app::App;
use crate::command::Command;
use crate::command::listed::{self, Paged};
use crate::control::Failure;
use crate::snapshot::{By, Look};
use crate::web::show::listing::Asked;
use patchward_common::id::Name;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The page that somebody asks for.
pub struct Turned {
    /// Of which list.
    pub command: Command,
    /// Which.
    pub asked: Asked,
    /// The units that they see, where these are not all.
    pub units: Option<BTreeSet<Name>>,
}

impl Turned {
    /// What else is the same page.
    fn key(&self) -> Option<String> {
        let command = serde_json::to_string(&self.command).ok()?;
        let wanted = self.asked.wanted(self.units.clone(), None);
        Some(format!("{command} {wanted:?}"))
    }
}

/// Reads a page for whoever looks.
async fn turned(app: Arc<App>, page: Turned) -> Result<Paged, Failure> {
    let Turned {
        command,
        asked,
        units,
    } = page;
    let mut wanted = asked.wanted(units.clone(), None);
    let mut view = app.store.view().await?;
    loop {
        let page = listed::page(&mut view, &command, &wanted).await?;
        let page = page.ok_or_else(|| Failure::not_found("no such list"))?;
        let last = asked.wanted(units.clone(), Some(page.found));
        // An address may name a page that there is no more.
        if last.offset >= wanted.offset {
            return Ok(page);
        }
        wanted = last;
    }
}

impl Kept<Paged> {
    /// A page as it is now, or was a moment ago.
    pub async fn page(
        &self,
        app: &Arc<App>,
        look: Look,
        page: Turned,
    ) -> Result<Arc<Paged>, Failure> {
        let Some(key) = page.key() else {
            return Ok(Arc::new(turned(app.clone(), page).await?));
        };
        let how = By(app.clone(), move |app| turned(app, page));
        self.get(&key, look, how).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::form::Form;
    use crate::web::form::call::{self, Answers};
    use crate::web::show::listing::Query;

    #[test]
    fn a_page_is_shared_by_those_alone_who_see_the_same_of_it() {
        let page = |command: &str, address: &[(&str, &str)], units: Option<&[&str]>| {
            let form = Form::of(command).unwrap();
            let parts = address.iter();
            let query = Query {
                path: "/".to_owned(),
                parts: parts
                    .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                    .collect(),
            };
            let units = units.map(|units| units.iter().map(|unit| unit.parse().unwrap()));
            let turned = Turned {
                command: call::command(form, &Answers::new()).unwrap(),
                asked: Asked::of("m", &query),
                units: units.map(Iterator::collect),
            };
            turned.key().unwrap()
        };
        let whole = page("machine list", &[], None);
        assert_eq!(whole, page("machine list", &[("x.page", "2")], None));
        let others = [
            page("job list", &[], None),
            page("machine list", &[("m.page", "2")], None),
            page("machine list", &[("m.q", "pc")], None),
            page("machine list", &[("m.sort", "unit")], None),
            page("machine list", &[("m.unit", "icu")], None),
            page("machine list", &[], Some(&["icu"])),
            page("machine list", &[], Some(&["icu", "lab"])),
            page("machine list", &[], Some(&[])),
        ];
        let keys: BTreeSet<&String> = others.iter().chain([&whole]).collect();
        assert_eq!(keys.len(), others.len() + 1, "{keys:#?}");
    }
}
