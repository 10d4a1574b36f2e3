//! What the ward can say on its page, and nothing else: "not now", that it is over, and that
//! it wants a machine handed over.

use crate::control::Failure;
use crate::web::form::call::{Answer, Answers};
use patchward_common::id::Name;
use serde::Deserialize;

/// What a form of the page sends.
#[derive(Debug, Default, Deserialize)]
pub struct Sent {
    /// The one-time id of the form.
    #[serde(default, rename = "_form")]
    pub form: String,
    /// The token of the session, where there is one.
    #[serde(default, rename = "_token")]
    pub token: String,
    /// `hold`, `end` or `handover`.
    #[serde(default)]
    pub wish: String,
    /// The machine; none, where the whole unit is meant.
    #[serde(default)]
    pub machine: String,
    /// For how many hours.
    #[serde(default)]
    pub hours: String,
    /// Why.
    #[serde(default)]
    pub reason: String,
}

/// A wish of the ward: the command that it is, and what the page says once it is done.
#[derive(Debug)]
pub struct Wish {
    /// The command's words.
    pub command: &'static str,
    /// Its answers.
    pub answers: Answers,
    /// The machine, where it is about one.
    pub machine: Option<Name>,
    /// The word for it in the address afterwards.
    pub done: &'static str,
}

/// What the page says afterwards, by the word in the address.
const DONE: [(&str, &str); 3] = [
    ("held", "Not now: nothing starts. It ends by itself."),
    ("ended", "The hold is over."),
    (
        "asked",
        "HTM is asked. Nothing is handed over yet: somebody comes, or calls.",
    ),
];

/// The sentence for a word of the address; nothing for any other word.
pub fn done(word: &str) -> &'static str {
    let known = DONE.iter().find(|(known, _)| *known == word);
    known.map_or("", |(_, text)| text)
}

impl Sent {
    /// What is wished for, in `unit`. The command's own reader judges reason and hours.
    pub fn wish(&self, unit: &Name) -> Result<Wish, Failure> {
        let machine = match self.machine.trim() {
            "" => None,
            text => Some(Name::new(text).map_err(|_| {
                Failure::input("This is no machine of the unit; nothing was changed.")
            })?),
        };
        let held = match &machine {
            Some(machine) => ("machine", machine.to_string()),
            None => ("unit", unit.to_string()),
        };
        let (command, done, given) = match self.wish.as_str() {
            "hold" => {
                let hours = ("hours", self.hours.trim().to_owned());
                let reason = ("reason", self.reason.trim().to_owned());
                ("hold add", "held", vec![held, hours, reason])
            }
            "end" => ("hold end", "ended", vec![held]),
            "handover" if machine.is_some() => ("handover ask", "asked", vec![held]),
            _ => {
                return Err(Failure::input(
                    "This is no form of this page; nothing was changed.",
                ));
            }
        };
        let mut answers = Answers::new();
        for (name, text) in given.into_iter().filter(|(_, text)| !text.is_empty()) {
            answers.insert(name.to_owned(), vec![Answer::Text(text)]);
        }
        Ok(Wish {
            command,
            answers,
            machine,
            done,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Command;
    use crate::web::form::Form;
    use crate::web::form::call;

    fn read(wish: &str, machine: &str, hours: &str, reason: &str) -> Result<Command, String> {
        let sent = Sent {
            wish: wish.into(),
            machine: machine.into(),
            hours: hours.into(),
            reason: reason.into(),
            ..Sent::default()
        };
        let wish = sent.wish(&Name::new("icu").unwrap());
        let wish = wish.map_err(|failure| failure.text)?;
        let form = Form::of(wish.command).unwrap();
        call::command(form, &wish.answers).map_err(|mistake| mistake.text)
    }

    #[test]
    fn the_ward_holds_and_asks() {
        let unit = read("hold", "", "12", "patient_waiting").unwrap();
        let shown = format!("{unit:?}");
        assert!(
            shown.contains("unit: Some") && shown.contains("hours: 12"),
            "{shown}"
        );
        let machine = format!("{:?}", read("hold", "pc-1", "1", "other").unwrap());
        assert!(machine.contains(r#"machine: Some("pc-1")"#), "{machine}");
        assert!(read("end", "pc-1", "", "").is_ok());
        assert!(matches!(
            read("handover", "pc-1", "", ""),
            Ok(Command::Handover(_))
        ));
    }

    #[test]
    fn the_ward_can_wish_for_nothing_else() {
        for (wish, machine, hours, reason) in [
            ("hold", "", "13", "rounds"),
            ("hold", "", "0", "rounds"),
            ("hold", "", "-1", "rounds"),
            ("hold", "", "", "rounds"),
            ("hold", "", "1", ""),
            ("hold", "", "1", "Mr Smith is asleep"),
            ("hold", "--unit=or", "1", "rounds"),
            ("handover", "", "", ""),
            ("stop", "pc-1", "", ""),
            ("job return", "pc-1", "", ""),
            ("", "", "", ""),
        ] {
            let read = read(wish, machine, hours, reason);
            assert!(read.is_err(), "{wish} {machine} {hours} {reason}");
        }
    }

    #[test]
    fn the_address_chooses_among_our_own_sentences() {
        assert!(done("held").starts_with("Not now"));
        assert_eq!(done("<b>x</b>"), "");
    }
}
