//! The stream of what changes, for programs.

use super::bearer::asking;
use super::problem::Problem;
use crate::web::Web;
use crate::web::live::{self, Listener};
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;

/// A program that listens with its token.
struct Listening(HeaderMap);

impl Listener for Listening {
    async fn may_listen(&self, web: &Web) -> bool {
        asking(web, &self.0).await.is_ok()
    }
}

/// Opens the stream.
pub async fn for_programs(State(web): State<Web>, headers: HeaderMap) -> Result<Response, Problem> {
    asking(&web, &headers).await?;
    let last = live::last_seen(&headers);
    Ok(live::stream(&web, Listening(headers), last).await?)
}
