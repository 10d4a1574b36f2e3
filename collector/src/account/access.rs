//! Who may ask the collector for what: one table for pages, forms and API.
//!
//! Every command stands in it, once; a test says so. Who sits at the collector's own computer
//! may do everything, and is not asked.

use super::role::Role;
use Role::{Admin, Approver, Auditor, Operator, Security, Technician, Viewer, Ward};
use Weight::{Ask, Change, Grave, Terminal};

/// What a command does to the hospital.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// It only tells.
    Ask,
    /// It changes something that can be changed back.
    Change,
    /// It decides on machines beside patients, or cannot be undone: pages show first what
    /// will happen.
    Grave,
    /// It names files and folders of the collector's own computer, so only who sits there
    /// can mean it.
    Terminal,
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// The command's words, such as `asset baseline put`.
    pub path: &'static str,
    /// What it does.
    pub weight: Weight,
    /// Who may.
    pub roles: &'static [Role],
}

const ALL: &[Role] = &[
    Viewer, Auditor, Technician, Approver, Security, Operator, Admin,
];
const ACTING: &[Role] = &[Technician, Approver, Security, Operator, Admin];
const HTM: &[Role] = &[Approver];
const BIOMED: &[Role] = &[Technician, Approver];
const IT: &[Role] = &[Operator];
const HTM_IT: &[Role] = &[Approver, Operator];
const CARE: &[Role] = &[Technician, Approver, Operator];
const RISK: &[Role] = &[Approver, Security];
const RISK_IT: &[Role] = &[Approver, Security, Operator];
const HOUSE: &[Role] = &[Operator, Admin];
const PEOPLE: &[Role] = &[Admin];
const BEDSIDE: &[Role] = &[Ward, Technician, Approver, Operator];
/// Who sees the ward's page: everybody, and the ward itself.
pub const WARD_PAGE: &[Role] = &[
    Ward, Viewer, Auditor, Technician, Approver, Security, Operator, Admin,
];
const PROOF: &[Role] = &[Auditor, Approver, Security, Operator, Admin];

/// What tells of all units at once, in a form that cannot be narrowed to some of them.
pub const OF_ALL_UNITS: &[&str] = &[
    "advisory matches",
    "asset export",
    "audit list",
    "ca show",
    "evidence archive",
    "evidence export",
    "evidence releases",
    "evidence report",
    "evidence table",
    "machine history",
    "restore show",
];

