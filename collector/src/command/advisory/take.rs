//! Taking in advisories, notices and the catalogue of what is exploited.

use super::AddNotice;
use super::files::{Files, OneFile};
use crate::advisory::revision::Counted;
use crate::advisory::version::Versions;
use crate::advisory::{Advisory, csaf, kev, notice};
use crate::app::App;
use crate::command::file::InputFile;
use crate::command::{Caller, asset, machine};
use crate::control::{Cell, Failure, Output, Report, Table};
use crate::matching::{self, Only, Outcome};
use crate::store::advisories::{AdvisoryRow, MAX_REVISIONS};
use crate::store::{Change, View};
use patchward_common::digest::Digest;
use patchward_common::id::Label;
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::collections::HashSet;

/// What became of one advisory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Taken {
    /// Nobody knew it.
    New,
    /// It replaces an older revision.
    Newer,
    /// The same bytes were there.
    Known,
    /// An older revision than the newest; it is kept, and does not count.
    Older,
}

impl Taken {
    fn word(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Newer => "new_revision",
            Self::Known => "known",
            Self::Older => "older_revision",
        }
    }
}

/// Files that one change takes in: whoever else writes waits for some of a folder, and not for
/// all of it.
const BATCH: usize = 500;

/// What became of a file: its advisory, or its problem.
type TakenFile = Result<(Advisory, Taken), String>;

/// Takes in some files as one change. All are read before anything is open that writes.
async fn batch(app: &App, caller: &Caller, files: &[OneFile]) -> Result<Vec<TakenFile>, Failure> {
    let read = |file: &OneFile| match &file.problem {
        Some(problem) => Err(problem.clone()),
        None => csaf::read(&file.bytes).map_err(|error| error.to_string()),
    };
    let read: Vec<_> = files.iter().map(read).collect();
    let mut change = app.change(caller).await?;
    let mut all = Vec::with_capacity(files.len());
    for (file, read) in files.iter().zip(read) {
        all.push(match read {
            Ok(advisory) => {
                let taken = take(&mut change, &advisory, &file.bytes).await?;
                taken.map(|taken| (advisory, taken))
            }
            Err(problem) => Err(problem),
        });
    }
    change.commit().await?;
    Ok(all)
}

/// A failure in the middle of a folder: what was taken in before it stays.
fn in_the_middle(failure: Failure, taken: usize) -> Failure {
    match taken {
        0 => failure,
        taken => Failure {
            text: format!(
                "{} The {taken} advisories before it are taken in, and the collector matches them \
                 within a minute; the same command goes on from there.",
                failure.text
            ),
            ..failure
        },
    }
}

/// Takes in a file or a folder; what is bad in it is reported, and the rest taken in.
pub(super) async fn import(app: &App, caller: &Caller, files: &Files) -> Result<Output, Failure> {
    let mut table = Table::new(&["file", "advisory", "version", "result", "problem"]);
    let (mut ids, mut bad) = (Vec::new(), 0);
    for some in files.0.chunks(BATCH) {
        let taken = batch(app, caller, some).await;
        let taken = taken.map_err(|failure| in_the_middle(failure, ids.len()))?;
        for (file, taken) in some.iter().zip(&taken) {
            bad += usize::from(taken.is_err());
            if let Ok((advisory, Taken::New | Taken::Newer)) = taken {
                ids.push(advisory.id.clone());
            }
            table.row(row(file, taken));
        }
    }
    if let [only] = &files.0[..]
        && bad == 1
    {
        let problem = table.rows.first().and_then(|row| row.last());
        let problem = problem.map_or_else(String::new, ToString::to_string);
        return Err(Failure::input(format!("{}: {problem}", only.name)));
    }
    let outcome = super::matched(app, caller, Some(&ids)).await?;
    let count = |n: usize| Cell::Number(i64::try_from(n).unwrap_or(i64::MAX));
    let parts = [
        ("files_total", count(files.0.len())),
        ("bad", count(bad)),
        ("taken_in", count(ids.len())),
        ("affected", count(outcome.affected)),
        ("needs_person", count(outcome.needs_person)),
        ("not_affected", count(outcome.not_affected)),
        ("opened", count(outcome.opened)),
    ];
    let text = format!(
        "{} of {} files were taken in, {bad} are bad. {}",
        ids.len(),
        files.0.len(),
        said(&outcome)
    );
    Ok(Output::Report(
        Report::new(parts, text).with("files", table),
    ))
}

