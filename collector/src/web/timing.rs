//! How long the collector worked on an answer, told with it for whoever measures; and the
//! request's id, by which its lines are found in the log.

use axum::extract::Request;
use axum::http::header::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument as _;

/// The header (W3C Server Timing), in milliseconds until the head of the answer was ready.
const HEADER: HeaderName = HeaderName::from_static("server-timing");
/// The header with the id. It is ours alone: nobody's own id gets into the log.
const REQUEST: HeaderName = HeaderName::from_static("x-request-id");

/// Adds both.
pub async fn timed(request: Request, next: Next) -> Response {
    let begun = crate::clock::begin();
    let id = crate::control::request_id();
    let span = tracing::info_span!("asked", request = id);
    let mut response = next.run(request).instrument(span).await;
    let text = format!("app;dur={:.2}", begun.elapsed().as_secs_f64() * 1e3);
    for (name, text) in [(HEADER, text), (REQUEST, id)] {
        if let Ok(value) = HeaderValue::from_str(&text) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}
