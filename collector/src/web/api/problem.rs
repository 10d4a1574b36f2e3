//! What a program gets where something did not happen: a problem document (RFC 9457).

use super::super::answer::Refusal;
use super::super::error::status;
use crate::control::{Failure, FailureKind};
use crate::web::form::call::Mistake;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// The media type of problem documents.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// Why a request was not carried out.
#[derive(Debug, PartialEq, Eq)]
pub struct Problem {
    status: StatusCode,
    title: &'static str,
    detail: String,
    /// The field that is wrong, where it is one field's.
    field: Option<String>,
    /// What may be asked here instead.
    allow: Option<Method>,
}

impl Problem {
    fn new(status: StatusCode, title: &'static str, detail: impl Into<String>) -> Self {
        Self {
            status,
            title,
            detail: detail.into(),
            field: None,
            allow: None,
        }
    }

    /// Nobody says who asks, or nobody knows them.
    pub fn unknown_program() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "Nobody knows who asks",
            "Send the token of a program that is neither ended nor expired, as \
             `Authorization: Bearer TOKEN`. An administrator makes one with `program add`.",
        )
    }

    /// Another method is asked for here.
    pub fn no_method(allow: &Method) -> Self {
        Self {
            allow: Some(allow.clone()),
            ..Self::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "Not with this method",
                format!("Here it is {allow}."),
            )
        }
    }

    /// The body is of another kind than what is read here.
    pub fn media_type(wanted: &str) -> Self {
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "Not in this form",
            format!("Here the body is {wanted}."),
        )
    }

    /// The body is larger than what is read.
    pub fn too_large(most: usize) -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "Too much at once",
            format!("Here a body holds at most {most} bytes."),
        )
    }

    /// The body or the address cannot be read.
    pub fn unreadable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "That cannot be read", detail)
    }

    /// One field is wrong.
    pub fn field(name: &str, detail: impl Into<String>) -> Self {
        Self {
            field: Some(name.to_owned()),
            ..Self::new(status(FailureKind::Input), "That cannot be right", detail)
        }
    }

    fn json(&self) -> Value {
        let mut document = json!({
            "title": self.title,
            "status": self.status.as_u16(),
            "detail": self.detail,
        });
        if let Some(field) = &self.field {
            document["errors"] = json!([{ "field": field, "detail": self.detail }]);
        }
        document
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        let title = match failure.kind {
            FailureKind::Input => "That cannot be right",
            FailureKind::NotFound => "There is no such thing",
            FailureKind::Conflict => "That contradicts what is there",
            FailureKind::Unavailable => "Not possible now",
            FailureKind::Internal => "A fault of ours",
        };
        Self::new(status(failure.kind), title, failure.text)
    }
}

impl From<Mistake> for Problem {
    fn from(mistake: Mistake) -> Self {
        Self {
            field: mistake.field,
            ..Self::from(Failure::input(mistake.text))
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Forbidden(text) => {
                Self::new(StatusCode::FORBIDDEN, "This program may not do that", text)
            }
            Refusal::Mistake(mistake) => mistake.into(),
            Refusal::Failed(failure) => failure.into(),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let headers = [(header::CONTENT_TYPE, MEDIA_TYPE)];
        let mut response = (self.status, headers, self.json().to_string()).into_response();
        let mut set = |name, value: &str| {
            if let Ok(value) = HeaderValue::from_str(value) {
                response.headers_mut().insert(name, value);
            }
        };
        if let Some(allow) = &self.allow {
            set(header::ALLOW, allow.as_str());
        }
        if self.status == StatusCode::UNAUTHORIZED {
            set(header::WWW_AUTHENTICATE, "Bearer realm=\"patchward\"");
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_names_the_field_and_what_is_allowed() {
        let problem = Problem::field("unit", "no such unit");
        let document = problem.json();
        assert_eq!(document["status"], 422);
        assert_eq!(document["errors"][0]["field"], "unit");
        let response = Problem::no_method(&Method::POST).into_response();
        assert_eq!(response.headers()[header::ALLOW], "POST");
        assert_eq!(response.headers()[header::CONTENT_TYPE], MEDIA_TYPE);
        let response = Problem::unknown_program().into_response();
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        assert!(response.headers().contains_key(header::WWW_AUTHENTICATE));
    }
}
