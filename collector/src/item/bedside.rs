//! Whether a machine is safe to use, by one of its jobs and by what the others left, and what to
//! do, in words for who stands before it at night. It is never said to be safe: a machine that is
//! has nothing to be told. Pure.

use super::Kind;
use super::against::Against;
use patchward_common::job::State;

/// What is known of a job.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// The job, as commands take it.
    pub job: &'a str,
    /// Its machine's name.
    pub machine: &'a str,
    /// Where it stands.
    pub state: &'a State,
    /// What it needs of a person.
    pub needs: Option<Kind>,
    /// Whether its machine counts as down by it.
    pub is_down: bool,
    /// Whether people do its work.
    pub by_hand: bool,
    /// Who closed it as it stands, and why.
    pub closed: Option<(&'a str, &'a str)>,
    /// The gravest that another job of its machine left, or its inventory shows, and which job.
    pub other: Option<(&'a str, &'a Against)>,
    /// Whether a machine stands in for it, and whether one of them can be used now.
    pub stand_in: Option<bool>,
    /// Whether somebody is on call for it.
    pub on_call: bool,
}

/// Whether it is safe to use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Safe {
    /// It is being worked on, or what is on it is wrong.
    No,
    /// What is on it was looked at, and a person has to say that it may be used.
    NotYet,
    /// Nobody knows what is on it.
    Unknown,
}

impl Safe {
    /// For programs.
    pub fn word(self) -> &'static str {
        match self {
            Self::No => "no",
            Self::NotYet => "not_yet",
            Self::Unknown => "unknown",
        }
    }

    /// For people: what they do follows, whatever the reason.
    fn words(self) -> &'static str {
        match self {
            Self::No => "No",
            Self::NotYet => "Not yet",
            Self::Unknown => "Not known, so do not use it",
        }
    }
}

/// What somebody before the machine has to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bedside {
    /// Whether it is safe to use.
    pub safe: Safe,
    /// The same with why, as people read it.
    pub words: String,
    /// What to do.
    pub todo: String,
}

/// What is said of a job's machine; nothing where neither this job nor another keeps a patient
/// from it, or where HTM has returned it to service.
pub fn told(known: &Known<'_>) -> Option<Bedside> {
    let (safe, why, then) = match graver(known) {
        Some((job, other)) => beyond(known, job, other),
        None => by_itself(known)?,
    };
    Some(Bedside {
        safe,
        words: format!("{}: {why}.", safe.words()),
        todo: format!("{}; {then}.{}", instead(known), unheard(known)),
    })
}

/// What another job left, where that is graver than what this one did.
fn graver<'a>(known: &Known<'a>) -> Option<(&'a str, &'a Against)> {
    let needs = known.needs.or(known.closed.map(|_| Kind::Behind));
    let own = Against::of(known.state, needs, known.is_down);
    let own = own.map_or(0, |own| own.weight());
    known.other.filter(|(_, other)| own < other.weight())
}

/// What a job says of its machine.
fn by_itself(known: &Known<'_>) -> Option<Said> {
    Some(match known.state {
        State::InService => return None,
        state if state.is_open() => at_work(known),
        State::Verified
        | State::Attested
        | State::RolledBack(_)
        | State::Failed(_)
        | State::Freed(_) => ended(known),
        // Nothing has begun, as far as is known.
        _ if !known.is_down => return None,
        _ => (
            Safe::Unknown,
            "it was given a go whose end it has not reported, and may have begun".to_owned(),
            format!(
                "go and look: where it is up and shows no work, `job free {} --reason WHY` says so",
                known.job
            ),
        ),
    })
}

/// What another job says of the machine.
fn beyond(known: &Known<'_>, job: &str, other: &Against) -> Said {
    let see = match job == known.job {
        true => format!("`job journal {job}` shows what was done"),
        false => format!("see job {job}: `job show {job}`"),
    };
    match other {
        Against::Open => (
            Safe::No,
            "it is being worked on for another job".to_owned(),
            format!("do not switch it off; {see}"),
        ),
        Against::Going => (
            Safe::Unknown,
            "another job of it was given a go whose end it has not reported, and may have begun"
                .to_owned(),
            see,
        ),
        Against::Wrong(how) => (
            Safe::Unknown,
            format!("another job of it {how}, and nobody has mended that"),
            see,
        ),
        Against::Fallen(why) => (
            Safe::No,
            why.clone(),
            format!("call IT, who looks what changed it, and plans it anew; {see}"),
        ),
        Against::Return => (
            Safe::NotYet,
            "another job of it is done, and HTM has not returned it to service".to_owned(),
            format!("call HTM; {see}"),
        ),
    }
}

