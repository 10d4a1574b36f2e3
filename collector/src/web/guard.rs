//! What every answer carries, and what no request may be.

use axum::extract::Request;
use axum::http::header::{self, HeaderName, HeaderValue};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

/// Nothing from elsewhere, nothing inline, no frame around us (Content Security Policy 3).
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
                      connect-src 'self'; form-action 'self'; base-uri 'none'; \
                      frame-ancestors 'none'";

/// Refuses what comes from another site, and adds the headers.
pub async fn headers(request: Request, next: Next) -> Response {
    let is_static = request.uri().path().starts_with("/static/");
    let mut response = match is_ours(request.method(), request.headers()) {
        true => next.run(request).await,
        false => (
            StatusCode::FORBIDDEN,
            "This form came from another site, so nothing was done. Open the page itself and try \
             again.",
        )
            .into_response(),
    };
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value: &'static str| {
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    };
    set(header::CONTENT_SECURITY_POLICY, POLICY);
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::X_FRAME_OPTIONS, "DENY");
    // Forms have to say where they come from, and nobody else learns an address of ours.
    set(header::REFERRER_POLICY, "same-origin");
    set(
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    );
    set(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    if !is_static {
        set(header::CACHE_CONTROL, "no-store");
    }
    response
}

/// Whether a request that changes something comes from our own page, as the browser says.
/// Forms of a session carry a token as well; those of who has none have this alone.
fn is_ours(method: &Method, headers: &HeaderMap) -> bool {
    if matches!(*method, Method::GET | Method::HEAD) {
        return true;
    }
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text(HeaderName::from_static("sec-fetch-site")) {
        return matches!(site, "same-origin" | "none");
    }
    match (text(header::ORIGIN), text(header::HOST)) {
        (None, _) => true,
        (Some(origin), Some(host)) => origin == format!("https://{host}"),
        (Some(_), None) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_of_another_site_is_refused() {
        let from = |pairs: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.insert(
                    HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                );
            }
            is_ours(&Method::POST, &headers)
        };
        assert!(from(&[("origin", "https://p:8443"), ("host", "p:8443")]));
        assert!(from(&[("sec-fetch-site", "same-origin")]));
        for bad in [
            &[("origin", "https://evil"), ("host", "p:8443")][..],
            &[("origin", "null"), ("host", "p:8443")],
            &[("origin", "http://p:8443"), ("host", "p:8443")],
            &[("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "same-site")],
            &[("origin", "https://p")],
        ] {
            assert!(!from(bad), "{bad:?}");
        }
        assert!(is_ours(&Method::GET, &HeaderMap::new()));
    }
}
