//! What people call a thing, as the log names it.

use crate::command::begun;
use crate::control::Failure;
use crate::store::View;
use patchward_common::id::Name;

/// Most subjects that are read where several begin with the same digits.
const MAX_READ: u32 = 20;

/// What somebody asks about, as the log names it.
#[derive(Debug)]
pub(super) struct About {
    pub subject: String,
    /// What else they may have meant.
    pub also: Option<String>,
}

/// The subject that `text` means: a machine may be called by its name, and what has a long id by the
/// first digits of it. What the log does not know stays as it is.
///
/// # Errors
/// A conflict that lists the ids where several begin with these digits.
pub(super) async fn find(view: &mut View, text: &str) -> Result<About, Failure> {
    let only = |subject| About {
        subject,
        also: None,
    };
    let machine = match Name::new(text) {
        Ok(name) => view.machine_named(&name).await?,
        Err(_) => None,
    };
    let is_subject = !view.audit_of(text, 1).await?.is_empty();
    match (is_subject, machine) {
        (true, machine) => Ok(About {
            also: machine.map(|machine| {
                format!(
                    "A machine is called {text} too; the log has it by its id: `audit list --about \
                     {}`.",
                    machine.id
                )
            }),
            ..only(text.to_owned())
        }),
        (false, Some(machine)) => Ok(only(machine.id.to_string())),
        (false, None) => begun_with(view, text).await.map(only),
    }
}

async fn begun_with(view: &mut View, text: &str) -> Result<String, Failure> {
    let Ok(digits) = begun::digits(text, "its id") else {
        return Ok(text.to_owned());
    };
    match view.audit_subjects(&digits, MAX_READ).await? {
        found if found.is_empty() => Ok(text.to_owned()),
        found if found.len() == MAX_READ as usize => Err(Failure::conflict(format!(
            "{MAX_READ} or more begin like this; type more digits."
        ))),
        found => begun::only(found, String::new, String::clone),
    }
}
