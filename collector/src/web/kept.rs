//! Answers that took long to gather, kept for the next who look: whole ones, and pages of lists that
//! grow with the fleet.

mod ahead;
mod drawn;
mod paged;

pub use drawn::Svg;
pub use paged::Turned;

use crate::app::App;
use crate::command::{self, Caller, Command};
use crate::control::{Failure, Output};
use crate::snapshot::{By, Gather, Look, Snapshot};
use ahead::Again;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::mpsc;

/// Most answers that are kept: those of the pages of the bar, and of some things that many
/// look at. The largest takes some tens of megabytes, nearly all some tens of kilobytes.
const MOST: usize = 96;

/// Answers by their commands.
#[derive(Debug)]
pub struct Kept<T>(Mutex<Known<T>>);

impl<T> Default for Kept<T> {
    fn default() -> Self {
        let (answers, looks) = (HashMap::new(), 0);
        Self(Mutex::new(Known { answers, looks }))
    }
}

#[derive(Debug)]
struct Known<T> {
    answers: HashMap<String, Answer<T>>,
    /// Counts looks.
    looks: u64,
}

#[derive(Debug)]
struct Answer<T> {
    kept: Arc<Snapshot<T>>,
    /// The last look at it.
    look: u64,
    /// How it is asked for, where it may be asked for ahead.
    again: Option<Again>,
}

/// Asks a command for whoever looks.
async fn asked(
    app: Arc<App>,
    caller: Caller,
    look: Look,
    command: Command,
) -> Result<Output, Failure> {
    let (progress, mut steps) = mpsc::channel(16);
    // What comes of it counts as knowing all that was said until now, so what it is made
    // of has to know it too.
    let look = Look {
        now: app.now(),
        must_know: app.store.said(),
        ..look
    };
    let told = command::look(&app, &caller, look, command, progress);
    let drained = async { while steps.recv().await.is_some() {} };
    let (told, ()) = tokio::join!(told, drained);
    told
}

/// What an answer is kept under.
fn key_of(command: &Command) -> Option<String> {
    match command.output_file() {
        // A file is for one.
        Some(_) => None,
        None => serde_json::to_string(command).ok(),
    }
}

impl Kept<Output> {
    /// What a command that only tells says, now or a moment ago.
    pub async fn told(
        &self,
        app: &Arc<App>,
        caller: Caller,
        look: Look,
        command: Command,
    ) -> Result<Arc<Output>, Failure> {
        let again = Again {
            caller: caller.clone(),
            command: command.clone(),
            at: app.now(),
        };
        let told = self.gathered(app, caller, look, command).await;
        if let Some(key) = key_of(&again.command) {
            self.looked(&key, again);
        }
        told
    }

    async fn gathered(
        &self,
        app: &Arc<App>,
        caller: Caller,
        mut look: Look,
        command: Command,
    ) -> Result<Arc<Output>, Failure> {
        if command.tells_of_itself() {
            look.must_know = 0;
        }
        if let Some(made) = command::made(app, look, &command).await? {
            return Ok(made);
        }
        let Some(key) = key_of(&command) else {
            return Ok(Arc::new(asked(app.clone(), caller, look, command).await?));
        };
        let how = By(app.clone(), move |app| asked(app, caller, look, command));
        self.get(&key, look, how).await
    }
}

impl<T: Send + Sync + 'static> Kept<T> {
    /// What is kept under `key`, or what is gathered now.
    async fn get(&self, key: &str, look: Look, how: impl Gather<T>) -> Result<Arc<T>, Failure> {
        let kept = self.of(key);
        let told = kept.get(look, how).await;
        if !kept.is_worth() {
            self.lock().answers.remove(key);
        }
        told
    }

    fn lock(&self) -> MutexGuard<'_, Known<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The place of an answer; where there are too many, the one that nobody has looked at
    /// for longest goes.
    fn of(&self, key: &str) -> Arc<Snapshot<T>> {
        let mut known = self.lock();
        known.looks += 1;
        let look = known.looks;
        let mut gone = None;
        if !known.answers.contains_key(key) && known.answers.len() >= MOST {
            let oldest = known.answers.iter().min_by_key(|(_, answer)| answer.look);
            if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
                gone = known.answers.remove(&oldest);
            }
        }
        let answer = known
            .answers
            .entry(key.to_owned())
            .or_insert_with(|| Answer {
                kept: Arc::default(),
                look,
                again: None,
            });
        answer.look = look;
        let kept = Arc::clone(&answer.kept);
        // What it holds is freed when others can look again.
        drop(known);
        drop(gone);
        kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_looked_at_for_longest_goes() {
        let kept = Kept::<Output>::default();
        for number in 0..MOST {
            kept.of(&number.to_string());
        }
        kept.of("0");
        kept.of("one more");
        let known = kept.lock();
        assert_eq!(known.answers.len(), MOST);
        assert!(known.answers.contains_key("0") && !known.answers.contains_key("1"));
    }
}