/// What is used instead.
fn instead(known: &Known<'_>) -> &'static str {
    match known.stand_in {
        Some(true) => "Use a stand-in",
        Some(false) => "No stand-in is known to be ready: ask the unit what it uses instead",
        None => "No stand-in is known: ask the unit what it uses instead",
    }
}

fn unheard(known: &Known<'_>) -> &'static str {
    match known.on_call {
        true => "",
        false => " Nobody is on call for this unit: `oncall set`.",
    }
}

type Said = (Safe, String, String);

/// Work has begun and nothing was measured.
fn at_work(known: &Known<'_>) -> Said {
    let (job, lost, overrun) = (known.job, Some(Kind::Lost), Some(Kind::Overrun));
    match known.state {
        State::RebootPending => (
            Safe::NotYet,
            "it is installed and waits for its restart, and nothing was measured".to_owned(),
            "leave it unused: it restarts by itself in a slot".to_owned(),
        ),
        _ if known.needs == lost => (
            Safe::Unknown,
            "nothing was heard of it since its work began".to_owned(),
            format!(
                "call, and go and look: where it is up and shows no work, `job free {job} --reason \
                 WHY` says so"
            ),
        ),
        _ if known.needs == overrun => (
            Safe::No,
            "work goes on beyond its slot".to_owned(),
            format!("do not switch it off; call. `job journal {job}` shows how far it is"),
        ),
        _ if known.by_hand => (
            Safe::No,
            "a person is working on it".to_owned(),
            format!("ask them. `job done {job}` records what they did"),
        ),
        _ => (
            Safe::No,
            "it is being worked on".to_owned(),
            "do not switch it off: the work ends by itself, or the version before comes back"
                .to_owned(),
        ),
    }
}

/// Nothing more happens by itself.
fn ended(known: &Known<'_>) -> Said {
    let (job, machine) = (known.job, known.machine);
    match (known.state, known.needs) {
        (State::Failed(_) | State::Freed(_) | State::RolledBack(_), _)
            if known.closed.is_some() =>
        {
            closed(known)
        }
        // A later job took its place, or the machine is not in the fleet any more.
        (_, None) => (
            Safe::Unknown,
            "this job says nothing of it any more".to_owned(),
            format!("see what came later: `job list --machine {machine}`"),
        ),
        (State::Verified, _) => (
            Safe::NotYet,
            "what was planned is there, and HTM has not returned it to service".to_owned(),
            format!("call HTM, who looks through its checklist: `job return {job}`"),
        ),
        (State::Attested, _) => (
            Safe::NotYet,
            "a person says that it is done, and HTM has not returned it to service".to_owned(),
            format!("call HTM, who looks through its checklist: `job return {job}`"),
        ),
        (State::RolledBack(_), _) => (
            Safe::NotYet,
            "the version before is back, and HTM has not judged it".to_owned(),
            format!(
                "call HTM, who looks at it. `job journal {job}` shows what happened; `job close \
                 {job} --reason WHY` leaves it, a new plan tries again"
            ),
        ),
        (State::Freed(_), _) => (
            Safe::Unknown,
            "a person let it count as up, and nobody measured what is on it".to_owned(),
            "call IT, who looks at it; a new plan measures it".to_owned(),
        ),
        _ => (
            Safe::No,
            "neither the new version nor the one before was found whole".to_owned(),
            format!(
                "call IT, who looks at it. `job journal {job}` shows what happened; `job close \
                 {job} --reason WHY` says what was done"
            ),
        ),
    }
}

/// A person gave it up, and the job does not say what they found.
fn closed(known: &Known<'_>) -> Said {
    let (by, why) = known.closed.unwrap_or_default();
    (
        Safe::Unknown,
        format!("{by} closed the job as it is ({why}), which says nothing of the machine"),
        format!("ask {by} or HTM before you use it"),
    )
}

#[cfg(test)]
mod tests;
