//! Figures for monitoring, for who brings the secret of a feed of that kind. Without one
//! there are none.

use super::{Web, error, feed};
use crate::metrics;
use crate::store::feed_links::FeedKind;
use axum::extract::State;
use axum::http::header::{self, HeaderValue};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};

/// Sends the figures.
pub(super) async fn show(State(web): State<Web>, headers: HeaderMap) -> Response {
    let Some(secret) = bearer(&headers) else {
        return nobody();
    };
    match feed::link(&web, secret, FeedKind::Metrics).await {
        Ok(Some(_)) => {}
        Ok(None) => return nobody(),
        Err(failure) => return error::page(None, &failure),
    }
    let text = web
        .figures
        .value((), || web.app.now(), metrics::gathered(&web.app))
        .await;
    match text {
        Ok(text) => {
            let kind = [(
                header::CONTENT_TYPE,
                HeaderValue::from_static(metrics::CONTENT_TYPE),
            )];
            (kind, text.as_str().to_owned()).into_response()
        }
        Err(failure) => (error::status(failure.kind), failure.text).into_response(),
    }
}

/// The same for a wrong secret and for none, whether there is any or not.
fn nobody() -> Response {
    let ask = [(
        header::WWW_AUTHENTICATE,
        HeaderValue::from_static("Bearer realm=\"metrics\""),
    )];
    let text = "Metrics are for who has the secret of a feed: `feed add NAME --what metrics` makes \
                one, and it is sent as \"Authorization: Bearer SECRET\".\n";
    (StatusCode::UNAUTHORIZED, ask, text).into_response()
}

/// The secret of a request (RFC 6750 §2.1).
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let text = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, secret) = text.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| secret.trim())
}
