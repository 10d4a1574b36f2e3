//! `user end`: an account is gone, and with it all that let its person in.

use super::need;
use crate::app::App;
use crate::command::Caller;
use crate::control::{Failure, Output};
use patchward_common::id::Name;
use patchward_common::words::counted;

/// Ends an account.
pub(super) async fn end(app: &App, caller: &Caller, name: &Name) -> Result<Output, Failure> {
    let mut change = app.change(caller).await?;
    change.end_account(name).await?;
    change.commit().await?;
    Ok(Output::Text(format!(
        "{name} has no account any more. Keys in the roster are not touched: a registrar takes them \
         out."
    )))
}

/// What somebody has that ends with their account.
pub(in crate::command) async fn foreseen(
    app: &App,
    caller: &Caller,
    name: &Name,
) -> Result<String, Failure> {
    let mut change = app.change(caller).await?;
    need(&mut change, name).await?;
    let now = change.now();
    let view = change.view();
    let sessions = view.open_sessions(name, now).await?;
    let passkeys = view.passkey_counts().await?.into_iter();
    let passkeys: i64 = passkeys
        .filter(|(of, _)| of == name)
        .map(|(_, count)| count)
        .sum();
    let roles = view.grants_of(name).await?;
    let roles: Vec<String> = roles.iter().map(ToString::to_string).collect();
    // What refuses it refuses it now.
    change.end_account(name).await?;
    Ok(format!(
        "{name} ({}) has {} and {}: all of them end at once, and the name is not given again.",
        match roles.is_empty() {
            true => "no role".to_owned(),
            false => roles.join(", "),
        },
        counted(sessions, "open session", "open sessions"),
        counted(passkeys, "passkey", "passkeys"),
    ))
}
