//! The locks of coverage groups, taken always in the order of their names.

use super::super::StoreError;
use super::super::sql::Tx;
use super::super::value::args;
use patchward_common::id::Name;

/// The lock of machines without a group.
const NO_GROUP: &str = "";

/// Takes the locks of these groups until the transaction ends, in the order of their
/// names, so that two that want the same ones never wait for each other. With no group
/// it takes the lock of machines without one.
pub(in crate::store) async fn lock_groups(tx: &mut Tx, groups: &[Name]) -> Result<(), StoreError> {
    let mut names: Vec<&str> = groups.iter().map(Name::as_str).collect();
    if names.is_empty() {
        names.push(NO_GROUP);
    }
    lock(tx, names).await
}

/// The same with the lock of machines without a group, whatever the groups.
pub(in crate::store) async fn lock_groups_and_none(
    tx: &mut Tx,
    groups: &[Name],
) -> Result<(), StoreError> {
    let names = groups.iter().map(Name::as_str);
    lock(tx, names.chain([NO_GROUP]).collect()).await
}

async fn lock(tx: &mut Tx, mut names: Vec<&str>) -> Result<(), StoreError> {
    names.sort_unstable();
    names.dedup();
    for name in names {
        let locked = tx
            .execute(
                "UPDATE group_locks SET generation = generation + 1 WHERE name = $1",
                args![name],
            )
            .await?;
        if locked == 0 {
            return Err(StoreError::missing("coverage group", name));
        }
    }
    Ok(())
}

/// Takes the locks of all groups, in the same order.
pub(in crate::store) async fn lock_all_groups(tx: &mut Tx) -> Result<(), StoreError> {
    let names: Vec<(String,)> = tx
        .all("SELECT name FROM group_locks ORDER BY name", args![])
        .await?;
    for (name,) in names {
        tx.execute(
            "UPDATE group_locks SET generation = generation + 1 WHERE name = $1",
            args![name],
        )
        .await?;
    }
    Ok(())
}
