//! What vendors let others do on their models, by their MDS2 answers.

use super::{Findings, Rule, Subject, View};
use crate::plan::{Stated, VendorAllows};
use crate::trust::assignment::Mode;

pub(super) fn check(view: &View<'_>, stated: &Stated, findings: &mut Findings) {
    for leaf in view.leaves {
        let Some(row) = view.row(leaf.machine) else {
            continue; // That it has none is a finding already.
        };
        for release in &view.approval.releases {
            let product = &release.release.product;
            let Some(policy) = stated.vendor_policy(&row.model, product) else {
                continue;
            };
            let is_by_hand = row.mode == Mode::Manual;
            let subject = Subject::Machine(leaf.machine);
            let what = format!("{} is a {}", row.name, row.model);
            let because = &policy.because;
            match policy.allows {
                VendorAllows::Install => {}
                VendorAllows::StageOnly if is_by_hand => {}
                VendorAllows::VendorService if is_by_hand => {
                    let text = format!(
                        "{what}, on which the vendor's service installs {product}: {because}"
                    );
                    findings.warns(Rule::VendorPolicy, subject, text);
                }
                VendorAllows::StageOnly => {
                    let text = format!(
                        "{what}, on which {product} is installed with a person there alone: {because}; plan it by hand"
                    );
                    findings.blocks(Rule::VendorPolicy, subject, text);
                }
                VendorAllows::VendorService => {
                    let text = format!(
                        "{what}, on which the vendor alone installs {product}: {because}; have its service come"
                    );
                    findings.blocks(Rule::VendorPolicy, subject, text);
                }
                VendorAllows::ReportOnly => {
                    let text = format!(
                        "{what}, on which nobody may install {product}: {because}; ask the vendor"
                    );
                    findings.blocks(Rule::VendorPolicy, subject, text);
                }
            }
        }
    }
}
