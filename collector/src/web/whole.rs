//! A form as a page sends it: what is missing of it, or too long, is said in our words.

use super::error;
use crate::control::Failure;
use axum::extract::{Form, FromRequest, Request};
use axum::response::Response;
use serde::de::DeserializeOwned;

/// What a form sent, all of it.
#[derive(Debug)]
pub struct Whole<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Whole<T> {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let sent = Form::<T>::from_request(request, state).await;
        sent.map(|Form(sent)| Self(sent)).map_err(|rejection| {
            let text = "The form did not arrive whole, or is too long. Nothing was changed: open \
                        the page again.";
            let mut page = error::page(None, &Failure::input(text));
            *page.status_mut() = rejection.status();
            page
        })
    }
}
