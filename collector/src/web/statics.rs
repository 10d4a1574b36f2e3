//! Files that every page needs, compiled in. Their addresses carry the version, so that a
//! browser never shows a new page in an old dress.

use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};

const CSS: &str = include_str!("../../static/style.css");
const JS: &str = include_str!("../../static/page.js");
const PASSKEY_JS: &str = include_str!("../../static/passkey.js");
const ICON: &str = include_str!("../../static/icon.svg");

/// The address of the style sheet.
pub const STYLE: &str = concat!("/static/style.css?v=", env!("CARGO_PKG_VERSION"));
/// The address of the script.
pub const SCRIPT: &str = concat!("/static/page.js?v=", env!("CARGO_PKG_VERSION"));

/// The address of the script of the pages with passkeys.
pub const PASSKEY: &str = concat!("/static/passkey.js?v=", env!("CARGO_PKG_VERSION"));

/// One of the files.
pub async fn file(Path(name): Path<String>) -> Response {
    let (kind, text) = match name.as_str() {
        "style.css" => ("text/css; charset=utf-8", CSS),
        "page.js" => ("text/javascript; charset=utf-8", JS),
        "passkey.js" => ("text/javascript; charset=utf-8", PASSKEY_JS),
        "icon.svg" => ("image/svg+xml", ICON),
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, "public, max-age=3600"),
    ];
    (headers, text).into_response()
}
