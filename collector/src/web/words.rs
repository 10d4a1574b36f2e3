//! Sentences as pages show them: a command that stands in backquotes leads to its form, with
//! what the sentence says in its fields. At a terminal the same sentence is typed.

use super::form::{Field, Form, Kind};
use super::page::own_page;
use super::picture::svg::escaped;
use crate::account::Weight;
use patchward_common::percent::encoded;

/// A sentence as HTML: all of it escaped, and commands of ours linked.
pub fn linked(text: impl AsRef<str>) -> String {
    let text = text.as_ref();
    let mut html = String::with_capacity(text.len());
    let mut parts = text.split('`').peekable();
    let mut is_command = false;
    while let Some(part) = parts.next() {
        let is_closed = parts.peek().is_some();
        match is_command && is_closed {
            true => html.push_str(&command(part)),
            // A mark that nothing closes is a mark.
            false if is_command => html.push_str(&escaped(&format!("`{part}"))),
            false => html.push_str(&escaped(part)),
        }
        is_command = !is_command;
    }
    html
}

/// What stands between two marks.
fn command(text: &str) -> String {
    let shown = escaped(text);
    match form_of(text) {
        Some((form, href)) => {
            let about = escaped(&form.about);
            format!("<a class=\"command\" href=\"{href}\" title=\"{about}\">{shown}</a>")
        }
        None => format!("<code>{shown}</code>"),
    }
}

/// The form that a line of words would fill in, and its address.
fn form_of(text: &str) -> Option<(&'static Form, String)> {
    let words: Vec<&str> = text.split_whitespace().collect();
    // The longest path first: `plan training need` is no `plan`.
    let (form, rest) = (1..=words.len().min(MAX_PATH)).rev().find_map(|length| {
        let (path, rest) = words.split_at(length);
        Some((Form::of(&path.join(" "))?, rest))
    })?;
    if form.rule.weight == Weight::Terminal {
        return None;
    }
    let href = match own_page(form.path) {
        Some(page) => page.to_owned(),
        None => {
            let answers = answers(form, rest);
            let pairs = answers
                .iter()
                .map(|(field, value)| format!("{}={}", encoded(&field.name), encoded(value)));
            let pairs = pairs.collect::<Vec<_>>().join("&amp;");
            match pairs.is_empty() {
                true => form.href(),
                false => format!("{}?{pairs}", form.href()),
            }
        }
    };
    Some((form, href))
}

/// Most words of a command's path: `plan training confirm`.
const MAX_PATH: usize = 4;

/// What a line says in the fields of a form. What stands for something else (`…`, `PLAN`) says
/// nothing.
fn answers<'f>(form: &'f Form, rest: &[&str]) -> Vec<(&'f Field, String)> {
    let mut found = Vec::new();
    let mut places = form.fields.iter().filter(|field| field.has_place());
    let mut words = rest.iter().peekable();
    while let Some(word) = words.next() {
        let field = match word.strip_prefix("--") {
            Some(long) => form.fields.iter().find(|field| field.is_called(long)),
            None => places.next(),
        };
        let value = match (word.starts_with("--"), field) {
            (false, _) => Some(*word),
            (true, Some(field)) if field.kind == Kind::Flag => Some("yes"),
            (true, _) => words.next_if(|next| !next.starts_with("--")).copied(),
        };
        // A browser gives no file away because an address says so.
        let field = field.filter(|field| field.kind != Kind::File);
        if let (Some(field), Some(value)) = (field, value.filter(|value| !stands_for(value))) {
            found.push((field, value.to_owned()));
        }
    }
    found
}

/// Whether a word stands for what a person puts there.
fn stands_for(word: &str) -> bool {
    let is_capital = |c: char| c.is_ascii_uppercase() || matches!(c, '_' | '-');
    word.contains('…') || word.chars().all(is_capital)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_leads_to_its_form_with_what_is_known() {
        for (text, href) in [
            ("`asset gaps`", "/do/asset/gaps"),
            ("`setup`", "/setup"),
            ("`plan again 0a1b`", "/do/plan/again?plan=0a1b"),
            (
                "`rollout open 0a1b --wave 2 --reason …`",
                "/do/rollout/open?plan=0a1b&amp;wave=2",
            ),
            ("`stop now --all --reason …`", "/do/stop/now?all=yes"),
            ("`plan new … --clear 00ff`", "/do/plan/new?clears=00ff"),
            ("`job close JOB`", "/do/job/close"),
        ] {
            let html = linked(text);
            let wanted = format!("<a class=\"command\" href=\"{href}\" title=");
            assert!(html.starts_with(&wanted), "{text}: {html}");
        }
    }

    #[test]
    fn what_is_no_form_of_ours_is_no_link() {
        for text in ["`patchward-sign approve`", "`x`", "``", "`init`", "` `"] {
            let html = linked(text);
            assert!(html.starts_with("<code>"), "{text}: {html}");
        }
        assert_eq!(linked("a ` mark"), "a ` mark");
        assert_eq!(linked("`a` and `b"), "<code>a</code> and `b");
    }

    #[test]
    fn a_sentence_from_elsewhere_breaks_out_of_nothing() {
        let hostile = "<b>&\" `<i>` `stop lift \"><script>x</script> --reason a&b`";
        let html = linked(hostile);
        for bad in ["<b>", "<i>", "<script"] {
            assert!(!html.contains(bad), "{bad}: {html}");
        }
        assert!(
            html.starts_with("&lt;b&gt;&amp;&quot; <code>&lt;i&gt;</code> "),
            "{html}"
        );
        assert!(
            html.contains("stop=%22%3E%3Cscript%3Ex%3C%2Fscript%3E"),
            "{html}"
        );
    }
}
