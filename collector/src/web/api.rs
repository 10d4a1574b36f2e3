//! The API: every command at an address, for programs. What a command takes, who may give
//! it and what it answers come from the same places as the page's, so neither can do more.

pub mod bearer;
pub mod body;
pub mod call;
pub mod describe;
pub mod events;
pub mod problem;

use super::Web;
use super::form::post::MAX_POST_BYTES;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::Method;
use axum::routing::{any, get};
use problem::Problem;

/// What every address of the API begins with.
pub const BASE: &str = "/api/v1";

/// The addresses of the API.
pub fn routes() -> Router<Web> {
    Router::new()
        .route(
            &format!("{BASE}/openapi.json"),
            get(describe::show).fallback(no_method),
        )
        .route(
            &format!("{BASE}/events"),
            get(events::for_programs).fallback(no_method),
        )
        .route(
            &format!("{BASE}/{{*path}}"),
            any(call::handle).layer(DefaultBodyLimit::max(MAX_POST_BYTES)),
        )
        .route(BASE, any(call::nothing))
        .route(&format!("{BASE}/"), any(call::nothing))
}

async fn no_method() -> Problem {
    Problem::no_method(&Method::GET)
}
