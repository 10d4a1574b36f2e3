//! Machines on whose model the vendor's MDS2 answers do not let us install.

use super::{Owner, Reason};
use crate::mds2::policy::lets;
use patchward_common::id::Name;
use patchward_common::plan::{Stated, VendorAllows};
use patchward_common::trust::approval::Approval;
use patchward_common::trust::assignment::{AssignmentLeaf, Mode};
use serde::Serialize;

/// What the vendor's answers say against a machine's plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{product} on model {model}: {}", self.words())]
pub struct VendorRefusal {
    /// The model.
    pub model: Name,
    /// The product.
    pub product: Name,
    /// What is allowed instead.
    pub allows: VendorAllows,
    /// The answer that says so.
    pub because: String,
}

impl VendorRefusal {
    fn words(&self) -> String {
        let because = &self.because;
        match self.allows {
            VendorAllows::Install => because.clone(),
            VendorAllows::StageOnly => format!(
                "it may only be brought there ({because}); let a person install it by hand, with mode manual"
            ),
            VendorAllows::VendorService => {
                format!("the vendor's service has to install it ({because}); have it come")
            }
            VendorAllows::ReportOnly => {
                format!("nobody may install it ({because}); ask the vendor")
            }
        }
    }

    /// Who can change it.
    pub(super) fn who(&self) -> Owner {
        match self.allows {
            VendorAllows::Install | VendorAllows::StageOnly => Owner::Htm,
            VendorAllows::VendorService | VendorAllows::ReportOnly => Owner::Vendor,
        }
    }
}

/// Why the vendor's answers keep a machine out of a plan.
pub(super) fn refusal(
    stated: &Stated,
    row: &AssignmentLeaf,
    approval: &Approval,
) -> Option<Reason> {
    let mut products = approval.releases.iter().map(|one| &one.release.product);
    products.find_map(|product| {
        let policy = stated.vendor_policy(&row.model, product)?;
        (!lets(policy.allows, row.mode == Mode::Manual)).then(|| {
            Reason::VendorPolicy(VendorRefusal {
                model: row.model.clone(),
                product: product.clone(),
                allows: policy.allows,
                because: policy.because.clone(),
            })
        })
    })
}
