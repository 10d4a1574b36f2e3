//! Where words lead: a machine's name to the machine, a plan's digits to the plan.

pub mod row;

use crate::control::Cell;
use patchward_common::percent::encoded;

/// Columns whose words lead somewhere, and where: they stand in place of the braces.
pub const WAYS: [(&str, &str); 20] = [
    ("machine", "/assets/machine/{}"),
    ("unit", "/unit/{}"),
    ("plan", "/plan/{}"),
    ("job", "/job/{}"),
    ("asset", "/assets/asset/{}"),
    ("tag", "/assets/asset/{}"),
    ("advisory", "/exposure/advisory/{}"),
    ("device", "/assets/device/{}"),
    ("mitigation", "/exposure/mitigation/{}"),
    ("case", "/exposure/case/{}"),
    // Makers are those of cases and contacts; the charter's vendors lead to their releases.
    ("vendor", "/list/vendor/contact/list?list.vendor={}#list"),
    ("repository", "/updates?releases.repository={}#releases"),
    ("account", "/settings?people.account={}#people"),
    ("model", "/assets/model/{}"),
    ("release", "/updates/release/{}"),
    ("installs", "/updates/release/{}"),
    ("evidence_of_unit", "/evidence/unit/{}"),
    ("evidence_of_machine", "/evidence/machine/{}"),
    ("evidence_of_release", "/evidence/release/{}"),
    ("evidence_of_month", "/evidence/month/{}"),
];

/// The column that holds a page's path.
const PAGE: &str = "on_the_page";

/// A path of ours to go to, of harmless characters; nothing else, wherever it came from.
pub fn local(path: &str) -> Option<&str> {
    let is_harmless = |c: u8| (0x21..=0x7e).contains(&c) && c != b'\\';
    let is_ours = path.starts_with('/') && !path.starts_with("//") && path.bytes().all(is_harmless);
    is_ours.then_some(path)
}

/// Where a cell of a column leads.
pub fn of(column: &str, cell: &Cell) -> Option<String> {
    // Commands name pages of ours in full.
    if let (PAGE, Cell::Text(path)) = (column, cell) {
        return local(path).map(str::to_owned);
    }
    let (_, way) = WAYS.iter().find(|(known, _)| *known == column)?;
    let to = |text: &str| Some(way.replacen("{}", &encoded(text), 1));
    match cell {
        Cell::Text(text) if !text.is_empty() => to(text),
        Cell::Number(number) => to(&number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_led_to_another_site() {
        assert_eq!(local("/plan/ab?x=1"), Some("/plan/ab?x=1"));
        for bad in [
            "//evil.example",
            "https://evil.example",
            "javascript:x",
            "/\\evil",
            "/a\r\nX-Evil: 1",
            "/a b",
            "",
        ] {
            assert_eq!(local(bad), None, "{bad}");
        }
    }
}
