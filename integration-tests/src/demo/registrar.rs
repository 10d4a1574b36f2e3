//! Rita, the registrar of the demo's hospital. A person asks whose a key is before it comes
//! into the roster; she does not, so that somebody who tries the page needs no terminal.

use crate::hospital::Hospital;
use anyhow::Context as _;
use std::collections::BTreeMap;

/// The roster's description, among what people keep.
const DESCRIPTION: &str = "roster.toml";
/// Digits of a key by which people know it, as the page tells them.
const SHORT: usize = 8;

/// What she has said already, so that she says it once.
#[derive(Debug, Default)]
pub struct Registrar {
    troubles: BTreeMap<String, String>,
}

impl Registrar {
    /// Takes every browser key that was asked for into the roster; what there is to say of it.
    pub fn look(&mut self, hospital: &Hospital) -> Vec<String> {
        let asked = match asked(hospital) {
            Ok(asked) => asked,
            Err(error) => {
                return Vec::from_iter(self.once("", format!("Rita sees no requests: {error:#}")));
            }
        };
        self.troubles.remove("");
        let answers = asked.iter().filter_map(|(account, key)| {
            let short = key.get(..SHORT).unwrap_or(key);
            match enrol(hospital, account, key) {
                Ok(None) => None,
                Ok(Some(number)) => Some(format!(
                    "Rita, the registrar, enrols {account}'s browser key {short}…: she signed roster \
                     {number}, and the collector took it in."
                )),
                Err(error) => self.once(
                    key,
                    format!("Rita does not enrol {account}'s browser key {short}…: {error:#}"),
                ),
            }
        });
        answers.collect()
    }

    fn once(&mut self, of: &str, text: String) -> Option<String> {
        let said = self.troubles.insert(of.to_owned(), text.clone());
        (said.as_ref() != Some(&text)).then_some(text)
    }
}

/// The accounts whose browsers asked, with their keys.
fn asked(hospital: &Hospital) -> anyhow::Result<Vec<(String, String)>> {
    let table = hospital.ask_json(&["user", "keys"])?;
    let rows = table.as_array().context("a list of keys")?;
    let texts = rows.iter().map(|row| {
        let text = |name: &str| Some(row[name].as_str()?.to_owned());
        text("account").zip(text("key")).context("a key's row")
    });
    texts.collect()
}

/// Signs the next roster with a key in it and takes it in, by the commands that a person types;
/// its number, or nothing where it has the key.
fn enrol(hospital: &Hospital, person: &str, key: &str) -> anyhow::Result<Option<u64>> {
    let folder = hospital.people();
    let text = std::fs::read_to_string(folder.join(DESCRIPTION)).context("reading the roster")?;
    if text.contains(key) {
        return Ok(None);
    }
    let (number, text) = with_key(&text, person, key)?;
    let (from, out) = (
        format!("roster-{number}.toml"),
        format!("roster-{number}.cbor"),
    );
    std::fs::write(folder.join(&from), text).context("writing the next roster")?;
    // From an attempt that came to nothing.
    let _ = std::fs::remove_file(folder.join(&out));
    let files = ["roster", "--from", &from, "--out", &out];
    hospital.sign(&[&files[..], &["--key", "registrar.pem", "--yes"]].concat())?;
    hospital.ask(&["document", "add", &folder.join(&out).to_string_lossy()])?;
    // Only what counts becomes what the next one is made from.
    std::fs::rename(folder.join(&from), folder.join(DESCRIPTION)).context("keeping the roster")?;
    Ok(Some(number))
}

/// The next roster's number and description: with a browser key for one of its people.
fn with_key(text: &str, person: &str, key: &str) -> anyhow::Result<(u64, String)> {
    let (number, rest) = text
        .strip_prefix("number = ")
        .and_then(|text| text.split_once('\n'))
        .context("roster.toml does not begin with its number")?;
    let number: u64 = number.trim().parse().context("the roster's number")?;
    let number = number.saturating_add(1);
    let begins = rest.find(&format!("id = \"{person}\"")).context(
        "the roster has no such person; write them into people/roster.toml, and she goes on",
    )?;
    let (before, of_person) = rest.split_at(begins);
    let ends = of_person.find("\n[[").unwrap_or(of_person.len());
    let (of_person, after) = of_person.split_at(ends);
    let (head, keys) = of_person
        .split_once("keys = [")
        .context("the person has no `keys = [` in people/roster.toml")?;
    let entry = format!("{{ key = \"{key}\", kind = \"browser\" }}, ");
    let text = format!("number = {number}\n{before}{head}keys = [{entry}{keys}{after}");
    Ok((number, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROSTER: &str = "number = 7\ndays = 80\n\
                          [[people]]\nid = \"ada\"\nunits = \"all\"\nkeys = [{ key = \"aa\", kind = \"file\" }]\n\
                          [[people]]\nid = \"ben\"\nkeys = [{ key = \"bb\", kind = \"file\" }]\n\
                          [[people]]\nid = \"eve\"\n\
                          [[go_keys]]\nkeys = [\"cc\"]\n";

    #[test]
    fn the_key_is_the_persons_and_the_number_the_next() {
        let (number, text) = with_key(ROSTER, "ben", "dd").unwrap();
        assert_eq!(number, 8);
        let own = "[{ key = \"dd\", kind = \"browser\" }, { key = \"bb\"";
        let expected = ROSTER.replace("[{ key = \"bb\"", own);
        assert_eq!(text, expected.replace("number = 7", "number = 8"));
    }

    #[test]
    fn nobody_gets_a_key_who_is_not_in_the_roster_or_has_none_there() {
        for (roster, person) in [
            (ROSTER, "olga"),
            (ROSTER, "eve"),
            ("days = 80\n", "ada"),
            ("number = x\n", "ada"),
        ] {
            assert!(with_key(roster, person, "dd").is_err(), "{person}");
        }
    }

    #[test]
    fn what_goes_wrong_is_said_once() {
        let mut rita = Registrar::default();
        assert!(rita.once("k", "no".to_owned()).is_some());
        assert!(rita.once("k", "no".to_owned()).is_none());
        assert!(rita.once("k", "still no".to_owned()).is_some());
    }
}
