//! Answers and what follows from them, as people and programs get it.

use super::find;
use crate::agenda;
use crate::app::App;
use crate::component::support::Due;
use crate::control::{Cell, Failure, Output, Report, Table};
use crate::mds2::contradiction;
use crate::mds2::file::Document;
use crate::mds2::question::questions;
use crate::mds2::verdict::judge;
use crate::mds2::{Answers, Bearing, Policy, with_support};
use crate::planning;
use crate::store::mds2::Mds2Document;
use crate::supported::bearing_on;
use patchward_common::id::Name;
use patchward_common::plan::VendorAllows;

/// What a policy means for whoever plans.
pub(in crate::command) fn meaning(allows: VendorAllows) -> &'static str {
    match allows {
        VendorAllows::Install => "we may install",
        VendorAllows::StageOnly => "we may bring it there; a person installs",
        VendorAllows::VendorService => "the vendor's service installs",
        VendorAllows::ReportOnly => "nobody may install; we report",
    }
}

fn policies(answers: &Answers) -> Table {
    let mut table = Table::new(&["class", "there", "allows", "meaning", "because", "beside"]);
    for one in Policy::of(answers).classes {
        let said = |text: String| (!text.is_empty()).then_some(text);
        table.row(vec![
            Cell::of(one.class.word()),
            Cell::of(match one.is_there {
                Some(true) => "yes",
                Some(false) => "no",
                None => "unknown",
            }),
            Cell::of(one.allows.word()),
            Cell::of(meaning(one.allows)),
            Cell::of(one.because),
            Cell::maybe(said(one.beside)),
        ]);
    }
    table
}

fn contradictions(answers: &Answers) -> Table {
    let mut table = Table::new(&["questions", "what"]);
    for one in contradiction::find(answers) {
        table.row(vec![Cell::List(one.questions), Cell::of(one.text)]);
    }
    table
}

fn all_answers(answers: &Answers) -> Table {
    let mut table = Table::new(&["question", "asks", "answer"]);
    for (id, asks) in questions() {
        let said = answers.words(&id);
        table.row(vec![Cell::of(id), Cell::of(asks), Cell::of(said)]);
    }
    table
}

/// How many questions are not answered with yes, no or "n/a".
fn unanswered(answers: &Answers) -> usize {
    let all = questions().into_iter();
    let open = all.filter(|(id, _)| {
        let said = answers.of(id);
        said.is_none_or(|said| said == crate::mds2::Answer::SeeNote)
    });
    open.count()
}

fn with_lists(report: Report, answers: &Answers) -> Output {
    Output::Report(
        report
            .with("policy", policies(answers))
            .with("contradictions", contradictions(answers))
            .with("answers", all_answers(answers)),
    )
}

/// What a file says; nothing is stored.
pub(super) fn document(read: &Document) -> Output {
    let text = format!("Nothing was stored. {}", said(read));
    with_lists(parts(read, text), &read.answers)
}

fn parts(read: &Document, text: String) -> Report {
    let parts = [
        ("manufacturer", Cell::of(&read.manufacturer)),
        ("device_model", Cell::of(&read.device_model)),
        ("document", Cell::of(&read.document_id)),
        ("released_on", Cell::maybe(read.released_on.as_ref())),
        ("unanswered", Cell::Number(unanswered(&read.answers) as i64)),
        ("not_of_the_form", Cell::List(read.unknown.clone())),
    ];
    Report::new(parts, text)
}

/// How a file was read, in words.
fn said(read: &Document) -> String {
    let mut text = format!(
        "Read as {}: {} of {}, document {}.",
        read.read_as, read.device_model, read.manufacturer, read.document_id
    );
    if let Some(day) = &read.unread_date {
        text.push_str(&format!(
            " Its day \"{day}\" may mean several: say it with --released YYYY-MM-DD."
        ));
    }
    match unanswered(&read.answers) {
        0 => {}
        count => text.push_str(&format!(
            " {count} questions are not answered, or by a note alone; they count as the strictest. \
             `mds2 answer` notes what a person read."
        )),
    }
    text
}

