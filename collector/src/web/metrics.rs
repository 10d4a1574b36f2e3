//! Figures for monitoring, for who brings the secret of a feed of that kind. Without one
//! there are none.

use super::api::bearer::brought;
use super::{Web, error, feed, fresh};
use crate::control::Failure;
use crate::metrics;
use crate::store::feed_links::FeedKind;
use axum::extract::State;
use axum::http::header::{self, HeaderValue};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use std::sync::Arc;

/// Sends the figures.
pub(super) async fn show(State(web): State<Web>, headers: HeaderMap) -> Response {
    let Some(secret) = brought(&headers) else {
        return nobody();
    };
    let text = match feed::link(&web, &secret, FeedKind::Metrics).await {
        Ok(Some(_)) => figures(&web).await,
        Ok(None) => return nobody(),
        Err(failure) => Err(failure),
    };
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

/// The figures, gathered to the end though who asked has gone: others wait for them.
async fn figures(web: &Web) -> Result<Arc<String>, Failure> {
    let (figures, app) = (web.figures.clone(), web.app.clone());
    let gathering = async move {
        let gather = metrics::gathered(&app);
        figures.value((), || app.now(), gather).await
    };
    fresh::to_the_end(gathering).await
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
