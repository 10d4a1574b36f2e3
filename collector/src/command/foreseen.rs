//! What a command would do, with counts, for whoever has to confirm it: it is carried out in a
//! change that is dropped, so what is said is what would come of it, and nothing has happened.

use super::{Caller, Command, freeze, user, window};
use crate::app::App;
use crate::control::Failure;

/// What would come of a command; `None` where its page says enough.
///
/// # Errors
/// As the command's own: what is refused now is not asked to be confirmed.
pub async fn foreseen(
    app: &App,
    caller: &Caller,
    command: &Command,
) -> Result<Option<String>, Failure> {
    match command {
        Command::Window(command) => window::foreseen(app, caller, command).await,
        Command::Freeze(command) => freeze::foreseen(app, caller, command).await,
        Command::User(user::UserCommand::End { name }) => {
            Ok(Some(user::end::foreseen(app, caller, name).await?))
        }
        _ => Ok(None),
    }
}
