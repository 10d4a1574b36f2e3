//! Names that stand for others, and suggestions for them.

use crate::advisory::matcher::Prepared;
use crate::advisory::name::{VendorKeys, is_near, key};
use crate::app::App;
use crate::command::Caller;
use crate::command::rows::{self, Alias, FromFile};
use crate::control::{Cell, Failure, Output, Table};
use crate::matching;
use crate::store::Change;
use patchward_common::id::Label;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What can be done with aliases.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Subcommand)]
pub enum AliasCommand {
    /// Say that a name stands for another: of a vendor, or of a vendor's product
    Add {
        /// The name, as it stands in an advisory or in our list
        name: Label,
        /// What it stands for
        means: Label,
        /// It is a product of this vendor; without it, it is a vendor
        #[arg(long)]
        vendor: Option<Label>,
    },
    /// Add and change aliases out of a CSV file as `advisory alias list` gives it: name, means, and vendor
    /// where it is a product: all of it, or nothing
    Import(FromFile),
    /// Show all aliases
    List,
    /// Show names in advisories that may stand for names in our list
    Suggest,
    /// Remove an alias
    Remove {
        /// The name
        name: Label,
        /// It is a product of this vendor
        #[arg(long)]
        vendor: Option<Label>,
    },
}

/// Carries out a command on aliases.
pub(super) async fn run(
    app: &App,
    caller: &Caller,
    command: AliasCommand,
) -> Result<Output, Failure> {
    match command {
        AliasCommand::Add {
            name,
            means,
            vendor,
        } => {
            let (owner, from, to) = keyed(vendor.as_ref(), &name, &means)?;
            let mut change = app.change(caller).await?;
            add(&mut change, &owner, &from, &to).await?;
            change.commit().await?;
            let outcome = super::matched(app, caller, None).await?;
            Ok(Output::Text(format!(
                "{name} stands for {means} from now on; {} matches changed by it.",
                outcome.opened
            )))
        }
        AliasCommand::Import(from) => {
            let only_shows = from.dry_run;
            let mut report = rows::taken_in::<Alias>(app, caller, from).await?;
            if !only_shows {
                let outcome = super::matched(app, caller, None).await?;
                report.text += &format!(" {} matches changed by it.", outcome.opened);
            }
            Ok(Output::Report(report))
        }
        AliasCommand::List => {
            let mut table = Table::new(&["vendor", "name", "means", "by", "at"]);
            for row in app.store.view().await?.aliases().await? {
                table.row(vec![
                    Cell::maybe(Some(row.vendor).filter(|vendor| !vendor.is_empty())),
                    Cell::of(row.name),
                    Cell::of(row.means),
                    Cell::of(row.added_by),
                    Cell::of(row.at),
                ]);
            }
            Ok(Output::Table(table))
        }
        AliasCommand::Suggest => suggest(app).await,
        AliasCommand::Remove { name, vendor } => {
            let (owner, from) = keys(vendor.as_ref(), &name)?;
            let mut change = app.change(caller).await?;
            change.remove_alias(&owner, &from).await?;
            change.commit().await?;
            super::matched(app, caller, None).await?;
            Ok(Output::Text(format!("{name} stands for itself again.")))
        }
    }
}

/// An alias as names are compared: whose it is, the name, and what it stands for.
///
/// # Errors
/// Where both are the same name already.
pub(in crate::command) fn keyed(
    vendor: Option<&Label>,
    name: &Label,
    means: &Label,
) -> Result<(String, String, String), Failure> {
    let (owner, from) = keys(vendor, name)?;
    let (_, to) = keys(vendor, means)?;
    match from == to {
        false => Ok((owner, from, to)),
        true => Err(Failure::input(format!(
            "{name} and {means} are the same name already: {from:?}"
        ))),
    }
}

/// Adds an alias, or changes what it stands for.
///
/// # Errors
/// A conflict where what it stands for is an alias itself.
pub(in crate::command) async fn add(
    change: &mut Change,
    owner: &str,
    from: &str,
    to: &str,
) -> Result<(), Failure> {
    if let Some(other) = change.view().alias(owner, to).await? {
        return Err(Failure::conflict(format!(
            "{to:?} itself stands for {other:?}; name that one"
        )));
    }
    Ok(change.add_alias(owner, from, to).await?)
}

/// The keys of an alias: whose it is, and the name.
fn keys(vendor: Option<&Label>, name: &Label) -> Result<(String, String), Failure> {
    let company = |label: &Label| VendorKeys::of(label.as_str()).sure.into_iter().next();
    let empty = || Failure::input(format!("{name:?} holds no letters"));
    match vendor {
        Some(vendor) => {
            let owner = company(vendor).ok_or_else(empty)?;
            let own = VendorKeys::of(vendor.as_str());
            let words = key(name.as_str());
            // As the product's words stand after its vendor's.
            let rest = own
                .sure
                .iter()
                .find_map(|own| words.strip_prefix(own.as_str()));
            let rest = rest.map(str::trim).filter(|rest| !rest.is_empty());
            Ok((owner, rest.map_or_else(|| words.clone(), str::to_owned)))
        }
        None => Ok((String::new(), company(name).ok_or_else(empty)?)),
    }
}

/// Vendors of advisories that are spelled almost like a maker of ours, or share a name with it.
async fn suggest(app: &App) -> Result<Output, Failure> {
    let mut view = app.store.view().await?;
    let index = app.matching.now(&mut view).await?;
    let aliases = matching::aliases(&mut view).await?;
    let (mut vendors, mut unreadable) = (BTreeSet::new(), String::new());
    for row in view.advisories().await? {
        let bytes = view.advisory_bytes(&row.id, row.revision).await?;
        let prepared: Prepared = match matching::prepared(&row, &bytes.unwrap_or_default()) {
            Ok(prepared) => prepared,
            Err(one) => {
                unreadable.push_str(&format!(" Not looked at: {}.", one.words()));
                continue;
            }
        };
        let named = prepared.advisory.products.into_iter().map(|one| one.vendor);
        vendors.extend(named.filter(|vendor| !vendor.is_empty()));
    }
    let makers: BTreeSet<&str> = index
        .things()
        .iter()
        .map(|one| one.maker.as_str())
        .collect();
    let mut table = Table::new(&["in_advisories", "in_our_list", "why"]);
    for vendor in &vendors {
        let theirs = VendorKeys::of(vendor);
        for maker in makers.iter().filter(|maker| !maker.is_empty()) {
            let ours = VendorKeys::of(maker);
            let stands = |key: &String| aliases.vendor(key).to_owned();
            let sure = |keys: &VendorKeys| keys.sure.iter().map(stands).collect::<BTreeSet<_>>();
            if !sure(&theirs).is_disjoint(&sure(&ours)) {
                continue;
            }
            let all = |keys: &VendorKeys| -> Vec<String> {
                keys.sure.iter().chain(&keys.perhaps).cloned().collect()
            };
            let (left, right) = (all(&theirs), all(&ours));
            let why = if left.iter().any(|key| right.contains(key)) {
                "a division or another name"
            } else if left
                .iter()
                .any(|key| right.iter().any(|other| is_near(key, other)))
            {
                "spelled almost alike"
            } else {
                continue;
            };
            table.row(vec![Cell::of(vendor), Cell::of(maker), Cell::of(why)]);
        }
    }
    table.note = Some(format!(
        "`advisory alias add NAME MEANS` says that they are one.{unreadable}"
    ));
    Ok(Output::Table(table))
}
