//! Approved work at a secret address, for people's calendars. Who has the address needs no
//! account; a wrong one is told the same as at any address where nothing is.

use super::{Web, error, fresh};
use crate::command::work;
use crate::control::Failure;
use crate::secret::Secret;
use crate::store::feed_links::{FeedKind, FeedLink};
use axum::extract::{Path, State};
use axum::http::header::{self, HeaderValue};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use patchward_common::digest::Digest;
use patchward_common::time::MINUTE_MS;
use std::sync::Arc;

/// How long programs may keep a calendar: a freeze of today is in it within minutes.
/// Nobody between them and us may keep it.
const CACHED: &str = "private, max-age=300";
/// How exactly it is noted when an address was last used.
const USED_MS: i64 = MINUTE_MS;

/// A calendar, ready to be sent.
pub(super) struct Calendar {
    text: String,
    /// Of what stands in it: the same while nothing changes.
    tag: HeaderValue,
}

/// The address that somebody brought, if it has not ended.
pub(super) async fn link(
    web: &Web,
    secret: &Secret,
    what: FeedKind,
) -> Result<Option<FeedLink>, Failure> {
    let mut view = web.app.store.view().await?;
    let found = view.feed_link_by_secret(&secret.hash()).await?;
    drop(view);
    let Some(link) = found.filter(|link| link.what == what) else {
        return Ok(None);
    };
    let now = web.app.now();
    if link.used_at.is_none_or(|used| now >= used.plus_ms(USED_MS)) {
        web.app.store.feed_link_used(&link.name, now).await?;
    }
    Ok(Some(link))
}

/// Sends a calendar to who has its address.
pub(super) async fn show(
    State(web): State<Web>,
    Path(file): Path<String>,
    headers: HeaderMap,
) -> Response {
    let Some(secret) = file.strip_suffix(".ics").and_then(Secret::of) else {
        return error::no_page(State(web), None).await;
    };
    let found = match link(&web, &secret, FeedKind::Calendar).await {
        Ok(Some(link)) => fresh::to_the_end(calendar(web.clone(), link)).await,
        Ok(None) => return error::no_page(State(web), None).await,
        Err(failure) => Err(failure),
    };
    match found {
        Ok(calendar) => sent(&calendar, &headers),
        Err(failure) => error::page(None, &failure),
    }
}

async fn calendar(web: Web, link: FeedLink) -> Result<Arc<Calendar>, Failure> {
    let unit = link.unit.clone();
    let gather = async {
        let (store, now) = (&web.app.store, web.app.now());
        let mut view = store.view().await?;
        let made = work::calendar(&mut view, unit.as_ref(), now).await?;
        drop(view);
        if !made.fresh.is_empty() {
            store.keep_calendar_revisions(&made.fresh, now).await?;
        }
        let digest = Digest::of(made.text.as_bytes()).to_string();
        let tag = HeaderValue::from_str(&format!("\"{}\"", &digest[..32]));
        let tag = tag.map_err(|error| Failure::unavailable(error.to_string()))?;
        Ok(Calendar {
            text: made.text,
            tag,
        })
    };
    let calendars = &web.calendars;
    calendars.value(link.unit, || web.app.now(), gather).await
}

/// The calendar, or that it is still the one that the program has (RFC 9110 §13.1.2).
fn sent(calendar: &Calendar, headers: &HeaderMap) -> Response {
    let kept = [
        (header::CACHE_CONTROL, HeaderValue::from_static(CACHED)),
        (header::ETAG, calendar.tag.clone()),
    ];
    if has(headers, &calendar.tag) {
        return (StatusCode::NOT_MODIFIED, kept).into_response();
    }
    let kind = [
        (header::CONTENT_TYPE, "text/calendar; charset=utf-8"),
        (
            header::CONTENT_DISPOSITION,
            "inline; filename=\"approved-work.ics\"",
        ),
    ];
    (kept, kind, calendar.text.clone()).into_response()
}

/// Whether a program says that it has what this tag stands for.
fn has(headers: &HeaderMap, tag: &HeaderValue) -> bool {
    let Ok(tag) = tag.to_str() else {
        return false;
    };
    let lines = headers.get_all(header::IF_NONE_MATCH).iter();
    let mut known = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .map(str::trim);
    known.any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_has_it_gets_it_not_again() {
        let tag = HeaderValue::from_static("\"abc\"");
        let says = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::IF_NONE_MATCH, HeaderValue::from_static(text));
            has(&headers, &tag)
        };
        for yes in ["\"abc\"", "W/\"abc\"", "\"x\", \"abc\"", "*"] {
            assert!(says(yes), "{yes}");
        }
        for no in ["", "abc", "\"abcd\"", "\"x\""] {
            assert!(!says(no), "{no}");
        }
        assert!(!has(&HeaderMap::new(), &tag));
    }
}