fn row(file: &OneFile, taken: &TakenFile) -> Vec<Cell> {
    match taken {
        Ok((advisory, taken)) => vec![
            Cell::of(&file.name),
            Cell::of(&advisory.id),
            Cell::of(&advisory.version),
            Cell::of(taken.word()),
            Cell::Empty,
        ],
        Err(problem) => vec![
            Cell::of(&file.name),
            Cell::Empty,
            Cell::Empty,
            Cell::of("bad"),
            Cell::of(problem),
        ],
    }
}

fn said(outcome: &Outcome) -> String {
    let unreadable = outcome.unreadable.iter();
    let unreadable: Vec<String> = unreadable
        .map(|one| format!(" But {}; what it came to stands as it was.", one.words()))
        .collect();
    format!(
        "Of ours {} are affected, {} need a person, {} are not affected; {} of these are new or \
         changed. `advisory matches --needs-person` shows what a person must look at.{}",
        outcome.affected,
        outcome.needs_person,
        outcome.not_affected,
        outcome.opened,
        unreadable.concat()
    )
}

/// Adds one advisory, if it is another than what is there. The inner error is the file's own.
async fn take(
    change: &mut Change,
    advisory: &Advisory,
    bytes: &[u8],
) -> Result<Result<Taken, String>, Failure> {
    if advisory.id.is_empty() {
        return Ok(Err(
            "its tracking id is empty, so it cannot be told from others".into(),
        ));
    }
    // A notice is typed, and no reader has looked at its reference.
    if advisory.id.len() > csaf::MAX_ID_BYTES {
        let most = csaf::MAX_ID_BYTES;
        return Ok(Err(format!(
            "its id is longer than {most} bytes; shorten it"
        )));
    }
    let known = change.view().revisions(&advisory.id).await?;
    let digest = Digest::of(bytes);
    if known.iter().any(|row| row.digest == digest) {
        return Ok(Ok(Taken::Known));
    }
    if let Some(other) = known.iter().find(|row| row.publisher != advisory.publisher) {
        return Ok(Err(format!(
            "{} published an advisory with the id {} already, and this one is by {}",
            other.publisher, advisory.id, advisory.publisher
        )));
    }
    let last = known.last().map_or(0, |row| row.revision);
    if last >= MAX_REVISIONS {
        return Ok(Err(format!(
            "{MAX_REVISIONS} revisions of it are kept; remove it first"
        )));
    }
    let taken = match known.iter().any(|row| is_newer(row, advisory)) {
        _ if known.is_empty() => Taken::New,
        true => Taken::Older,
        false => Taken::Newer,
    };
    let row = AdvisoryRow {
        id: advisory.id.clone(),
        revision: last + 1,
        version: advisory.version.clone(),
        form: advisory.form.word().to_owned(),
        publisher: advisory.publisher.clone(),
        title: advisory.title.clone(),
        category: advisory.category.clone(),
        status: advisory.status.clone(),
        digest,
        published: advisory.published,
        changed: advisory.current,
        due: advisory.due,
        score: score(advisory),
        severity: advisory.severity.clone(),
        added_at: change.now(),
    };
    let names = advisory.to_be_done();
    let counts = taken != Taken::Older;
    change.add_advisory(&row, bytes, counts, &names).await?;
    Ok(Ok(taken))
}

/// Whether what is stored is newer than an advisory: by its version, or where versions are
/// counted in different ways, by its date. What cannot be told is taken as newer.
fn is_newer(row: &AdvisoryRow, advisory: &Advisory) -> bool {
    let (ours, theirs) = (Counted::of(&row.version), Counted::of(&advisory.version));
    match ours.order(&theirs) {
        Some(Ordering::Greater) => true,
        Some(Ordering::Less) => false,
        _ => row
            .changed
            .zip(advisory.current)
            .is_some_and(|(a, b)| a > b),
    }
}

/// The highest CVSS score, in tenths.
fn score(advisory: &Advisory) -> Option<u32> {
    let scores = advisory.vulnerabilities.iter().flat_map(|one| &one.scores);
    let cvss = scores.filter(|score| score.system.starts_with("cvss"));
    let tenths = cvss.filter_map(|score| score.number).map(|number| {
        // A score lies between 0 and 10; what does not is no score.
        (number.clamp(0.0, 10.0) * 10.0).round() as u32
    });
    tenths.max()
}

