//! What a program sends: the fields of a command, as JSON, in the address, or with files.
//! Strict: a value of another type than the field's is an error, not a guess.

use super::problem::Problem;
use crate::web::form::call::{Answer, Answers, texts};
use crate::web::form::{Field, Form, Kind};
use serde_json::Value;

/// The reason of what has none of its own, for the audit log.
pub const WHY: &str = "_why";
/// Most bytes of a body without files: a safety notice with a list of machines.
pub const MAX_JSON_BYTES: usize = 1024 * 1024;
/// Most answers of one field.
const MAX_ANSWERS: usize = 5_000;

/// What was sent.
#[derive(Debug, Default)]
pub struct Sent {
    /// The fields of the command.
    pub answers: Answers,
    /// Why it is done.
    pub why: String,
}

impl Sent {
    /// Reads a JSON object.
    pub fn of_json(form: &Form, bytes: &[u8]) -> Result<Self, Problem> {
        let value: Value = serde_json::from_slice(bytes)
            .map_err(|error| Problem::unreadable(format!("The body is no JSON: {error}.")))?;
        let Value::Object(members) = value else {
            return Err(Problem::unreadable("The body is a JSON object."));
        };
        let mut sent = Self::default();
        for (name, value) in members {
            if name == WHY {
                sent.why = text(WHY, &value)?;
                continue;
            }
            let field = known(form, &name)?;
            match (value, field.many) {
                (Value::Array(values), true) => {
                    for value in &values {
                        sent.add(field, value)?;
                    }
                }
                (Value::Bool(false), _) if field.kind == Kind::Flag => {}
                (value, false) => sent.add(field, &value)?,
                (_, true) => return Err(Problem::field(&name, "an array is asked for here")),
            }
        }
        Ok(sent)
    }

    /// Reads the part of an address behind the question mark.
    pub fn of_address(form: &Form, pairs: &[(String, String)]) -> Result<Self, Problem> {
        let mut sent = Self::default();
        for (name, value) in pairs {
            let field = known(form, name)?;
            match (&field.kind, value.as_str()) {
                (Kind::Flag, "false") => {}
                (Kind::Flag, "true") => sent.add(field, &Value::Bool(true))?,
                (Kind::Flag, _) => {
                    return Err(Problem::field(name, "true or false is asked for here"));
                }
                (_, text) => sent.add_text(field, text.to_owned())?,
            }
        }
        Ok(sent)
    }

    /// Takes the parts of a body with files: words and files as they were sent.
    pub fn of_parts(form: &Form, parts: &Answers, why: String) -> Result<Self, Problem> {
        let mut answers = parts.clone();
        for field in form.fields.iter().filter(|field| field.kind == Kind::Flag) {
            match texts(parts, &field.name).as_slice() {
                [] | ["true"] => {}
                ["false"] => drop(answers.remove(&field.name)),
                _ => {
                    return Err(Problem::field(
                        &field.name,
                        "true or false is asked for here",
                    ));
                }
            }
        }
        Ok(Self { answers, why })
    }

    fn add(&mut self, field: &Field, value: &Value) -> Result<(), Problem> {
        let said = match (value, &field.kind) {
            (Value::Bool(true), Kind::Flag) => "yes".to_owned(),
            (_, Kind::Flag) => {
                return Err(Problem::field(
                    &field.name,
                    "true or false is asked for here",
                ));
            }
            (Value::Number(number), _) if field.number => number.to_string(),
            (value, _) if !field.number => text(&field.name, value)?,
            _ => {
                return Err(Problem::field(
                    &field.name,
                    "a whole number is asked for here",
                ));
            }
        };
        self.add_text(field, said)
    }

    fn add_text(&mut self, field: &Field, text: String) -> Result<(), Problem> {
        if text.is_empty() {
            return Err(Problem::field(
                &field.name,
                "it is empty; leave the field out instead",
            ));
        }
        let given = self.answers.entry(field.name.clone()).or_default();
        let most = if field.many { MAX_ANSWERS } else { 1 };
        if given.len() >= most {
            let text = match field.many {
                true => format!("at most {MAX_ANSWERS} fit here"),
                false => "it is given more than once".to_owned(),
            };
            return Err(Problem::field(&field.name, text));
        }
        given.push(Answer::Text(text));
        Ok(())
    }
}

fn known<'f>(form: &'f Form, name: &str) -> Result<&'f Field, Problem> {
    form.field(name)
        .ok_or_else(|| Problem::field(name, "there is no such field here"))
}

fn text(name: &str, value: &Value) -> Result<String, Problem> {
    match value {
        Value::String(text) => Ok(text.clone()),
        _ => Err(Problem::field(name, "a text is asked for here")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(path: &str, body: &str) -> Result<Sent, Problem> {
        Sent::of_json(Form::of(path).unwrap(), body.as_bytes())
    }

    #[test]
    fn members_are_fields_of_their_own_type() {
        let sent = json("plan new", r#"{"title":"A","releases":["x=1","y=2"]}"#).unwrap();
        assert_eq!(texts(&sent.answers, "releases"), ["x=1", "y=2"]);
        let sent = json(
            "token new",
            r#"{"name":"t","unit":"icu","uses":3,"accept":true}"#,
        );
        let sent = sent.unwrap();
        assert_eq!(texts(&sent.answers, "uses"), ["3"]);
        assert_eq!(texts(&sent.answers, "accept"), ["yes"]);
        let sent = json("token new", r#"{"accept":false,"_why":"w"}"#).unwrap();
        assert!(sent.answers.is_empty() && sent.why == "w");
    }

    #[test]
    fn what_is_of_another_type_is_refused_at_its_field() {
        for (body, field) in [
            (r#"{"uses":"3"}"#, "uses"),
            (r#"{"name":3}"#, "name"),
            (r#"{"name":null}"#, "name"),
            (r#"{"name":["t"]}"#, "name"),
            (r#"{"name":""}"#, "name"),
            (r#"{"accept":"yes"}"#, "accept"),
            (r#"{"folder":"/etc"}"#, "folder"),
            (r#"{"_why":1}"#, "_why"),
        ] {
            let problem = json("token new", body).unwrap_err();
            assert!(
                format!("{problem:?}").contains(&format!("Some({field:?})")),
                "{body}"
            );
        }
        assert!(json("plan new", r#"{"releases":"x=1"}"#).is_err());
        assert!(json("plan new", "[]").is_err());
        assert!(json("plan new", "{").is_err());
    }

    #[test]
    fn an_address_says_the_same() {
        let form = Form::of("job list").unwrap();
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let twice = [pair("plan", "a"), pair("plan", "b")];
        assert!(Sent::of_address(form, &twice).is_err());
        assert!(Sent::of_address(form, &[pair("nothing", "a")]).is_err());
        let one = Sent::of_address(form, &[pair("plan", "a")]).unwrap();
        assert_eq!(texts(&one.answers, "plan"), ["a"]);
    }
}
