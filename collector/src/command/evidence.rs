//! Evidence: packs that verify without us, what auditors read of them, archives for years.

mod choice;
mod counted;
mod how;
pub(super) mod period;

use super::listed::Paged;
use crate::app::App;
use crate::auditor::{self, Row, Sheet};
use crate::control::frame::MAX_FRAME_BYTES;
use crate::control::{Cell, Failure, Output, Table};
use crate::evidence::{self, PACK_JOBS, archive, told};
use crate::store::View;
use crate::store::listed::Wanted;
use choice::{Choice, Selected};
use patchward_common::evidence::verify;
use patchward_common::time::UtcMs;
use patchward_common::words::counted;
use period::Period;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use std::path::PathBuf;

/// Most jobs of one paper: some hundred pages. Nobody reads more of it to the end.
const PAPER_JOBS: usize = 2_000;
/// Most jobs of one list on a page.
const LIST_JOBS: usize = 10_000;
/// Largest file that a command gives out: it travels in one frame of the control socket.
const MAX_FILE_BYTES: usize = MAX_FRAME_BYTES - 64 * 1024;

/// What can be done with evidence.
#[derive(Clone, Debug, Serialize, Deserialize, clap::Subcommand)]
pub enum EvidenceCommand {
    /// Write a pack of evidence, for `patchward-sign verify-evidence`
    Export {
        /// Which jobs
        #[command(flatten)]
        choice: Box<Choice>,
        /// The file to write; it must not exist
        #[arg(long)]
        out: PathBuf,
    },
    /// Write a report of jobs for an auditor, on paper (PDF)
    Report {
        /// Which jobs
        #[command(flatten)]
        choice: Box<Choice>,
        /// The file to write; it must not exist
        #[arg(long)]
        out: PathBuf,
    },
    /// Write a table of jobs for an auditor's spreadsheet (CSV)
    Table {
        /// Which jobs
        #[command(flatten)]
        choice: Box<Choice>,
        /// The file to write; it must not exist
        #[arg(long)]
        out: PathBuf,
    },
    /// Write an archive for years: the packs of all jobs that ended in a time, with the audit
    /// log of it
    Archive {
        /// Of this year, quarter, month or day, in UTC
        #[arg(long, value_parser = period::period, conflicts_with_all = ["from", "until"])]
        during: Option<Period>,
        /// From this year, quarter, month, day or instant on; from the first job without it
        #[arg(long, value_parser = period::from)]
        from: Option<UtcMs>,
        /// Until the end of this year, quarter, month or day, or before an instant
        #[arg(long, value_parser = period::until, required_unless_present = "during")]
        until: Option<UtcMs>,
        /// The file to write; it must not exist
        #[arg(long)]
        out: PathBuf,
    },
    /// Show which jobs a pack would have
    List {
        /// Which jobs
        #[command(flatten)]
        choice: Box<Choice>,
    },
    /// Count the jobs of units and machines: of each a pack can be made
    Places,
    /// Count the jobs of releases and months: of each a pack can be made
    Releases,
    /// How to check a pack, on a computer away from here
    Check,
}

/// Carries out a command on evidence.
pub async fn run(app: &App, command: EvidenceCommand) -> Result<Output, Failure> {
    let mut view = app.store.view().await?;
    match command {
        EvidenceCommand::Export { choice, .. } => export(app, &mut view, &choice).await,
        EvidenceCommand::Report { choice, .. } => report(app, &mut view, &choice).await,
        EvidenceCommand::Table { choice, .. } => table(app, &mut view, &choice).await,
        EvidenceCommand::Archive {
            during,
            from,
            until,
            ..
        } => {
            let from = from.or(during.map(|period| period.from));
            let until = until.or(during.map(|period| period.until));
            let until = until.ok_or_else(|| Failure::input("say until when: --until"))?;
            archived(app, &mut view, from, until).await
        }
        EvidenceCommand::List { choice } => list(&mut view, &choice).await,
        EvidenceCommand::Places => counted::places(&mut view).await,
        EvidenceCommand::Releases => counted::releases(&mut view).await,
        EvidenceCommand::Check => how::check(&mut view).await,
    }
}

const NARROW: &str = "Narrow with --unit, --machine, --release or --during.";

async fn export(app: &App, view: &mut View, choice: &Choice) -> Result<Output, Failure> {
    let otherwise = format!(
        "They are too many for one pack. {NARROW} `evidence archive` writes all of a time, in packs \
         with numbers."
    );
    let selected = choice.select(view, PACK_JOBS, &otherwise).await?;
    let pack = evidence::pack(view, &selected.jobs, app.now()).await?;
    let text = format!(
        "Evidence of {} ({}), content digest {}. Verify it away from here, with the hospital \
         root's fingerprint: `patchward-sign verify-evidence`.",
        counted(selected.jobs.len(), "job", "jobs"),
        selected.words,
        pack.content()
    );
    given(pack.to_bytes(), text)
}

