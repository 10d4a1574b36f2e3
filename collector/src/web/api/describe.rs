//! What can be asked, as OpenAPI 3.1: made from the commands and the table of who may, so it
//! says what is there.

use super::BASE;
use super::body::WHY;
use super::call::{MAX_ONCE_BYTES, ONCE, form_at, method, needs_why};
use super::problem::MEDIA_TYPE;
use crate::account::access::RULES;
use crate::account::{Rule, Scope};
use crate::web::download::KINDS;
use crate::web::form::{Field, Form, Kind};
use axum::http::{Method, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Map, Value, json};
use std::sync::LazyLock;

/// The description, made once: it is the same for everybody.
static DESCRIPTION: LazyLock<String> = LazyLock::new(|| description().to_string());

/// Shows the description. It tells nothing of the hospital, so nobody has to say who they are.
pub async fn show() -> Response {
    let headers = [(header::CONTENT_TYPE, "application/json")];
    (headers, DESCRIPTION.as_str()).into_response()
}

fn description() -> Value {
    let mut paths = Map::new();
    for rule in RULES {
        let address = rule.path.replace(' ', "/");
        if let Some(form) = form_at(&address) {
            let method = method(form).as_str().to_lowercase();
            paths.insert(format!("/{address}"), json!({ method: operation(form) }));
        }
    }
    paths.insert("/events".to_owned(), json!({ "get": events() }));
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Patchward",
            "version": "1",
            "description": "Each address is a command of patchward-collector, with the same \
                fields, the same rights and the same answers. What only tells is asked with GET; \
                everything else with POST.",
            "license": { "name": "Apache 2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": BASE }],
        "security": [{ "token": [] }],
        "paths": paths,
        "components": {
            "securitySchemes": { "token": {
                "type": "http", "scheme": "bearer",
                "description": "Made by an administrator with `program add`.",
            } },
            "schemas": { "Problem": problem() },
        },
    })
}

fn operation(form: &Form) -> Value {
    let rule = form.rule;
    let first = form.path.split(' ').next().unwrap_or_default();
    let mut operation = json!({
        "operationId": form.path.replace(' ', "-"),
        "tags": [first],
        "summary": form.about,
        "description": who(rule),
        "responses": responses(form),
    });
    match method(form) {
        Method::GET => {
            let parameters: Vec<Value> = form.fields.iter().map(parameter).collect();
            operation["parameters"] = Value::from(parameters);
        }
        _ => {
            operation["parameters"] = json!([{
                "name": ONCE, "in": "header",
                "description": "A request with the same key is carried out once.",
                "schema": {
                    "type": "string", "minLength": 1, "maxLength": MAX_ONCE_BYTES,
                    "pattern": "^[!-~]+$",
                },
            }]);
            operation["requestBody"] = body(form);
        }
    }
    operation
}

fn who(rule: &Rule) -> String {
    let roles: Vec<&str> = rule.roles.iter().map(|role| role.word()).collect();
    let mut scopes = Scope::ALL.into_iter();
    let scope = scopes.find(|scope| scope.covers(rule.weight));
    let scope = scope.map_or("none", Scope::word);
    format!("Who may: {}. Scope: {scope}.", roles.join(", "))
}

fn parameter(field: &Field) -> Value {
    json!({
        "name": field.name, "in": "query",
        "description": field.help,
        "required": field.required,
        "schema": schema(field),
    })
}

fn body(form: &Form) -> Value {
    let mut properties: Map<String, Value> = form
        .fields
        .iter()
        .map(|field| (field.name.clone(), described(field)))
        .collect();
    let required = form.fields.iter().filter(|field| field.required);
    let mut required: Vec<&str> = required.map(|field| field.name.as_str()).collect();
    if needs_why(form) {
        let why = json!({
            "type": "string", "minLength": 1,
            "description": "Why it is done, for the audit log.",
        });
        properties.insert(WHY.to_owned(), why);
        required.push(WHY);
    }
    let kind = match form.takes_file() {
        true => "multipart/form-data",
        false => "application/json",
    };
    json!({
        "required": true,
        "content": { kind: { "schema": {
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": false,
        } } },
    })
}

