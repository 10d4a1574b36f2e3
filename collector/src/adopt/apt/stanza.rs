//! Stanzas of fields, as Debian's control files have them.

use std::collections::BTreeMap;

/// The fields of one stanza, by name in lower case; continuation lines keep their breaks.
pub(super) type Stanza<'a> = BTreeMap<String, String>;

/// Reads the stanzas of a text one by one.
pub(super) fn stanzas(text: &str) -> impl Iterator<Item = Stanza<'_>> {
    let mut lines = text.lines();
    std::iter::from_fn(move || {
        let mut stanza = Stanza::new();
        let mut last: Option<String> = None;
        for line in lines.by_ref() {
            if line.trim().is_empty() {
                if stanza.is_empty() {
                    continue;
                }
                break;
            }
            if line.starts_with([' ', '\t']) {
                if let Some(value) = last.as_ref().and_then(|name| stanza.get_mut(name)) {
                    value.push('\n');
                    value.push_str(line.trim());
                }
                continue;
            }
            let Some((name, value)) = line.split_once(':') else {
                continue;
            };
            let name = name.trim().to_ascii_lowercase();
            // The first one counts: what stands twice was put there by somebody else.
            stanza
                .entry(name.clone())
                .or_insert_with(|| value.trim().to_owned());
            last = Some(name);
        }
        (!stanza.is_empty()).then_some(stanza)
    })
}
