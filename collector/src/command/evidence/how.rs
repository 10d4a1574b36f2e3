//! How a pack is checked, in plain words.

use crate::authority;
use crate::control::{Cell, Failure, Output, Report};
use crate::store::View;

/// The steps, on a computer that has nothing to do with this collector.
pub(super) async fn check(view: &mut View) -> Result<Output, Failure> {
    let chain = authority::chain(view).await?;
    let root = chain.map(|chain| chain.root.fingerprint());
    let head = view.audit_head().await?;
    Ok(Output::Report(Report::new(
        [
            ("hospital_root_as_this_collector_has_it", Cell::maybe(root)),
            ("audit_log_now", Cell::of(head)),
        ],
        HOW,
    )))
}

const HOW: &str = "\
1. Take a computer away from this collector, and `patchward-sign` on it. It needs no network, no \
account and no database.
2. Take the hospital root's fingerprint from where the hospital keeps it on paper: beside the safe \
with the root keys. Do not take it from this page: whoever could write packs that lie could write a \
fingerprint that fits them. Where both are the same, good; where they differ, believe the paper.
3. Check a pack or an archive: `patchward-sign verify-evidence FILE --root FINGERPRINT`. It ends \
with exit code 0 and \"No findings\" where everything is proved, and with exit code 3 and a list of \
what is not.
4. A report (PDF) and a table (CSV) prove nothing by themselves. They name a content digest, and \
`verify-evidence` prints the same for the pack that they repeat. Where nothing has happened to the \
jobs in between, a pack that is made later has the same content digest too.
5. What is proved: which versions the machine measured before and after, in which boots, that it \
was idle, that enough approvers had signed for that slot, and that no event is missing in between. \
The machine signed it with a key that this collector never had.
6. What is a person's word: work by hand. It is listed apart, with who recorded it.
7. The audit log: `patchward-collector audit verify --head HASH` checks that a row with this hash, \
noted elsewhere before (a pack, a paper, `patchward-agent status` on any machine), is in this \
collector's log. An archive carries its rows, and `verify-evidence` checks that none was \
changed or left out.";
