//! Who may do what, said by role: the table says it by command, and both have to agree.

use super::*;
use std::collections::BTreeSet;

/// What somebody may change: `area: command, command`.
type Area = (Role, &'static str);

const CHANGES: [Area; 6] = [
    // The ward: hold, end its hold, ask for a handover.
    (
        Ward,
        "\
hold: add, end
handover: ask",
    ),
    // Technicians: what is done at the machine and the device.
    (
        Technician,
        "\
item: take, drop
oncall: heard
machine: store
asset: put, link, kind, manual, move, accept
device: watch, import, unwatch
advisory: installed
mitigation: attest
plan training: confirm
job: return, free, start, done, retry, assign, close
hold: add, end
handover: ask, done",
    ),
    // Approvers: what HTM decides, when, and in what order.
    (
        Approver,
        "\
item: take, drop, except
checklist: set, import
group: add, edit, import, remove
oncall: set, import, remove, heard
machine: store
asset: put, import, link, kind, manual, move, accept, decommission, remove
asset mapping: remove
asset baseline: put, import, remove
device: watch, import, unwatch
mds2: import, answer, class
support: put, import, remove
advisory: check, import, remove, read, comment, match, decide, undo, mark, installed
advisory alias: add, import, remove
advisory kev: import
advisory notice: add
exposure except: add, end
mitigation: add, attest, close
case: open, asked, promised, answered, document, remind, close
risk: put, import, remove
document: add
custodian: drop
vendor contact: add, import, remove
release: adopt, sbom, withdraw
window: add, once, import, change, remove
freeze: add, import, remove
freeze calendar: add, read, remove
plan: new, again, due, sign, decline, remove, limit, order, member
plan training: need, confirm, drop
plan duty: add, remove
job: return, free, start, done, retry, assign, close
rollout: halt, resume, open
hold: add, end
handover: ask, done
stop: now, lift
kiosk: add, end
feed: add, end",
    ),
    // Security: what is vulnerable and what is done about it; proposals, which approvers sign.
    (
        Security,
        "\
item: take, drop, except
oncall: heard
support: put, import, remove
advisory: check, import, remove, read, comment, match, decide, undo, mark
advisory alias: add, import, remove
advisory kev: import
advisory notice: add
exposure except: add, end
mitigation: add, attest, close
case: open, asked, promised, answered, document, remind, close
risk: put, import, remove
vendor contact: add, import, remove
plan: new",
    ),
    // IT operations: places, enrolment, imports, requests, work that failed, stops.
    (
        Operator,
        "\
item: take, drop
site: add, import, remove
unit: add, edit, import, remove
unit subnet: add, import, remove
group: add
token: new, revoke
oncall: set, import, remove, heard
machine: accept, refuse, revoke, store, not-a-clone
asset: put, import, link, kind, manual, move, remove
asset mapping: remove
mds2: import
support: put, import, remove
advisory: check, import, remove, read, comment, match, mark, installed
advisory alias: add, import, remove
advisory kev: import
advisory notice: add
mitigation: add, attest
case: open, asked, promised, answered, document, remind, close
document: add
custodian: publish, drop, export
vendor: sync
vendor contact: add, import, remove
release: import, adopt, sbom, withdraw
freeze calendar: read
plan: new, again, due, sign, remove, limit, order
job: retry, assign, close
rollout: halt
hold: add, end
handover: ask
stop: now, lift
restore: confirm
kiosk: add, end
feed: add, end
notice webhook: add
notice mail: add
notice: remove, test",
    ),
    // Administrators: people, keys, backups, the house.
    (
        Admin,
        "\
item: take, drop
site: add, import, remove
unit: add, edit, import, remove
unit subnet: add, import, remove
token: revoke
oncall: heard
mitigation: attest
go-key: next
ca: next, relay, finish
backup: make, verify
restore: from, put-back, confirm
user: add, import, grant, link, end
user openid: link, unlink
program: add, end
notice webhook: add
notice mail: add
notice: remove, test",
    ),
];

/// What not everybody is told, and who is.
const TOLD: [(&[Role], &str); 5] = [
    (
        &[Operator, Admin],
        "\
: setup
token: used, list
custodian: key
go-key: show
ca: show
collector: list
backup: list
restore: show
notice: list, outbox",
    ),
    (
        &[Approver, Operator],
        "\
custodian: draft
plan: export
kiosk: list
feed: list",
    ),
    (
        &[
            Ward, Viewer, Auditor, Technician, Approver, Security, Operator, Admin,
        ],
        "\
hold: list
handover: list",
    ),
    (
        &[Auditor, Approver, Security, Operator, Admin],
        "\
evidence: export, report, table, archive, list, places, releases
audit: list, verify",
    ),
    (
        &[Admin],
        "\
user: list, keys
user openid: list
program: list",
    ),
];

/// The commands that a text names; some have no area.
fn commands(text: &str) -> BTreeSet<String> {
    let lines = text.lines().filter_map(|line| line.split_once(": "));
    lines
        .flat_map(|(area, words)| {
            words
                .split(", ")
                .map(move |word| format!("{area} {word}").trim().to_owned())
        })
        .collect()
}

#[test]
fn everybody_changes_what_their_work_is_and_nothing_else() {
    for role in WARD_PAGE {
        let said = CHANGES.iter().find(|(of, _)| of == role);
        let said = said.map_or_else(BTreeSet::new, |(_, text)| commands(text));
        let rules = RULES.iter().filter(|rule| rule.weight != Ask);
        let has = rules.filter(|rule| rule.roles.contains(role));
        let has: BTreeSet<String> = has.map(|rule| rule.path.to_owned()).collect();
        let only = |one: &BTreeSet<String>, other: &BTreeSet<String>| -> Vec<String> {
            one.difference(other).cloned().collect()
        };
        let word = role.word();
        assert_eq!(only(&has, &said), [""; 0], "{word} may in the table alone");
        assert_eq!(only(&said, &has), [""; 0], "{word} may not in the table");
    }
}

#[test]
fn everybody_is_told_everything_but_this() {
    let mut some = BTreeSet::new();
    for (roles, text) in TOLD {
        for command in commands(text) {
            let found = rule(&command).unwrap_or_else(|| panic!("{command} is no command"));
            assert_eq!(found.roles, roles, "{command}");
            some.insert(command);
        }
    }
    for rule in RULES.iter().filter(|rule| rule.weight == Ask) {
        let all = [
            Viewer, Auditor, Technician, Approver, Security, Operator, Admin,
        ];
        if !some.contains(rule.path) {
            assert_eq!(rule.roles, all, "{}", rule.path);
        }
    }
}

#[test]
fn whoever_only_looks_changes_nothing() {
    for rule in RULES {
        let may = [Viewer, Auditor]
            .iter()
            .any(|role| rule.roles.contains(role));
        assert!(!may || rule.weight == Ask, "{}", rule.path);
        assert!(!rule.roles.is_empty(), "{}", rule.path);
    }
}