/// Of what the matching is run.
#[derive(Clone, Debug, Default, Serialize, Deserialize, clap::Args)]
pub struct Which {
    /// Ids of advisories; without them all
    ids: Vec<String>,
    /// Against this asset; may be given several times
    #[arg(long = "asset")]
    assets: Vec<Label>,
    /// Against this machine, by its name or id; may be given several times
    #[arg(long = "machine")]
    machines: Vec<String>,
}

/// Runs the matching of some advisories or of all, against some of what there is or all of it.
pub(super) async fn run_matching(
    app: &App,
    caller: &Caller,
    which: &Which,
) -> Result<Output, Failure> {
    let mut view = app.store.view().await?;
    for id in &which.ids {
        super::list::need(&mut view, id).await?;
    }
    let things = some_things(&mut view, which).await?;
    drop(view);
    let only = Only {
        advisories: (!which.ids.is_empty()).then_some(&which.ids),
        things: things.as_ref(),
    };
    let ran = matching::refresh(&app.store, &app.matching, &caller.actor, app.now(), only).await?;
    let against = match &things {
        Some(things) => format!(
            " against {} products of these machines and assets",
            things.len()
        ),
        None => String::new(),
    };
    Ok(Output::Text(format!(
        "{} advisories were matched{against}. {}",
        ran.outcome.advisories,
        said(&ran.outcome)
    )))
}

/// The things of the machines and assets that were named; `None` where none was.
async fn some_things(view: &mut View, which: &Which) -> Result<Option<HashSet<String>>, Failure> {
    if which.assets.is_empty() && which.machines.is_empty() {
        return Ok(None);
    }
    let answers = matching::Answers::read(view).await?;
    let mut things = HashSet::new();
    for tag in &which.assets {
        let asset = asset::find(view, tag).await?;
        things.extend(matching::things_of_asset(view, &answers, &asset).await?);
    }
    for text in &which.machines {
        let machine = machine::find(view, text).await?;
        things.extend(matching::things_of_machine(view, &answers, &machine).await?);
    }
    Ok(Some(things))
}

/// Takes in the catalogue.
pub(super) async fn kev(app: &App, caller: &Caller, file: &InputFile) -> Result<Output, Failure> {
    let read = kev::read(&file.bytes);
    let catalogue = read.map_err(|error| Failure::input(format!("{}: {error}", file.name)))?;
    let mut change = app.change(caller).await?;
    change.put_exploited(&catalogue).await?;
    change.commit().await?;
    Ok(Output::Text(format!(
        "The catalogue {} with {} exploited vulnerabilities is taken in.",
        catalogue.version,
        catalogue.entries.len()
    )))
}

/// Enters a notice.
pub(super) async fn notice(
    app: &App,
    caller: &Caller,
    asked: AddNotice,
) -> Result<Output, Failure> {
    if asked.models.len() > notice::MAX_MODELS {
        let most = notice::MAX_MODELS;
        return Err(Failure::input(format!(
            "a notice names at most {most} models"
        )));
    }
    if !asked.versions.trim().is_empty()
        && let Versions::Unclear(why) = Versions::read(&asked.versions)
    {
        return Err(Failure::input(format!(
            "--versions {:?}: {why}. Write it as \"4.2.1 and prior\", \"1.0 through 1.4\", \
             \"2.x\" or \">=1.0 | <1.5\".",
            asked.versions
        )));
    }
    let mut change = app.change(caller).await?;
    let known = change.view().revisions(&asked.id).await?;
    let notice = notice::Notice {
        id: asked.id.trim().to_owned(),
        is_recall: asked.kind == "recall",
        maker: asked.manufacturer.to_string(),
        models: asked.models.iter().map(ToString::to_string).collect(),
        versions: asked.versions,
        serials: asked.serials.iter().map(ToString::to_string).collect(),
        text: asked.text,
        link: asked.link,
        due: asked.due,
        at: change.now(),
        version: known.last().map_or(1, |row| row.revision + 1),
    };
    let bytes = serde_json::to_vec(&notice).map_err(|error| Failure::input(error.to_string()))?;
    let advisory = notice::advisory(&notice);
    let taken = take(&mut change, &advisory, &bytes).await?;
    taken.map_err(Failure::conflict)?;
    change.commit().await?;
    let outcome = super::matched(app, caller, Some(std::slice::from_ref(&notice.id))).await?;
    let kind = asked.kind;
    Ok(Output::Text(format!(
        "The {kind} {} is entered. {}",
        notice.id,
        said(&outcome)
    )))
}
