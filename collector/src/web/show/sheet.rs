//! A list as a file for a spreadsheet: all rows that the address finds, in its order. What a
//! spreadsheet would compute begins with an apostrophe, once: it is read as it was.

use super::listing::Asked;
use super::whole;
use crate::command::Command;
use crate::command::listed;
use crate::control::{Cell, Failure, Table};
use crate::sheet::csv;
use crate::store::Store;
use crate::store::listed::Wanted;
use axum::body::{Body, Bytes};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;

/// Rows that are read and sent at once: some 500 KiB.
const CHUNK: u32 = 5_000;

/// The file of a list that is there as a whole.
pub fn whole(id: &str, table: &Table, asked: &Asked) -> Response {
    let mut bytes = head(table);
    bytes.extend(lines(whole::found(table, asked)));
    answer(id, Body::from(bytes))
}

/// What is still to be sent of a list that the store has.
struct Rest {
    store: Store,
    command: Command,
    wanted: Wanted,
}

/// The file of a list that the store has, read and sent a piece at a time. Who changes the
/// list meanwhile may have a row twice or not at all in it.
pub fn streamed(id: &str, store: Store, command: Command, wanted: Wanted) -> Response {
    let wanted = Wanted {
        offset: 0,
        limit: CHUNK,
        ..wanted
    };
    let rest = Rest {
        store,
        command,
        wanted,
    };
    let chunks = stream::unfold(Some(rest), |rest| async {
        let mut rest = rest?;
        match rest.next().await {
            Ok((bytes, true)) => Some((Ok(bytes), None)),
            Ok((bytes, false)) => Some((Ok(bytes), Some(rest))),
            Err(failure) => {
                // The head of the answer is on its way: a file that ends too early says it.
                tracing::warn!(%failure, "a file of a list could not be sent whole");
                Some((Err(std::io::Error::other(failure.text)), None))
            }
        }
    });
    answer(id, Body::from_stream(chunks))
}

impl Rest {
    /// The next rows, and whether they are the last.
    async fn next(&mut self) -> Result<(Bytes, bool), Failure> {
        let mut view = self.store.view().await?;
        let page = listed::page(&mut view, &self.command, &self.wanted).await?;
        drop(view);
        let table = page.map(|page| page.table).unwrap_or_default();
        let mut bytes = match self.wanted.offset {
            0 => head(&table),
            _ => Vec::new(),
        };
        bytes.extend(lines(&table.rows));
        let count = table.rows.len();
        self.wanted.offset += count as u64;
        Ok((Bytes::from(bytes), count < CHUNK as usize))
    }
}

fn head(table: &Table) -> Vec<u8> {
    csv::write(std::iter::once(table.columns.as_slice()), ',')
}

fn lines<'a>(rows: impl IntoIterator<Item = &'a Vec<Cell>>) -> Vec<u8> {
    let rows = rows.into_iter().map(|row| {
        let cells = row.iter().map(|cell| match cell {
            Cell::Empty => String::new(),
            Cell::Moment { at, .. } => at.to_string(),
            other => other.to_string(),
        });
        cells.collect::<Vec<String>>()
    });
    let rows: Vec<Vec<String>> = rows.collect();
    csv::more(rows.iter().map(Vec::as_slice), ',')
}

fn answer(id: &str, body: Body) -> Response {
    let kind = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{id}.csv\""),
        ),
    ];
    (kind, body).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::show::listing::Query;

    #[tokio::test]
    async fn no_sheet_computes_anything() {
        let mut table = Table::new(&["machine", "unit", "jobs"]);
        for (name, unit, jobs) in [("b", "icu", 10), ("a", "or", 9), ("=c()", "icu", 2)] {
            table.row(vec![Cell::of(name), Cell::of(unit), Cell::Number(jobs)]);
        }
        let query = Query {
            path: "/assets".into(),
            parts: vec![("m.unit".into(), "icu".into())],
        };
        let file = whole("m", &table, &Asked::of("m", &query));
        let bytes = axum::body::to_bytes(file.into_body(), 10_000)
            .await
            .unwrap();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        assert!(text.contains("'=c()"), "{text}");
        assert!(
            text.contains("b,icu,10") && !text.contains(",or,"),
            "{text}"
        );
    }
}