/// The table.
pub const RULES: &[Rule] = &[
    row("today", Ask, ALL),
    row("shift", Ask, ALL),
    row("setup", Ask, HOUSE),
    row("item list", Ask, ALL),
    row("item take", Change, ACTING),
    row("item drop", Change, ACTING),
    row("item except", Grave, RISK),
    row("checklist set", Change, HTM),
    row("checklist show", Ask, ALL),
    row("site add", Change, HOUSE),
    row("site import", Change, HOUSE),
    row("site remove", Change, HOUSE),
    row("site list", Ask, ALL),
    row("unit add", Change, HOUSE),
    row("unit edit", Change, HOUSE),
    row("unit import", Change, HOUSE),
    row("unit remove", Change, HOUSE),
    row("unit list", Ask, ALL),
    row("unit subnet add", Change, HOUSE),
    row("unit subnet import", Change, HOUSE),
    row("unit subnet remove", Change, HOUSE),
    row("unit subnet list", Ask, ALL),
    row("group add", Change, HTM_IT),
    row("group edit", Change, HTM),
    row("group import", Change, HTM),
    row("group remove", Change, HTM),
    row("group list", Ask, ALL),
    row("token new", Change, IT),
    row("token revoke", Change, HOUSE),
    row("token used", Ask, HOUSE),
    row("token list", Ask, HOUSE),
    row("oncall set", Change, HTM_IT),
    row("oncall import", Change, HTM_IT),
    row("oncall remove", Change, HTM_IT),
    row("oncall list", Ask, ALL),
    row("oncall calls", Ask, ALL),
    row("oncall heard", Change, ACTING),
    row("machine waiting", Ask, ALL),
    row("machine accept", Change, IT),
    row("machine refuse", Change, IT),
    row("machine list", Ask, ALL),
    row("machine show", Ask, ALL),
    row("machine history", Ask, ALL),
    row("machine idle", Ask, ALL),
    row("machine components", Ask, ALL),
    row("machine with", Ask, ALL),
    row("machine revoke", Grave, IT),
    row("machine store", Change, CARE),
    row("machine not-a-clone", Change, IT),
    row("asset put", Change, CARE),
    row("asset import", Change, HTM_IT),
    row("asset export", Ask, ALL),
    row("asset mapping list", Ask, ALL),
    row("asset mapping remove", Change, HTM_IT),
    row("asset link", Change, CARE),
    row("asset suggest", Ask, ALL),
    row("asset kind", Change, CARE),
    row("asset manual", Change, CARE),
    row("asset move", Change, CARE),
    row("asset accept", Change, BIOMED),
    row("asset decommission", Grave, HTM),
    row("asset baseline put", Change, HTM),
    row("asset baseline remove", Change, HTM),
    row("asset baseline list", Ask, ALL),
    row("asset gaps", Ask, ALL),
    row("asset drift", Ask, ALL),
    row("asset remove", Grave, HTM_IT),
    row("asset show", Ask, ALL),
    row("asset list", Ask, ALL),
    row("device watch", Change, BIOMED),
    row("device unwatch", Change, BIOMED),
    row("device list", Ask, ALL),
    row("device show", Ask, ALL),
    row("mds2 check", Ask, ALL),
    row("mds2 import", Change, HTM_IT),
    row("mds2 answer", Change, HTM),
    row("mds2 class", Change, HTM),
    row("mds2 list", Ask, ALL),
    row("mds2 show", Ask, ALL),
    row("mds2 verdict", Ask, ALL),
    row("mds2 original", Ask, ALL),
    row("component search", Ask, ALL),
    row("component diff", Ask, ALL),
    row("component sbom", Ask, ALL),
    row("support put", Change, RISK_IT),
    row("support import", Change, RISK_IT),
    row("support remove", Change, RISK_IT),
    row("support list", Ask, ALL),
    row("support due", Ask, ALL),
    row("advisory check", Terminal, RISK_IT),
    row("advisory import", Change, RISK_IT),
    row("advisory list", Ask, ALL),
    row("advisory show", Ask, ALL),
    row("advisory diff", Ask, ALL),
    row("advisory remove", Grave, RISK_IT),
    row("advisory read", Change, RISK_IT),
    row("advisory comment", Change, RISK_IT),
    row("advisory match", Change, RISK_IT),
    row("advisory matches", Ask, ALL),
    row("advisory decide", Grave, RISK),
    row("advisory decisions", Ask, ALL),
    row("advisory undo", Change, RISK),
    row("advisory alias add", Change, RISK_IT),
    row("advisory alias list", Ask, ALL),
    row("advisory alias suggest", Ask, ALL),
    row("advisory alias remove", Change, RISK_IT),
    row("advisory mark", Change, RISK_IT),
    row("advisory installed", Change, CARE),
    row("advisory kev import", Change, RISK_IT),
    row("advisory notice add", Change, RISK_IT),
    row("exposure list", Ask, ALL),
    row("exposure show", Ask, ALL),
    row("exposure except add", Grave, RISK),
    row("exposure except list", Ask, ALL),
    row("exposure except end", Change, RISK),
    row("mitigation add", Change, RISK_IT),
    row("mitigation list", Ask, ALL),
    row("mitigation show", Ask, ALL),
    row("mitigation attest", Change, ACTING),
    row("mitigation close", Change, RISK),
    row("case open", Change, RISK_IT),
    row("case list", Ask, ALL),
    row("case show", Ask, ALL),
    row("case asked", Change, RISK_IT),
    row("case promised", Change, RISK_IT),
    row("case answered", Change, RISK_IT),
    row("case document", Change, RISK_IT),
    row("case kept", Ask, ALL),
    row("case remind", Change, RISK_IT),
    row("case close", Change, RISK_IT),
    row("case letter", Ask, ALL),
    row("risk put", Change, RISK),
    row("risk show", Ask, ALL),
    row("risk list", Ask, ALL),
    row("risk remove", Change, RISK),
    row("document add", Change, HTM_IT),
    row("document list", Ask, ALL),
    row("document roster", Ask, ALL),
    row("probe list", Ask, ALL),
    row("custodian key", Ask, HOUSE),
    row("custodian waiting", Ask, ALL),
    row("custodian draft", Ask, HTM_IT),
    row("custodian publish", Change, IT),
    row("custodian drop", Change, HTM_IT),
    row("custodian export", Terminal, IT),
    row("vendor list", Ask, ALL),
    row("vendor sync", Change, IT),
    row("vendor contact add", Change, RISK_IT),
    row("vendor contact import", Change, RISK_IT),
    row("vendor contact list", Ask, ALL),
    row("vendor contact remove", Change, RISK_IT),
    row("release import", Terminal, IT),
    row("release adopt", Terminal, HTM_IT),
    row("release list", Ask, ALL),
    row("release show", Ask, ALL),
    row("release needed", Ask, ALL),
    row("release sbom", Change, HTM_IT),
    row("release withdraw", Grave, HTM_IT),
    row("window add", Change, HTM),
    row("window once", Change, HTM),
    row("window import", Change, HTM),
    row("window change", Grave, HTM),
    row("window remove", Grave, HTM),
    row("window list", Ask, ALL),
    row("window preview", Ask, ALL),
    row("window export", Ask, ALL),
    row("freeze add", Grave, HTM),
    row("freeze remove", Grave, HTM),
    row("freeze list", Ask, ALL),
    row("freeze calendar add", Change, HTM),
    row("freeze calendar read", Change, HTM_IT),
    row("freeze calendar remove", Grave, HTM),
    row("freeze calendar list", Ask, ALL),
    row("plan new", Change, HTM_IT),
    row("plan again", Change, HTM_IT),
    row("plan list", Ask, ALL),
    row("plan show", Ask, ALL),
    row("plan check", Ask, ALL),
    row("plan due", Change, HTM_IT),
    row("plan forecast", Ask, ALL),
    row("plan export", Ask, HTM_IT),
    row("plan sign", Change, HTM_IT),
    row("plan decline", Change, HTM),
    row("plan remove", Change, HTM_IT),
    row("plan stated", Ask, ALL),
    row("plan limit", Change, HTM_IT),
    row("plan order", Change, HTM_IT),
    row("plan training need", Change, HTM),
    row("plan training confirm", Change, BIOMED),
    row("plan training drop", Change, HTM),
    row("plan duty add", Change, HTM),
    row("plan duty remove", Change, HTM),
    row("plan member", Change, HTM),
    row("job list", Ask, ALL),
    row("job show", Ask, ALL),
    row("job journal", Ask, ALL),
    row("job return", Grave, BIOMED),
    row("job free", Grave, BIOMED),
    row("job start", Grave, BIOMED),
    row("job done", Grave, BIOMED),
    row("job photo", Ask, ALL),
    row("job order", Ask, ALL),
    row("job retry", Grave, CARE),
    row("job assign", Change, CARE),
    row("job close", Grave, CARE),
    row("rollout show", Ask, ALL),
    row("rollout rehearsal", Ask, ALL),
    row("rollout halt", Grave, HTM_IT),
    row("rollout resume", Grave, HTM),
    row("rollout halts", Ask, ALL),
    row("rollout open", Grave, HTM),
    row("hold add", Change, BEDSIDE),
    row("hold end", Change, BEDSIDE),
    row("hold list", Ask, WARD_PAGE),
    row("handover ask", Change, BEDSIDE),
    row("handover done", Change, BIOMED),
    row("handover list", Ask, WARD_PAGE),
    row("stop now", Grave, HTM_IT),
    row("stop lift", Grave, HTM_IT),
    row("stop list", Ask, ALL),
    row("evidence export", Ask, PROOF),
    row("evidence report", Ask, PROOF),
    row("evidence table", Ask, PROOF),
    row("evidence archive", Ask, PROOF),
    row("evidence list", Ask, PROOF),
    row("evidence places", Ask, PROOF),
    row("evidence releases", Ask, PROOF),
    row("evidence check", Ask, ALL),
    row("audit list", Ask, PROOF),
    row("audit verify", Ask, PROOF),
    row("go-key show", Ask, HOUSE),
    row("go-key next", Grave, PEOPLE),
    row("ca show", Ask, HOUSE),
    row("ca next", Grave, PEOPLE),
    row("ca relay", Terminal, PEOPLE),
    row("ca finish", Grave, PEOPLE),
    row("collector list", Ask, HOUSE),
    row("backup make", Terminal, PEOPLE),
    row("backup verify", Terminal, PEOPLE),
    row("backup list", Ask, HOUSE),
    row("restore from", Terminal, PEOPLE),
    row("restore put-back", Terminal, PEOPLE),
    row("restore show", Ask, HOUSE),
    row("restore confirm", Grave, HOUSE),
    row("user list", Ask, PEOPLE),
    row("user add", Change, PEOPLE),
    row("user grant", Change, PEOPLE),
    row("user link", Change, PEOPLE),
    row("user end", Grave, PEOPLE),
    row("user keys", Ask, PEOPLE),
    row("user openid link", Change, PEOPLE),
    row("user openid unlink", Change, PEOPLE),
    row("user openid list", Ask, PEOPLE),
    row("kiosk add", Change, HTM_IT),
    row("kiosk list", Ask, HTM_IT),
    row("kiosk end", Change, HTM_IT),
    row("program add", Change, PEOPLE),
    row("program list", Ask, PEOPLE),
    row("program end", Change, PEOPLE),
    row("feed add", Change, HTM_IT),
    row("feed list", Ask, HTM_IT),
    row("feed end", Change, HTM_IT),
    row("notice webhook add", Change, HOUSE),
    row("notice mail add", Change, HOUSE),
    row("notice list", Ask, HOUSE),
    row("notice remove", Change, HOUSE),
    row("notice test", Change, HOUSE),
    row("notice outbox", Ask, HOUSE),
];

const fn row(path: &'static str, weight: Weight, roles: &'static [Role]) -> Rule {
    Rule {
        path,
        weight,
        roles,
    }
}

/// The rule of a command.
pub fn rule(path: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.path == path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_changes_anything_who_only_looks() {
        for rule in RULES {
            let looks_only = [Viewer, Auditor];
            let may = looks_only.iter().any(|role| rule.roles.contains(role));
            assert!(!may || rule.weight == Ask, "{}", rule.path);
            // The ward holds and asks, and that is all of it.
            let is_wards = ["hold add", "hold end", "handover ask"].contains(&rule.path);
            let is_list = ["hold list", "handover list"].contains(&rule.path);
            assert_eq!(
                rule.roles.contains(&Ward),
                is_wards || is_list,
                "{}",
                rule.path
            );
            assert!(!rule.roles.is_empty(), "{}", rule.path);
        }
    }
}
