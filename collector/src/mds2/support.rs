//! What ends of support make of the verdict on a model: who may install updates says nothing
//! where there are none any more.

use super::Verdict;
use crate::component::support::Due;
use jiff::civil::Date;

/// How far ahead an end is asked about, in days: what is bought is used for years, and in
/// hospitals for ten.
const ASKED_WITHIN_DAYS: i64 = 3_653;

/// An end of support that has to do with a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bearing {
    /// Of what, for people.
    pub what: String,
    /// Whether it is the model's own, and not that of a part of it.
    pub is_model: bool,
    /// The last day.
    pub on: Date,
    /// How it stands.
    pub due: Due,
    /// Why nobody can say whether it is meant.
    pub unsure: Option<String>,
}

/// The verdict with the ends of support that are known.
pub fn with_support(mut verdict: Verdict, ends: &[Bearing]) -> Verdict {
    let over = |one: &&Bearing| one.unsure.is_none() && matches!(one.due, Due::Past(_));
    if ends.iter().filter(over).any(|one| one.is_model) {
        verdict.word = "no";
        verdict.text =
            "Its support is over: no updates come for it any more, whoever might install them.";
    } else if verdict.word != "no" && ends.iter().any(|one| over(&one) || is_unsure(one)) {
        verdict.word = "cannot_tell";
        verdict.text = "Support of it or of a part of it is over, or may be: whether anybody still mends that \
                        has to be asked.";
    }
    for one in ends {
        if let Some(asks) = asked(one) {
            let question = if one.is_model { "RDMP-3" } else { "RDMP-4" };
            verdict.ask.push((question.to_owned(), asks));
        }
    }
    if !ends.iter().any(|one| one.is_model) && !verdict.ask.iter().any(|(id, _)| id == "RDMP-3") {
        let asks = "until when is it supported? No end is entered here; `support put` does that";
        verdict.ask.push(("RDMP-3".to_owned(), asks.to_owned()));
    }
    verdict
}

/// Whether it may be over already.
fn is_unsure(one: &Bearing) -> bool {
    one.unsure.is_some() && matches!(one.due, Due::Past(_))
}

/// What is to be asked about an end.
fn asked(one: &Bearing) -> Option<String> {
    let (what, on) = (&one.what, one.on);
    Some(match (one.due, &one.unsure) {
        (Due::In(days), _) if days > ASKED_WITHIN_DAYS => return None,
        (_, Some(why)) => format!("support of {what} ends on {on}: is ours meant? {why}"),
        (Due::Past(days), None) => {
            format!("support of {what} ended on {on}, {days} days ago: who mends it now?")
        }
        (Due::In(days), None) => {
            format!("support of {what} ends on {on}, in {days} days: what comes then?")
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(is_model: bool, due: Due, unsure: Option<&str>) -> Bearing {
        Bearing {
            what: "it".to_owned(),
            is_model,
            on: Date::constant(2028, 6, 30),
            due,
            unsure: unsure.map(str::to_owned),
        }
    }

    fn word(word: &'static str, ends: &[Bearing]) -> &'static str {
        let ask = Vec::new();
        with_support(
            Verdict {
                text: "",
                word,
                ask,
            },
            ends,
        )
        .word
    }

    #[test]
    fn what_nobody_mends_any_more_cannot_be_kept_patched() {
        let past = Due::Past(1);
        for (before, ends, after) in [
            ("yes", vec![], "yes"),
            ("yes", vec![end(true, Due::In(0), None)], "yes"),
            ("yes", vec![end(true, past, None)], "no"),
            ("cannot_tell", vec![end(true, past, None)], "no"),
            ("yes", vec![end(true, past, Some("which?"))], "cannot_tell"),
            ("vendor", vec![end(false, past, None)], "cannot_tell"),
            ("no", vec![end(false, past, None)], "no"),
            (
                "on_site",
                vec![end(false, Due::In(9), Some("which?"))],
                "on_site",
            ),
        ] {
            assert_eq!(word(before, &ends), after, "{before} {ends:?}");
        }
    }

    #[test]
    fn ends_within_its_years_are_asked_about_and_so_is_none_at_all() {
        let asks = |ends: &[Bearing]| {
            let ask = Vec::new();
            let verdict = Verdict {
                text: "",
                word: "yes",
                ask,
            };
            with_support(verdict, ends).ask
        };
        assert_eq!(asks(&[])[0].0, "RDMP-3");
        assert!(
            asks(&[end(true, Due::In(10), None)])[0]
                .1
                .contains("in 10 days")
        );
        assert_eq!(asks(&[end(true, Due::In(9_999), None)]), []);
        let both = asks(&[end(false, Due::Past(3), None)]);
        assert_eq!(
            (both[0].0.as_str(), both[1].0.as_str()),
            ("RDMP-4", "RDMP-3")
        );
    }
}
