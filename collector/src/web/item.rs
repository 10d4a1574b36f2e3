//! Where an item leads: to the page of what it is about, or to the form that does it.

use crate::control::output::heading;
use crate::item::Kind;
use patchward_common::percent::encoded;

/// What an item's key says on a page: the words of its link, and where that leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    /// What is done there, or what it is.
    pub words: String,
    /// Where.
    pub href: String,
}

/// The way of an item, by its key; none where it has no page.
pub fn way(key: &str) -> Option<Way> {
    let (word, subject) = key.split_once(':')?;
    let kind = Kind::of_word(word)?;
    let whole = encoded(subject);
    let first = encoded(subject.split('/').next().unwrap_or(subject));
    let last = encoded(subject.rsplit('/').next().unwrap_or(subject));
    let form = |words, command: &str, fields: &str| {
        let href = format!("/do/{}?{fields}&_back=/", command.replace(' ', "/"));
        (Some(words), href)
    };
    let (words, href) = match kind {
        Kind::Sign => (Some("Read and sign"), format!("/plan/{whole}/sign")),
        Kind::Replan | Kind::Unsigned => (None, format!("/plan/{whole}")),
        Kind::Starving | Kind::Unfit | Kind::Withheld => (None, format!("/plan/{last}")),
        Kind::Question => (Some("Judge the wave"), format!("/rollouts/{whole}")),
        Kind::Halted => match subject.split_once('/') {
            None => form("Judge the halt", "rollout resume", &format!("plan={whole}")),
            Some(_) => {
                let fields = format!("release={first}&model={last}");
                form("Judge the halt", "rollout resume", &fields)
            }
        },
        Kind::Stopped => form("Lift the stop", "stop lift", &format!("stop={whole}")),
        Kind::Return => form("Return to service", "job return", &format!("job={whole}")),
        Kind::Failed
        | Kind::Freed
        | Kind::RolledBack
        | Kind::Missed
        | Kind::Behind
        | Kind::Lost
        | Kind::Overrun
        | Kind::Restart
        | Kind::Waiting => (None, format!("/job/{whole}")),
        Kind::Handover => form("Hand it over", "handover done", &format!("machine={whole}")),
        Kind::Enrol => form("Accept it", "machine accept", &format!("machine={whole}")),
        Kind::Silent | Kind::Copied | Kind::Interlock | Kind::Elsewhere | Kind::Fallen => {
            (None, format!("/assets/machine/{whole}"))
        }
        Kind::Match | Kind::Fixable | Kind::Unfixed => {
            (None, format!("/exposure/advisory/{first}"))
        }
        Kind::Mitigation => (None, format!("/exposure/mitigation/{whole}")),
        Kind::Case | Kind::Reminder => (None, format!("/exposure/case/{whole}")),
        Kind::Answers => (None, format!("/assets/model/{whole}")),
        Kind::Review | Kind::Exception => (None, "/exposure".to_owned()),
        Kind::Held => (None, "/rollouts#holds".to_owned()),
        Kind::Calendar => (None, "/windows#calendars".to_owned()),
        Kind::Metadata => (None, "/updates#vendors".to_owned()),
        Kind::Training => (None, "/plan#stated".to_owned()),
        Kind::Undelivered => (None, "/settings#outbox".to_owned()),
        Kind::Restored => (None, "/settings#restored".to_owned()),
        Kind::Expiring | Kind::Unsupported => return None,
    };
    let words = words.map_or_else(|| heading(&kind.word().replace('-', "_")), str::to_owned);
    Some(Way { words, href })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_leads_to_what_it_is_about() {
        for (key, words, href) in [
            ("sign:0a1b", "Read and sign", "/plan/0a1b/sign"),
            (
                "return:ff00",
                "Return to service",
                "/do/job/return?job=ff00&_back=/",
            ),
            (
                "halted:0a1b",
                "Judge the halt",
                "/do/rollout/resume?plan=0a1b&_back=/",
            ),
            (
                "halted:0a1b/ct one",
                "Judge the halt",
                "/do/rollout/resume?release=0a1b&model=ct%20one&_back=/",
            ),
            ("unfit:pc-1/0a1b", "Unfit", "/plan/0a1b"),
            ("silent:pc-1", "Silent", "/assets/machine/pc-1"),
            ("rolled-back:ff00", "Rolled back", "/job/ff00"),
        ] {
            let (words, href) = (words.to_owned(), href.to_owned());
            assert_eq!(way(key), Some(Way { words, href }), "{key}");
        }
        for none in ["", "sign", "nothing:x", "expiring:roster"] {
            assert_eq!(way(none), None, "{none}");
        }
    }

    #[test]
    fn nothing_in_a_key_leads_elsewhere() {
        for kind in crate::item::KINDS {
            let key = format!("{}://evil.example/\"><x?a#b", kind.word());
            if let Some(way) = way(&key) {
                assert!(crate::web::link::local(&way.href).is_some(), "{}", way.href);
                assert!(!way.href.contains(['"', '<', '>']), "{}", way.href);
            }
        }
    }
}
