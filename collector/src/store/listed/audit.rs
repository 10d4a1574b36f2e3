//! The audit log as a list, newest first.

use super::{Column, Kind, List, Page, SEARCHED_ROWS, Wanted, Where, column};
use crate::store::audit::AuditRow;
use crate::store::{StoreError, View};

const COLUMNS: &[Column] = &[
    column("row", "a.seq", Kind::Number).in_each(),
    column("at", "a.at", Kind::Number).in_each(),
    column("who", "a.actor", Kind::Text),
    column("what", "a.action", Kind::Text),
    column("subject", "a.subject", Kind::Text),
    column("detail", "a.detail", Kind::Text),
];

const AUDIT: List = List {
    select: "a.seq, a.at, a.actor, a.action, a.subject, a.detail, a.previous, a.hash",
    table: "audit a",
    key: "a.seq",
    joins: "",
    columns: COLUMNS,
    order: "a.seq DESC",
    // It speaks of all units at once, and is for who sees all.
    seen: "1 = 0",
    seen_is_joined: false,
};

impl View {
    /// A page of the log, newest first: of the `last` rows or of all, about something or about
    /// all. Sorted, searched and filtered are the newest [`SEARCHED_ROWS`].
    pub async fn listed_audit(
        &mut self,
        about: Option<&str>,
        last: Option<u64>,
        wanted: &Wanted,
    ) -> Result<Page<AuditRow>, StoreError> {
        let mut of = Where::default();
        let most = match (last, about, wanted.seeks("row")) {
            (Some(last), ..) => Some(last),
            (None, None, true) => Some(SEARCHED_ROWS),
            _ => None,
        };
        let head = self.audit_head().await?.seq;
        if let Some(subject) = about {
            of.is("a.subject", &subject.to_owned());
        }
        if let Some(most) = most {
            let after = of.arg(&head.saturating_sub(most));
            of.only(format!("a.seq > {after}"));
        }
        // The rows are numbered without gaps: where all are asked for, nobody counts them.
        let total = match about {
            None => Some(last.map_or(head, |last| last.min(head))),
            Some(_) => None,
        };
        let mut page = self.page_of(&AUDIT, of, wanted, total).await?;
        page.found = page.found.min(most.unwrap_or(u64::MAX));
        Ok(page)
    }
}
