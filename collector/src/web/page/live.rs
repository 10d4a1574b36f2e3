//! The stream of what changes, for pages that bring themselves up to date.

use crate::account::is_alive;
use crate::web::live::{self, Listener};
use crate::web::person::Person;
use crate::web::{Web, error};
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use patchward_common::digest::Digest;

/// A person who listens while their session lasts; listening does not make it longer.
struct Listening(Digest);

impl Listener for Listening {
    async fn may_listen(&self, web: &Web) -> bool {
        let Ok(Some(known)) = web.app.store.signed_in(&self.0).await else {
            return false;
        };
        is_alive(known.session.seen_at, known.session.ends_at, web.app.now())
    }
}

/// Opens the stream.
pub async fn listen(State(web): State<Web>, person: Person, headers: HeaderMap) -> Response {
    let last = live::last_seen(&headers);
    match live::stream(&web, Listening(person.session), last).await {
        Ok(response) => response,
        Err(failure) => error::page(Some(&person), &failure),
    }
}
