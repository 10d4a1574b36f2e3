//! Calls as the API describes them, and what is sent with them.

use crate::commands::page::fitting::fitting;
use crate::commands::page::programs::members;
use axum::http::Method;
use patchward_collector::account::Role;
use patchward_collector::web::form::Form;
use patchward_common::percent::encoded;
use serde_json::{Map, Value, json};

/// The address of what does not end.
const EVENTS: &str = "/events";
/// The reason of what has none of its own.
const WHY: &str = "_why";

/// A field, as it is described.
#[derive(Clone)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) required: bool,
    kind: String,
    many: bool,
}

/// What is sent.
#[derive(Clone)]
pub(super) enum Body {
    /// Behind the question mark.
    Query(Vec<(String, String)>),
    Json(Value),
    /// With files.
    Parts(Vec<(String, String)>),
}

/// A call.
#[derive(Clone)]
pub(super) struct Call {
    pub(super) method: Method,
    /// Its address, with a slash before it.
    pub(super) path: String,
    pub(super) fields: Vec<Field>,
    pub(super) takes_file: bool,
}

impl Field {
    fn of(name: &str, schema: &Value, required: bool) -> Self {
        let many = schema["type"] == "array";
        let one = if many { &schema["items"] } else { schema };
        let kind = match one["contentMediaType"].is_string() {
            true => "file",
            false => one["type"].as_str().unwrap(),
        };
        Self {
            name: name.to_owned(),
            required,
            kind: kind.to_owned(),
            many,
        }
    }

    /// Whether words can be sent in it.
    pub(super) fn is_text(&self) -> bool {
        self.kind == "string"
    }

    /// A word as the value of it.
    pub(super) fn value(&self, word: &str) -> Value {
        match self.many {
            true => json!([word]),
            false => Value::from(word),
        }
    }

    /// Whether too much can be sent in it: an address and parts have no room for so much.
    pub(super) fn is_many(&self, body: &Body) -> bool {
        self.many && matches!(body, Body::Json(_))
    }

    /// Values that are of another type than its own.
    pub(super) fn wrong(&self, body: &Body) -> Vec<Value> {
        let all = [
            ("null", Value::Null),
            ("integer", json!(1)),
            ("number", json!(1.5)),
            ("boolean", json!(true)),
            ("string", json!("word")),
            ("object", json!({ "a": 1 })),
            ("array", json!(["word"])),
        ];
        let own = if self.many { "array" } else { &self.kind };
        let others = all.into_iter().filter(|(kind, _)| *kind != own);
        let mut wrong: Vec<Value> = others.map(|(_, value)| value).collect();
        match body {
            Body::Json(_) if self.many => wrong.push(json!([null])),
            Body::Json(_) if self.kind == "string" => wrong.push(json!("")),
            Body::Json(_) => {}
            // Words are all that there is beside files and in an address.
            _ if matches!(self.kind.as_str(), "boolean" | "integer") => wrong = vec![json!("word")],
            Body::Query(_) => wrong = vec![json!("")],
            Body::Parts(_) => wrong.clear(),
        }
        wrong
    }
}

impl Call {
    /// Every call of a description.
    pub(super) fn all(document: &Value) -> Vec<Self> {
        let paths = document["paths"].as_object().unwrap().iter();
        let calls = paths.flat_map(|(path, methods)| {
            let methods = methods.as_object().unwrap().iter();
            methods.map(|(method, operation)| Self::of(path, method, operation))
        });
        let calls: Vec<Self> = calls.collect();
        assert!(calls.len() > 200, "only {} calls", calls.len());
        calls
    }

    fn of(path: &str, method: &str, operation: &Value) -> Self {
        let content = operation["requestBody"]["content"].as_object();
        let (kind, schema) = content
            .and_then(|content| content.iter().next())
            .map_or(("", &Value::Null), |(kind, content)| {
                (kind, &content["schema"])
            });
        let required = schema["required"].as_array().into_iter().flatten();
        let required: Vec<&str> = required.filter_map(Value::as_str).collect();
        let members = schema["properties"].as_object().into_iter().flatten();
        let members = members.map(|(name, schema)| {
            let is_required = required.contains(&name.as_str());
            Field::of(name, schema, is_required)
        });
        let asked = operation["parameters"].as_array().into_iter().flatten();
        let asked = asked.filter(|one| one["in"] == "query").map(|one| {
            let required = one["required"] == true;
            Field::of(one["name"].as_str().unwrap(), &one["schema"], required)
        });
        Self {
            method: method.to_uppercase().parse().unwrap(),
            path: path.to_owned(),
            fields: members.chain(asked).collect(),
            takes_file: kind == "multipart/form-data",
        }
    }

    fn form(&self) -> &'static Form {
        Form::of(&self.path[1..].replace('/', " ")).unwrap()
    }

    /// Whether a program may ask for it, and is answered at once.
    pub(super) fn is_of_programs(&self) -> bool {
        self.path != EVENTS && self.form().rule.roles != [Role::Admin]
    }

    /// Its address with what stands in it.
    pub(super) fn address(&self, body: &Body) -> String {
        let path = &self.path[1..];
        let Body::Query(pairs) = body else {
            return path.to_owned();
        };
        let pairs = pairs.iter();
        let pairs = pairs.map(|(name, word)| format!("{name}={}", encoded(word)));
        format!("{path}?{}", pairs.collect::<Vec<_>>().join("&"))
    }

    /// Nothing.
    pub(super) fn empty(&self) -> Body {
        match (&self.method, self.takes_file) {
            (&Method::GET, _) => Body::Query(Vec::new()),
            (_, true) => Body::Parts(Vec::new()),
            (_, false) => Body::Json(Value::Object(Map::new())),
        }
    }

    /// What it takes, as far as that alone tells; none where no known word fits.
    pub(super) fn good(&self) -> Option<Body> {
        let form = self.form();
        let fitting = fitting(form)?;
        let pairs = fitting.iter().map(|(name, word)| (&**name, &**word));
        let members = members(form, &pairs.collect::<Vec<_>>());
        let mut body = self.empty();
        for (name, value) in &members {
            body = body.with(name, value);
        }
        let needs_why = self.fields.iter().any(|field| field.name == WHY);
        Some(match needs_why {
            true => body.with(WHY, &json!("a test")),
            false => body,
        })
    }
}

/// A value as words.
fn words(value: &Value) -> Vec<String> {
    match value {
        Value::String(word) => vec![word.clone()],
        Value::Array(values) => values.iter().flat_map(words).collect(),
        other => vec![other.to_string()],
    }
}

impl Body {
    /// The same with this value in a field, in the place of what stood there.
    pub(super) fn with(&self, name: &str, value: &Value) -> Self {
        let mut body = self.without(name);
        match &mut body {
            Self::Json(members) => members[name] = value.clone(),
            Self::Query(pairs) | Self::Parts(pairs) => {
                let words = words(value).into_iter();
                pairs.extend(words.map(|word| (name.to_owned(), word)));
            }
        }
        body
    }

    /// The same without a field.
    pub(super) fn without(&self, name: &str) -> Self {
        let mut body = self.clone();
        match &mut body {
            Self::Json(members) => drop(members.as_object_mut().unwrap().remove(name)),
            Self::Query(pairs) | Self::Parts(pairs) => pairs.retain(|(own, _)| own != name),
        }
        body
    }

    /// Whether it has a field.
    pub(super) fn has(&self, name: &str) -> bool {
        match self {
            Self::Json(members) => members.get(name).is_some(),
            Self::Query(pairs) | Self::Parts(pairs) => pairs.iter().any(|(own, _)| own == name),
        }
    }
}
