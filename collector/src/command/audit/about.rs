//! What people call a thing, as the log names it.

use crate::command::begun;
use crate::control::Failure;
use crate::store::View;
use patchward_common::id::Name;

/// Most subjects that are read where several begin with the same digits.
const MAX_READ: u32 = 20;

/// The subject that `text` means: a machine may be called by its name, and what has a long id by the
/// first digits of it. What the log does not know stays as it is.
///
/// # Errors
/// A conflict that lists the ids where several begin with these digits.
pub(super) async fn subject(view: &mut View, text: &str) -> Result<String, Failure> {
    if !view.audit_of(text, 1).await?.is_empty() {
        return Ok(text.to_owned());
    }
    if let Ok(name) = Name::new(text)
        && let Some(machine) = view.machine_named(&name).await?
    {
        return Ok(machine.id.to_string());
    }
    let Ok(digits) = begun::digits(text, "its id") else {
        return Ok(text.to_owned());
    };
    match view.audit_subjects(&digits, MAX_READ).await? {
        found if found.is_empty() => Ok(text.to_owned()),
        found => begun::only(found, String::new, String::clone),
    }
}
