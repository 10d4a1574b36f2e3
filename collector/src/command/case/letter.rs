//! `case letter`: the facts of a case, gathered for the letter.

use super::{find, model, plain, steps};
use crate::app::App;
use crate::control::{Failure, Output};
use crate::exposure::Line;
use crate::exposure::letter::{Facts, Named, Told, letter as drafted};
use crate::item::Owner;
use crate::matching::{self, Exposed};
use crate::replan;
use crate::store::View;
use crate::store::exposure::Case;
use serde_bytes::ByteBuf;
use std::collections::{BTreeMap, BTreeSet};

/// Shortest word of a person's name that is left out: initials stand in other words too.
const SHORTEST_NAME: usize = 3;

/// Drafts the letter.
pub(super) async fn letter(app: &App, number: u32) -> Result<Output, Failure> {
    let now = app.now();
    let mut view = app.store.view().await?;
    let case = find(&mut view, number).await?;
    let only = (case.about_kind == "advisory").then_some(case.about.as_str());
    let found = matching::exposed(&mut view, only, now).await?;
    let lines: Vec<&Line> = found
        .lines
        .iter()
        .filter(|line| only.is_some() || model::is_same(&line.model, &case.about))
        .collect();
    let products = match only {
        Some(_) => products(&lines),
        None => model::ours(&mut view, &case.about).await?,
    };
    let unjudged: BTreeSet<&str> = lines
        .iter()
        .filter(|line| line.needs_person)
        .map(|line| line.holder.as_str())
        .collect();
    let facts = Facts {
        number,
        vendor: case.vendor.clone(),
        contact: case.contact.clone(),
        now,
        about: case.about.clone(),
        unjudged: unjudged.len(),
        products,
        advisories: advisories(&mut view, &lines, only).await?,
        steps: plain(&steps(&mut view, number).await?),
        ours: ours(&mut view, &case, &found).await?,
    };
    let text = drafted(&facts);
    Ok(Output::File {
        bytes: ByteBuf::from(text.into_bytes()),
        text: format!(
            "The letter of case {number} to {}. Read it before it goes out: names of machines, \
             assets, units and people are left out of the steps' words, and nothing else is. `case \
             asked {number}` notes that it went.",
            case.vendor
        ),
    })
}

/// How many machines and assets have which thing; each counts once for each.
fn products(lines: &[&Line]) -> BTreeMap<String, usize> {
    let mut found: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for line in lines {
        found
            .entry(line.thing.clone())
            .or_default()
            .insert(&line.holder);
    }
    found
        .into_iter()
        .map(|(thing, holders)| (thing, holders.len()))
        .collect()
}

async fn advisories(
    view: &mut View,
    lines: &[&Line],
    only: Option<&str>,
) -> Result<Vec<Told>, Failure> {
    let mut found = Vec::new();
    for row in view.advisories().await? {
        let of: Vec<&&Line> = lines
            .iter()
            .filter(|line| line.advisory == row.id)
            .collect();
        if of.is_empty() && only != Some(row.id.as_str()) {
            continue;
        }
        let open = of.iter().flat_map(|line| &line.open);
        let vulnerabilities = open.map(|one| Named {
            name: one.name.clone(),
            words: format!(
                "{}, {}",
                one.priority.severity.words(),
                one.priority.exploitation.words()
            ),
        });
        found.push(Told {
            vulnerabilities: vulnerabilities.collect(),
            has_fix: !of.is_empty() && of.iter().all(|line| line.has_fix),
            id: row.id,
            version: row.version,
            title: row.title,
        });
    }
    Ok(found)
}

/// Names that must not go out with words that people typed, in lower case.
async fn ours(view: &mut View, case: &Case, found: &Exposed) -> Result<BTreeSet<String>, Failure> {
    let mut names: BTreeSet<String> = BTreeSet::new();
    let mut add = |text: &str| {
        names.insert(text.to_lowercase());
    };
    for line in replan::enrolled(view).await?.into_values() {
        add(line.name.as_str());
    }
    for asset in view.all_assets().await? {
        add(asset.tag.as_str());
        add(&asset.serial);
    }
    for unit in view.units().await? {
        add(unit.name.as_str());
        add(unit.site.as_str());
    }
    let steps = view.case_steps(None).await?;
    let said = steps.into_iter().map(|one| one.said_by);
    let mut people: Vec<String> = said.chain([case.opened_by.clone()]).collect();
    for one in &found.open.mitigations {
        if Owner::of_word(&one.owner).is_none() {
            people.push(one.owner.clone());
        }
        people.extend(one.attested.iter().map(|word| word.by.clone()));
    }
    for one in &found.open.granted {
        if Owner::of_word(&one.owner).is_none() {
            people.push(one.owner.clone());
        }
    }
    for person in people {
        let name = person.strip_prefix("person:").unwrap_or(&person);
        for word in name.split_whitespace() {
            if word.chars().count() >= SHORTEST_NAME {
                add(word);
            }
        }
    }
    names.remove("");
    // The contact is whom the letter is for.
    for word in case.contact.iter().flat_map(|name| name.split_whitespace()) {
        names.remove(&word.to_lowercase());
    }
    Ok(names)
}
