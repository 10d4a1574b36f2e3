//! A plan that was made before its models' vendors answered is not given out against them.

use crate::control::Failure;
use crate::mds2::policy::lets;
use crate::planning;
use crate::store::View;
use patchward_common::plan::{Stated, Table, TableError};
use patchward_common::trust::approval::Approval;

/// Whether the vendors' answers that are here now let the plan's work be done.
///
/// # Errors
/// A conflict with the first machine on which they do not.
pub(super) async fn let_us(table: &Table<Approval>, view: &mut View) -> Result<(), Failure> {
    let unread = |error: TableError| Failure::conflict(format!("the plan: {error}"));
    let (approval, leaves) = table.read().map_err(unread)?;
    let stated = Stated {
        vendor_policies: planning::policies(view).await?,
        ..Stated::default()
    };
    for leaf in leaves {
        let Some(machine) = view.machine(&leaf.machine).await? else {
            continue;
        };
        for release in &approval.releases {
            let product = &release.release.product;
            let policy = stated.vendor_policy(&machine.model, product);
            let Some(policy) = policy.filter(|one| !lets(one.allows, machine.is_manual())) else {
                continue;
            };
            return Err(Failure::conflict(format!(
                "The vendor of model {} does not let us install {product} on {}: {}. Make a new \
                 plan with `plan new`: it leaves such machines out.",
                machine.model, machine.name, policy.because
            )));
        }
    }
    Ok(())
}
