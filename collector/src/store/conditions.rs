//! What rows are asked for by: of several conditions those that count. Written as `$1 IS NULL OR …`
//! each would keep the database from its indexes, and a unit's machines be looked for among all.

use super::value::{ToValue, Value};
use std::fmt::{self, Display};

/// Conditions that must all hold, and the arguments of their statement so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Conditions {
    parts: Vec<String>,
    args: Vec<Value>,
}

impl Conditions {
    /// One that counts where there are arguments for it, in the order of its question marks.
    pub(super) fn and(mut self, condition: &str, args: Option<Vec<Value>>) -> Self {
        let Some(args) = args else {
            return self;
        };
        debug_assert_eq!(condition.matches('?').count(), args.len(), "{condition}");
        let mut texts = condition.split('?');
        let mut part = texts.next().unwrap_or_default().to_owned();
        for (text, arg) in texts.zip(args) {
            part.push_str(&self.takes(arg));
            part.push_str(text);
        }
        self.parts.push(part);
        self
    }

    /// One more, written out.
    pub(super) fn only(&mut self, condition: String) {
        self.parts.push(condition);
    }

    /// The place of one more argument.
    pub(super) fn arg(&mut self, value: &impl ToValue) -> String {
        self.takes(value.to_value())
    }

    fn takes(&mut self, arg: Value) -> String {
        self.args.push(arg);
        format!("${}", self.args.len())
    }

    /// The arguments, in the order of their places.
    pub(super) fn args(self) -> Vec<Value> {
        self.args
    }
}

impl Display for Conditions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.parts.is_empty() {
            true => Ok(()),
            false => write!(f, "WHERE {}", self.parts.join(" AND ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::value::args;
    use super::*;

    #[test]
    fn what_is_not_asked_for_is_no_condition() {
        let mut some = Conditions::default()
            .and("unit = ?", None)
            .and("(a = ? OR b > ?)", Some(args![1_i64, 2_i64]))
            .and("ended", Some(args![]));
        assert_eq!(some.arg(&3_i64), "$3");
        assert_eq!(some.to_string(), "WHERE (a = $1 OR b > $2) AND ended");
        assert_eq!(some.args().len(), 3);
        let none = Conditions::default().and("unit = ?", None);
        assert_eq!((none.to_string(), none.args().len()), (String::new(), 0));
    }
}
