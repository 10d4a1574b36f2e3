//! What is still on its way of a request when its answer is known.
//!
//! Who is refused by the head of a request alone is answered before its body has come. A
//! connection that ended there would break under the hands of who still sends, and they would
//! never read why.

use super::listen::PATIENCE;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use futures_util::StreamExt as _;
use hyper::body::{Frame, SizeHint};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

/// Most bytes that are read for nothing: twice what a body without files may have. Who sends
/// more than that unasked is cut off.
const MAX_REST_BYTES: usize = 2 * super::api::body::MAX_JSON_BYTES;

/// A body that two know of: who answers, and who reads the rest.
#[derive(Clone)]
struct Shared(Arc<Mutex<Body>>);

impl Shared {
    fn with<T>(&self, read: impl FnOnce(&mut Body) -> T) -> T {
        read(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl HttpBody for Shared {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.with(|body| Pin::new(body).poll_frame(context))
    }

    fn is_end_stream(&self) -> bool {
        self.with(|body| body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        self.with(|body| body.size_hint())
    }
}

/// Answers, and reads what nobody read.
pub async fn read(request: Request, next: Next) -> Response {
    let (head, body) = request.into_parts();
    if body.is_end_stream() {
        return next.run(Request::from_parts(head, body)).await;
    }
    let shared = Shared(Arc::new(Mutex::new(body)));
    let request = Request::from_parts(head, Body::new(shared.clone()));
    let response = next.run(request).await;
    // Whose body is cut off anyway learns it from the connection.
    let _ = tokio::time::timeout(PATIENCE, skip(shared)).await;
    response
}

async fn skip(body: Shared) {
    let mut chunks = Body::new(body).into_data_stream();
    let mut left = MAX_REST_BYTES;
    while let Some(Ok(chunk)) = chunks.next().await {
        match left.checked_sub(chunk.len()) {
            Some(less) => left = less,
            None => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shared(chunk: usize, chunks: usize) -> Shared {
        let chunk = Bytes::from(vec![0; chunk]);
        let chunks = (0..chunks).map(move |_| Ok::<_, std::io::Error>(chunk.clone()));
        let body = Body::from_stream(futures_util::stream::iter(chunks));
        Shared(Arc::new(Mutex::new(body)))
    }

    async fn left(body: Shared) -> usize {
        Body::new(body).into_data_stream().count().await
    }

    #[tokio::test]
    async fn what_nobody_read_is_read_up_to_a_limit() {
        let small = shared(10, 3);
        let _ = Body::new(small.clone()).into_data_stream().next().await;
        skip(small.clone()).await;
        assert_eq!(left(small).await, 0);
        let endless = shared(MAX_REST_BYTES / 2, 5);
        skip(endless.clone()).await;
        assert_eq!(left(endless).await, 2);
    }
}
