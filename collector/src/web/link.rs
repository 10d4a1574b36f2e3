//! Where words lead: a machine's name to the machine, a plan's digits to the plan.

use super::show::listing::encoded;
use crate::control::Cell;

/// Columns whose words lead somewhere, and where.
const WAYS: [(&str, &str); 13] = [
    ("machine", "/assets/machine/"),
    ("unit", "/unit/"),
    ("plan", "/plan/"),
    ("job", "/job/"),
    ("asset", "/assets/asset/"),
    ("tag", "/assets/asset/"),
    ("advisory", "/exposure/advisory/"),
    ("device", "/assets/device/"),
    ("mitigation", "/exposure/mitigation/"),
    ("case", "/exposure/case/"),
    ("vendor", "/updates?vendor="),
    ("account", "/settings?people-users.account="),
    ("model", "/assets/model/"),
];

/// Where a cell of a column leads.
pub fn of(column: &str, cell: &Cell) -> Option<String> {
    let (_, way) = WAYS.iter().find(|(known, _)| *known == column)?;
    match cell {
        Cell::Text(text) if !text.is_empty() => Some(format!("{way}{}", encoded(text))),
        Cell::Number(number) => Some(format!("{way}{number}")),
        _ => None,
    }
}