/// A file, where it is not larger than what a command can give out.
fn given(bytes: Vec<u8>, text: String) -> Result<Output, Failure> {
    if bytes.len() > MAX_FILE_BYTES {
        return Err(Failure::input(format!(
            "It would be a file of {} MiB, and one has up to {} MiB. Take less at once: {NARROW}",
            bytes.len() >> 20,
            MAX_FILE_BYTES >> 20
        )));
    }
    Ok(Output::File {
        bytes: ByteBuf::from(bytes),
        text,
    })
}

/// What an auditor reads of the chosen jobs: rows of what their pack proves.
async fn read(
    app: &App,
    view: &mut View,
    selected: &Selected,
) -> Result<(Sheet, Vec<Row>), Failure> {
    let pack = evidence::pack(view, &selected.jobs, app.now()).await?;
    let asides = told::asides(view, &selected.jobs).await?;
    let head = view.audit_head().await?;
    let root = pack.chain.root.fingerprint();
    let (sheet, rows) = tokio::task::spawn_blocking(move || {
        // Signatures by the thousand: not on a thread that serves machines.
        let report = verify(&pack, root);
        let rows = auditor::rows(&pack, &report, &asides);
        let sheet = Sheet {
            made: pack.made,
            chosen: String::new(),
            root,
            head,
            content: report.content,
        };
        (sheet, rows)
    })
    .await
    .map_err(|error| Failure::unavailable(format!("the report was not made: {error}")))?;
    let chosen = selected.words.clone();
    Ok((Sheet { chosen, ..sheet }, rows))
}

async fn report(app: &App, view: &mut View, choice: &Choice) -> Result<Output, Failure> {
    let otherwise = format!(
        "They are too many for one paper. {NARROW} `evidence table` has up to {PACK_JOBS} rows."
    );
    let selected = choice.select(view, PAPER_JOBS, &otherwise).await?;
    let (sheet, rows) = read(app, view, &selected).await?;
    let text = format!(
        "A report of {} ({}), content digest {}: that of the pack which `evidence export` \
         writes of them.",
        counted(rows.len(), "job", "jobs"),
        sheet.chosen,
        sheet.content
    );
    given(auditor::pdf(&sheet, &rows), text)
}

async fn table(app: &App, view: &mut View, choice: &Choice) -> Result<Output, Failure> {
    let otherwise = format!("They are too many for one table. {NARROW}");
    let selected = choice.select(view, PACK_JOBS, &otherwise).await?;
    let (sheet, rows) = read(app, view, &selected).await?;
    let text = format!(
        "A table of {} ({}), content digest {}.",
        counted(rows.len(), "job", "jobs"),
        sheet.chosen,
        sheet.content
    );
    given(auditor::csv(&rows), text)
}

async fn archived(
    app: &App,
    view: &mut View,
    from: Option<UtcMs>,
    until: UtcMs,
) -> Result<Output, Failure> {
    let now = app.now();
    if until > now {
        return Err(Failure::input(format!(
            "That time is not over: it is {now} here. An archive is made of what has ended, with \
             an --until that has passed."
        )));
    }
    let archive = archive::made(view, from, until, MAX_FILE_BYTES, now).await?;
    let jobs: u64 = archive.packs.iter().map(|pack| pack.jobs).sum();
    let text = format!(
        "An archive of {} in {}, with the audit log from row {} to row {}. Nothing \
         was removed here. Verify it away from here, with the hospital root's fingerprint: \
         `patchward-sign verify-evidence`. Keep it for six years at least; SHA-256 of the \
         log's last row: {}.",
        counted(jobs, "job", "jobs"),
        counted(archive.packs.len(), "pack", "packs"),
        archive.before.seq.saturating_add(1),
        archive.head.seq,
        archive.head.hash
    );
    given(archive.to_bytes(), text)
}

async fn list(view: &mut View, choice: &Choice) -> Result<Output, Failure> {
    let wanted = Wanted {
        limit: LIST_JOBS as u32,
        ..Wanted::default()
    };
    Ok(Output::Table(listed(view, choice, &wanted).await?.table))
}

/// A page of the chosen jobs.
pub(super) async fn listed(
    view: &mut View,
    choice: &Choice,
    wanted: &Wanted,
) -> Result<Paged, Failure> {
    let otherwise = format!("They are too many for one list. {NARROW}");
    let (chosen, words) = choice.read(view).await?;
    let page = view.listed_chosen(&chosen, wanted).await?;
    choice::must_be_some(page.total, LIST_JOBS, &words, &otherwise)?;
    let mut table = Table::new(&[
        "job",
        "machine",
        "unit",
        "plan_title",
        "plan",
        "state",
        "since",
    ]);
    for listed in &page.rows {
        let job = &listed.job;
        table.row(vec![
            Cell::of(job.id),
            Cell::of(&listed.machine),
            Cell::of(&listed.unit),
            Cell::of(&listed.title),
            Cell::of(job.plan),
            Cell::of(job.state.word()),
            Cell::of(job.since),
        ]);
    }
    table.note = Some(format!(
        "{} ({words}). `evidence export`, `report` and `table` write them with the same words.",
        counted(page.total, "job", "jobs"),
    ));
    Ok(Paged::of(table, &page))
}
