//! Contacts of vendors: whom the hospital asks.

use super::Caller;
use super::rows::{self, FromFile};
use crate::app::App;
use crate::control::{Cell, Failure, Output, Table};
use crate::store::exposure::Contact;
use patchward_common::id::Label;
use serde::{Deserialize, Serialize};

/// What can be done with contacts.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Subcommand)]
pub enum ContactCommand {
    /// Add a contact, or change one
    Add {
        /// The vendor
        vendor: Label,
        /// The person or the desk
        name: Label,
        /// What for, such as product security
        #[arg(long)]
        role: Label,
        /// An address or a telephone number
        #[arg(long)]
        reached_by: Label,
    },
    /// Add and change contacts out of a CSV file with the columns vendor, name, role and reached_by:
    /// all of it, or nothing
    Import(FromFile),
    /// Show contacts
    List {
        /// Only of this vendor
        #[arg(long)]
        vendor: Option<Label>,
    },
    /// Remove a contact
    Remove {
        /// The vendor
        vendor: Label,
        /// The person or the desk
        name: Label,
    },
}

/// Carries out a command on contacts.
pub(super) async fn run(
    app: &App,
    caller: &Caller,
    command: ContactCommand,
) -> Result<Output, Failure> {
    match command {
        ContactCommand::Add {
            vendor,
            name,
            role,
            reached_by,
        } => {
            let contact = Contact {
                vendor: vendor.into(),
                name: name.into(),
                role: role.into(),
                reached_by: reached_by.into(),
            };
            let mut change = app.change(caller).await?;
            change.put_vendor_contact(&contact).await?;
            change.commit().await?;
            Ok(Output::Text(format!(
                "{} is a contact of {}, for {}.",
                contact.name, contact.vendor, contact.role
            )))
        }
        ContactCommand::Import(from) => rows::import::<Contact>(app, caller, from).await,
        ContactCommand::List { vendor } => {
            let mut table = Table::new(&["vendor", "name", "role", "reached_by"]);
            for one in app.store.view().await?.vendor_contacts().await? {
                if vendor
                    .as_ref()
                    .is_none_or(|vendor| vendor.as_str() == one.vendor)
                {
                    table.row(vec![
                        Cell::of(one.vendor),
                        Cell::of(one.name),
                        Cell::of(one.role),
                        Cell::of(one.reached_by),
                    ]);
                }
            }
            Ok(Output::Table(table))
        }
        ContactCommand::Remove { vendor, name } => {
            let mut change = app.change(caller).await?;
            change
                .remove_vendor_contact(vendor.as_str(), name.as_str())
                .await?;
            change.commit().await?;
            Ok(Output::Text(format!(
                "{name} is no contact of {vendor} any more."
            )))
        }
    }
}