fn described(field: &Field) -> Value {
    let mut schema = schema(field);
    schema["description"] = Value::from(field.help.as_str());
    schema
}

fn schema(field: &Field) -> Value {
    let one = match &field.kind {
        Kind::Flag => json!({ "type": "boolean" }),
        Kind::Choice(words) => json!({ "type": "string", "enum": words }),
        Kind::Address => json!({ "type": "string", "format": "uri", "minLength": 1 }),
        Kind::File => json!({ "type": "string", "contentMediaType": "application/octet-stream" }),
        Kind::Line if field.number => json!({ "type": "integer" }),
        Kind::Line => json!({ "type": "string", "minLength": 1 }),
    };
    match field.many {
        true => {
            let least = u8::from(field.required);
            json!({ "type": "array", "items": one, "minItems": least })
        }
        false => one,
    }
}

fn responses(form: &Form) -> Value {
    let content: Map<String, Value> = match form.gives_file {
        true => KINDS
            .iter()
            .map(|(_, kind)| ((*kind).to_owned(), json!({})))
            .collect(),
        false => {
            let rows = json!({ "type": "array", "items": { "type": "object" } });
            let any = json!({ "oneOf": [{ "type": "object" }, rows] });
            Map::from_iter([("application/json".to_owned(), json!({ "schema": any }))])
        }
    };
    let mut all = json!({ "200": { "description": "It is done.", "content": content } });
    for (status, text) in [
        ("400", "It cannot be read."),
        ("401", "Nobody knows who asks."),
        ("403", "This program may not do that."),
        ("404", "There is no such thing."),
        (
            "409",
            "It contradicts what is there, or was carried out already.",
        ),
        ("422", "A field cannot be right."),
        ("503", "It is not possible now."),
    ] {
        all[status] = refusal(text);
    }
    if method(form) == Method::POST {
        all["413"] = refusal("It is too much at once.");
        all["415"] = refusal("The body is of another kind.");
    }
    all
}

fn refusal(text: &str) -> Value {
    let schema = json!({ "$ref": "#/components/schemas/Problem" });
    json!({ "description": text, "content": { MEDIA_TYPE: { "schema": schema } } })
}

fn problem() -> Value {
    let text = json!({ "type": "string" });
    json!({
        "type": "object",
        "description": "A problem document (RFC 9457).",
        "required": ["title", "status", "detail"],
        "properties": {
            "title": text,
            "status": { "type": "integer" },
            "detail": { "type": "string", "description": "What happened, why, what to do." },
            "errors": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["field", "detail"],
                    "properties": { "field": text, "detail": text },
                },
            },
        },
    })
}

fn events() -> Value {
    let stream = json!({ "text/event-stream": { "schema": { "type": "string" } } });
    json!({
        "operationId": "events",
        "tags": ["events"],
        "summary": "What kinds of things change, as they change (server-sent events)",
        "description": "Each event is named `changed`; its data is JSON with `kinds`, such as \
            [\"job\", \"plan\"], and its id counts changes: send the last one as Last-Event-ID \
            to miss none. Any program may listen.",
        "responses": {
            "200": { "description": "The stream.", "content": stream },
            "401": refusal("Nobody knows who asks."),
            "503": refusal("It is not possible now."),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::Weight;

    #[test]
    fn each_command_that_may_be_asked_stands_in_it_with_its_fields() {
        let description = description();
        let paths = description["paths"].as_object().unwrap();
        for rule in RULES {
            let address = format!("/{}", rule.path.replace(' ', "/"));
            let is_there = paths.contains_key(&address);
            assert_eq!(is_there, rule.weight != Weight::Terminal, "{address}");
        }
        let add = &paths["/unit/add"]["post"]["requestBody"]["content"]["application/json"];
        assert_eq!(add["schema"]["properties"]["class"]["type"], "string");
        assert_eq!(add["schema"]["additionalProperties"], false);
        let list = &paths["/asset/import"]["post"]["requestBody"]["content"];
        assert!(list.get("multipart/form-data").is_some());
        let hours = &paths["/token/new"]["post"]["requestBody"]["content"]["application/json"];
        assert_eq!(hours["schema"]["properties"]["hours"]["type"], "integer");
    }
}