/// What was taken in.
pub(super) fn taken_in(
    model: &Name,
    document: &Mds2Document,
    read: &Document,
) -> Result<Output, Failure> {
    let strictest = Policy::of(&read.answers);
    let strictest = strictest.strictest();
    let text = format!(
        "{} The answers of model {model} are here ({}), and plans follow them. Without a class \
         of its own a product counts as {}: {} ({}).",
        said(read),
        document.digest,
        strictest.class.word(),
        meaning(strictest.allows),
        strictest.because
    );
    Ok(with_lists(parts(read, text), &read.answers))
}

/// Every model with answers.
pub(super) async fn list(app: &App) -> Result<Output, Failure> {
    let columns = [
        "model",
        "document",
        "released_on",
        "software_version",
        "imported_at",
        "strictest",
        "contradictions",
        "ask_again",
    ];
    let mut table = Table::new(&columns);
    let mut view = app.store.view().await?;
    let stale = agenda::stale_answers(&mut view).await?;
    let mut documents = view.mds2_documents().await?;
    documents.dedup_by(|later, first| later.model == first.model);
    for document in documents {
        let answers = planning::answers(&mut view, &document).await?;
        let why = stale.iter().find(|one| one.model == document.model);
        table.row(vec![
            Cell::of(&document.model),
            Cell::of(&document.document_id),
            Cell::maybe(document.released_on),
            Cell::of(&document.software_version),
            Cell::of(document.imported_at),
            Cell::of(Policy::of(&answers).strictest().allows.word()),
            Cell::Number(contradiction::find(&answers).len() as i64),
            Cell::maybe(why.map(|one| &one.why)),
        ]);
    }
    Ok(Output::Table(table))
}

/// One model.
pub(super) async fn model(app: &App, model: &Name) -> Result<Output, Failure> {
    let mut view = app.store.view().await?;
    let document = find(&mut view, model).await?;
    let answers = planning::answers(&mut view, &document).await?;
    let stale = agenda::stale_answers(&mut view).await?.into_iter();
    let stale = stale.filter(|one| one.model == *model).map(|one| one.why);
    let stale: Vec<String> = stale.collect();
    let parts = [
        ("model", Cell::of(model)),
        ("document", Cell::of(&document.document_id)),
        ("file", Cell::of(&document.file_name)),
        ("digest", Cell::of(document.digest)),
        ("released_on", Cell::maybe(document.released_on.as_ref())),
        ("software_version", Cell::of(&document.software_version)),
        ("imported_by", Cell::of(&document.imported_by)),
        ("imported_at", Cell::of(document.imported_at)),
        ("ask_again", Cell::maybe(stale.first())),
    ];
    let text = match stale.first() {
        Some(why) => format!("These answers are to be asked for again: {why}."),
        None => "These answers hold. `mds2 original` writes their file.".to_owned(),
    };
    Ok(with_lists(Report::new(parts, text), &answers))
}

/// The verdict on a model.
pub(super) async fn verdict(app: &App, model: &Name) -> Result<Output, Failure> {
    let mut view = app.store.view().await?;
    let document = find(&mut view, model).await?;
    let answers = planning::answers(&mut view, &document).await?;
    let of = (model, document.software_version.as_str());
    let ends = bearing_on(&app.fleet, &mut view, of, app.now()).await?;
    let verdict = with_support(judge(&answers), &ends);
    let mut ask = Table::new(&["questions", "ask"]);
    for (questions, what) in verdict.ask {
        ask.row(vec![Cell::of(questions), Cell::of(what)]);
    }
    let parts = [
        ("model", Cell::of(model)),
        ("verdict", Cell::of(verdict.word)),
    ];
    let report = Report::new(parts, verdict.text)
        .with("ask_the_vendor", ask)
        .with("ends_of_support", supported(&ends));
    Ok(Output::Report(report.with("policy", policies(&answers))))
}

/// The ends of support that the verdict looked at.
fn supported(ends: &[Bearing]) -> Table {
    let mut table = Table::new(&["of", "ends_on", "days_left", "unsure"]);
    for one in ends {
        table.row(vec![
            Cell::of(&one.what),
            Cell::of(one.on),
            Cell::Number(match one.due {
                Due::Past(days) => -days,
                Due::In(days) => days,
            }),
            Cell::maybe(one.unsure.as_ref()),
        ]);
    }
    table
}
