//! Ends of support out of a file: all of it, or nothing.

use super::{Kind, checked, kind, range};
use crate::app::App;
use crate::command::Caller;
use crate::command::file::InputFile;
use crate::command::rows::{self, Cells, Shape};
use crate::control::{Cell, Failure, Output, Report, Table};
use crate::store::support::SupportEnd;
use jiff::civil::Date;
use patchward_common::time::UtcMs;

/// Where `version` stands instead of `versions` it means the same.
const SHAPE: Shape = Shape {
    needed: &["name", "ends"],
    more: &["kind", "versions", "version", "source"],
    passed_over: &["entered_by"],
};

fn end(cells: &Cells<'_>) -> Result<SupportEnd, String> {
    let kind = cells.text("kind").map_or(Ok(Kind::Product), kind)?;
    let name = cells.text("name").ok_or("it has no name")?;
    let ends = cells.text("ends").ok_or("it has no end")?;
    let ends: Date = ends
        .parse()
        .map_err(|_| format!("{ends:?} is no day, such as 2028-06-30"))?;
    let versions = cells.text("versions").or(cells.text("version"));
    Ok(SupportEnd {
        kind: kind.stored(),
        name: checked(name).map_err(|failure| failure.text)?,
        versions: range(kind, versions.unwrap_or("*")).map_err(|failure| failure.text)?,
        ends_on: ends.to_string(),
        source: cells.maybe("source")?,
        put_by: String::new(),
        put_at: UtcMs(0),
    })
}

/// Takes in a file, or shows what it says.
pub(super) async fn import(
    app: &App,
    caller: &Caller,
    file: &InputFile,
    dry_run: bool,
) -> Result<Output, Failure> {
    let ends = read(file).map_err(|failure| Failure {
        text: format!("{}: {}. Nothing was taken in.", file.name, failure.text),
        ..failure
    })?;
    let mut table = Table::new(&["kind", "name", "versions", "ends", "source"]);
    for end in &ends {
        table.row(vec![
            Cell::of(end.kind.word()),
            Cell::of(&end.name),
            Cell::of(&end.versions),
            Cell::of(&end.ends_on),
            Cell::maybe(end.source.as_ref()),
        ]);
    }
    let count = ends.len();
    if !dry_run {
        let mut change = app.change(caller).await?;
        for end in &ends {
            change.put_support_end(end).await?;
        }
        change.commit().await?;
    }
    let text = match dry_run {
        true => format!("{count} ends of support would be entered; nothing was changed."),
        false => format!("{count} ends of support are entered; those that were there are as said."),
    };
    let parts = [
        ("ends_of_support", Cell::Number(count as i64)),
        ("dry_run", Cell::Flag(dry_run)),
    ];
    Ok(Output::Report(Report::new(parts, text).with("ends", table)))
}

fn read(file: &InputFile) -> Result<Vec<SupportEnd>, Failure> {
    let (_, rows) = rows::read(&file.bytes, &SHAPE, end)?;
    Ok(rows.into_iter().map(|(_, end)| end).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_bytes::ByteBuf;

    fn ends(text: &str) -> Result<Vec<SupportEnd>, String> {
        let file = InputFile {
            name: "ends.csv".into(),
            bytes: ByteBuf::from(text.as_bytes()),
        };
        read(&file).map_err(|failure| failure.text)
    }

    #[test]
    fn rows_are_ends_and_mistakes_have_their_lines() {
        let found = ends(
            "Kind;Name;Versions;Ends;Source\nos;debian;< 13;2028-06-30;its page\n\
             model;station-4;;2029-12-31;\n;openssl;< 3.0;2026-09-07;'=evil()\n",
        );
        let found = found.unwrap();
        let words: Vec<_> = found
            .iter()
            .map(|end| (end.kind.word(), end.name.as_str(), end.ends_on.as_str()))
            .collect();
        assert_eq!(
            words,
            [
                ("os", "debian", "2028-06-30"),
                ("model", "station-4", "2029-12-31"),
                ("product", "openssl", "2026-09-07"),
            ]
        );
        assert_eq!(found[1].versions, "*");
        assert_eq!(found[2].source.as_ref().unwrap().as_str(), "=evil()");
        for (text, why) in [
            (
                "name,ends\nx,soon\ny,2026-01-01\n,2026-01-01\n",
                "line 2: \"soon\" is no day",
            ),
            ("name,ends\n,2026-01-01\n", "line 2: it has no name"),
            (
                "name,ends,colour\nx,2026-01-01,red\n",
                "\"colour\" is no column",
            ),
            ("name,kind\nx,os\n", "name and ends must be among them"),
            ("name,ends,name\n", "twice"),
            ("name,ends,kind\nx,2026-01-01,pet\n", "os, model or product"),
            ("", "is empty"),
        ] {
            let said = ends(text).unwrap_err();
            assert!(said.contains(why), "{text:?}: {said}");
        }
    }
}
