//! What still refers to a place that somebody wants to remove.

use crate::store::value::args;
use crate::store::{Change, StoreError};
use patchward_common::id::Name;

/// What may refer to a place: a query of up to [`SHOWN`] names, what they are, and what to
/// do with them.
pub(super) type Use = (&'static str, &'static str, &'static str);

/// How many of those that refer to a place are named.
const SHOWN: usize = 5;

pub(super) const SITE_USES: &[Use] = &[(
    "SELECT name FROM units WHERE site = $1 ORDER BY name LIMIT 5",
    "units",
    "remove them, or give them another site with `unit edit`",
)];
pub(super) const UNIT_USES: &[Use] = &[
    (
        "SELECT name FROM machines WHERE unit = $1 ORDER BY name LIMIT 5",
        "machines",
        "assign them to another unit; those that are revoked keep it",
    ),
    (
        "SELECT name FROM coverage_groups WHERE unit = $1 ORDER BY name LIMIT 5",
        "coverage groups",
        "remove them, or give them another unit with `group edit`",
    ),
    (
        "SELECT id FROM windows WHERE unit = $1 ORDER BY id LIMIT 5",
        "windows",
        "remove them with `window remove`",
    ),
    (
        "SELECT tag FROM assets WHERE unit = $1 ORDER BY tag LIMIT 5",
        "assets",
        "give them another unit with `asset put`",
    ),
    (
        "SELECT id FROM tokens WHERE unit = $1 ORDER BY id LIMIT 5",
        "enrolment tokens",
        "they stay as a record, and so does their unit",
    ),
    (
        "SELECT name FROM feed_links WHERE unit = $1 ORDER BY name LIMIT 5",
        "secret addresses",
        "they stay as a record, and so does their unit",
    ),
    (
        "SELECT name FROM notice_targets
         WHERE replace(',' || units || ',', ',' || $1 || ',', '') <> ',' || units || ','
         ORDER BY name LIMIT 5",
        "targets of notices",
        "remove them with `notice remove`, and add them for other units",
    ),
];
pub(super) const GROUP_USES: &[Use] = &[
    (
        "SELECT m.name FROM group_members g JOIN machines m ON m.id = g.machine
         WHERE g.group_name = $1 ORDER BY m.name LIMIT 5",
        "machines",
        "assign them without it",
    ),
    (
        "SELECT tag FROM assets WHERE coverage_group = $1 ORDER BY tag LIMIT 5",
        "assets",
        "give them another group with `asset put`",
    ),
];

impl Change {
    /// Refuses where something still refers to a place; the engines would as well, in
    /// words that say nothing.
    pub(super) async fn unused(
        &mut self,
        what: &str,
        name: &Name,
        uses: &[Use],
    ) -> Result<(), StoreError> {
        for (sql, users, remedy) in uses {
            let found: Vec<(String,)> = self.view().tx.all(*sql, args![name]).await?;
            if !found.is_empty() {
                let more = if found.len() == SHOWN {
                    " and perhaps more"
                } else {
                    ""
                };
                let found: Vec<String> = found.into_iter().map(|(user,)| user).collect();
                return Err(StoreError::conflict(format!(
                    "{what} {name} still has {users} ({}{more}): {remedy}",
                    found.join(", ")
                )));
            }
        }
        Ok(())
    }
}
