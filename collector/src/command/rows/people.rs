//! People who use the page. A file gives no links: each is handed over in person.

use super::{Cells, FileRow, Shape};
use crate::account::Grant;
use crate::control::Failure;
use crate::store::{Change, StoreError, View};
use patchward_common::id::{Label, Name};
use std::collections::BTreeSet;

/// An account with its roles.
#[derive(PartialEq)]
pub(crate) struct Person {
    name: Name,
    title: Label,
    grants: BTreeSet<Grant>,
    has_ended: bool,
}

/// What the list says of an account that has ended.
pub(in crate::command) const ENDED: &str = "ended";

impl FileRow for Person {
    const WHAT: &'static str = "account";
    const SHAPE: Shape = Shape {
        needed: &["account", "called", "roles"],
        more: &["state"],
        passed_over: &["second_factor", "passkeys", "added"],
    };

    fn read(cells: &Cells<'_>) -> Result<Self, String> {
        let grants: Result<BTreeSet<Grant>, _> = cells.listed("roles").map(str::parse).collect();
        let grants = grants.map_err(|error| format!("roles: {error}"))?;
        let has_ended = cells.text("state") == Some(ENDED);
        if grants.is_empty() && !has_ended {
            return Err("its roles is empty".to_owned());
        }
        Ok(Self {
            name: cells.needed("account")?,
            title: cells.needed("called")?,
            grants,
            has_ended,
        })
    }

    fn key(&self) -> String {
        self.name.to_string()
    }

    async fn known(view: &mut View) -> Result<Vec<Self>, StoreError> {
        let grants = view.grants().await?;
        let known = view.accounts().await?.into_iter().map(|account| {
            let own = grants.iter().filter(|(name, _)| *name == account.name);
            Self {
                grants: own.map(|(_, grant)| grant.clone()).collect(),
                has_ended: account.ended_at.is_some(),
                name: account.name,
                title: account.title,
            }
        });
        Ok(known.collect())
    }

    async fn put(&self, known: Option<&Self>, change: &mut Change) -> Result<(), Failure> {
        let name = &self.name;
        match known {
            Some(known) if known.has_ended => {
                return Err(Failure::conflict(format!(
                    "account {name} has ended, and its name is not given again"
                )));
            }
            _ if self.has_ended => {
                return Err(Failure::conflict(format!(
                    "no file ends an account: `user end {name}` does, and shows first what they \
                     leave behind"
                )));
            }
            Some(known) if known.title != self.title => {
                return Err(Failure::conflict(format!(
                    "account {name} is called {:?}, and one that is there keeps what it is called",
                    known.title.as_str()
                )));
            }
            Some(_) => {}
            None => change.add_account(name, &self.title).await?,
        }
        let grants: Vec<Grant> = self.grants.iter().cloned().collect();
        Ok(change.grant_roles(name, &grants).await?)
    }
}
