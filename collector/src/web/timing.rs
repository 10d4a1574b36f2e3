//! How long the collector worked on an answer: told with it, for whoever measures.

use axum::extract::Request;
use axum::http::header::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;

/// The header (W3C Server Timing), in milliseconds until the head of the answer was ready.
const HEADER: HeaderName = HeaderName::from_static("server-timing");

/// Adds it.
pub async fn timed(request: Request, next: Next) -> Response {
    let begun = crate::clock::begin();
    let mut response = next.run(request).await;
    let text = format!("app;dur={:.2}", begun.elapsed().as_secs_f64() * 1e3);
    if let Ok(value) = HeaderValue::from_str(&text) {
        response.headers_mut().insert(HEADER, value);
    }
    response
}
