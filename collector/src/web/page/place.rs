//! Pages that are lists and buttons, and pages of one thing: which commands tell what stands
//! there, which buttons lead on.

use super::list::asked;
use super::{Page, Shell, actions};
use crate::control::{Failure, Output};
use crate::web::answer::{self, Refusal};
use crate::web::person::Person;
use crate::web::show::listing::{self, Query};
use crate::web::show::{Block, blocks};
use crate::web::{Web, error};
use axum::extract::OriginalUri;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};

/// One part of a page: what a command tells.
struct Part {
    id: &'static str,
    title: &'static str,
    command: &'static str,
    /// The field of the command that takes what the page is about.
    about: Option<&'static str>,
}

/// A page.
struct Layout {
    path: &'static str,
    bar: &'static str,
    title: &'static str,
    intro: &'static str,
    parts: &'static [Part],
    first: &'static [&'static str],
    more: &'static [&'static str],
    /// The field of the forms that takes what the page is about.
    fills: &'static [&'static str],
}

const fn part(id: &'static str, title: &'static str, command: &'static str) -> Part {
    Part {
        id,
        title,
        command,
        about: None,
    }
}

const fn about(
    id: &'static str,
    title: &'static str,
    command: &'static str,
    field: &'static str,
) -> Part {
    Part {
        id,
        title,
        command,
        about: Some(field),
    }
}

const PAGES: &[Layout] = &[
    Layout {
        path: "assets",
        bar: "/assets",
        title: "Assets",
        intro: "Machines, medical devices, and what of the hospital's list is covered by neither.",
        parts: &[
            part("machines", "Machines", "machine list"),
            part("waiting", "Waiting to be accepted", "machine waiting"),
            part("assets", "The hospital's list", "asset list"),
            part("devices", "Medical devices", "device list"),
            part("gaps", "Not covered", "asset gaps"),
            part("drift", "Elsewhere than they belong", "asset drift"),
        ],
        first: &[
            "component search",
            "asset import",
            "asset put",
            "asset link",
        ],
        more: &[
            "machine accept",
            "machine refuse",
            "machine store",
            "machine revoke",
            "machine not-a-clone",
            "asset move",
            "asset accept",
            "asset decommission",
            "asset remove",
            "asset kind",
            "asset manual",
            "asset suggest",
            "asset mapping list",
            "asset mapping remove",
            "asset baseline list",
            "asset baseline put",
            "asset baseline remove",
            "asset export",
            "device watch",
            "device unwatch",
            "machine with",
            "component diff",
            "component sbom",
            "mds2 list",
            "mds2 check",
            "mds2 import",
            "mds2 answer",
            "mds2 class",
            "mds2 show",
            "mds2 verdict",
            "mds2 original",
            "support list",
            "support due",
            "support put",
            "support remove",
        ],
        fills: &[],
    },
    Layout {
        path: "updates",
        bar: "/updates",
        title: "Updates",
        intro: "What vendors published, who vouches for it, and who needs it.",
        parts: &[
            part("releases", "Releases", "release list"),
            part("vendors", "Vendors", "vendor list"),
            part(
                "custodian",
                "Waiting for the custodian's key",
                "custodian waiting",
            ),
        ],
        first: &["vendor sync", "release adopt", "release show", "plan new"],
        more: &[
            "release withdraw",
            "release sbom",
            "custodian draft",
            "custodian publish",
            "custodian drop",
            "custodian key",
            "document list",
            "document add",
            "vendor contact list",
            "vendor contact add",
            "vendor contact remove",
        ],
        fills: &[],
    },
    Layout {
        path: "exposure",
        bar: "/exposure",
        title: "Exposure",
        intro: "What is vulnerable, how urgent it is and why, and whose move it is.",
        parts: &[
            part("exposure", "Open, the most urgent first", "exposure list"),
            part("matches", "Matches", "advisory matches"),
            part("advisories", "Advisories", "advisory list"),
            part("mitigations", "Mitigations", "mitigation list"),
            part("exceptions", "Exceptions", "exposure except list"),
            part("cases", "Vendors' cases", "case list"),
            part("risks", "Risk assessments", "risk list"),
        ],
        first: &[
            "advisory import",
            "advisory decide",
            "mitigation add",
            "exposure except add",
        ],
        more: &[
            "advisory kev import",
            "advisory notice add",
            "advisory mark",
            "advisory installed",
            "advisory match",
            "advisory decisions",
            "advisory undo",
            "advisory alias list",
            "advisory alias suggest",
            "advisory alias add",
            "advisory alias remove",
            "advisory read",
            "advisory comment",
            "advisory diff",
            "advisory remove",
            "exposure except end",
            "mitigation attest",
            "mitigation close",
            "case open",
            "case asked",
            "case promised",
            "case answered",
            "case document",
            "case remind",
            "case close",
            "case letter",
            "case kept",
            "exposure show",
            "risk put",
            "risk show",
            "risk remove",
        ],
        fills: &[],
    },
    Layout {
        path: "windows",
        bar: "/windows",
        title: "Windows",
        intro: "When work may be done in a unit, and when none starts.",
        parts: &[
            part("windows", "Windows", "window list"),
            part("freezes", "Freezes", "freeze list"),
            part("calendars", "Calendars of freezes", "freeze calendar list"),
        ],
        first: &["window add", "window once", "freeze add", "window preview"],
        more: &[
            "window change",
            "window remove",
            "window export",
            "freeze remove",
            "freeze calendar add",
            "freeze calendar read",
            "freeze calendar remove",
        ],
        fills: &[],
    },
    Layout {
        path: "plan",
        bar: "/plan",
        title: "Plan",
        intro: "Rollouts written out in full: which release, which machines, which minutes. Nothing \
                happens before enough approvers signed.",
        parts: &[
            part("plans", "Plans", "plan list"),
            part("stated", "What plans are made and judged by", "plan stated"),
        ],
        first: &["plan new", "plan sign"],
        more: &[
            "plan limit",
            "plan order",
            "plan training need",
            "plan training confirm",
            "plan training drop",
            "plan duty add",
            "plan duty remove",
            "plan member",
            "checklist show",
            "checklist set",
        ],
        fills: &[],
    },
    Layout {
        path: "rollouts",
        bar: "/rollouts",
        title: "Rollouts",
        intro: "What runs, what waits, and what went wrong.",
        parts: &[
            part("stops", "Stops in force", "stop list"),
            part("halts", "Halts", "rollout halts"),
            part("holds", "\"Not now\" of the wards", "hold list"),
            part("handovers", "Handovers that wards ask for", "handover list"),
            part("jobs", "Jobs", "job list"),
            part("plans", "Plans", "plan list"),
        ],
        first: &["stop now", "stop lift", "rollout resume"],
        more: &[
            "rollout halt",
            "rollout open",
            "rollout rehearsal",
            "hold add",
            "hold end",
            "handover ask",
            "handover done",
            "job return",
            "job free",
            "job start",
            "job done",
            "job retry",
            "job assign",
            "job close",
            "job order",
            "job photo",
            "job journal",
            "oncall calls",
            "oncall heard",
        ],
        fills: &[],
    },
    Layout {
        path: "evidence",
        bar: "/evidence",
        title: "Evidence",
        intro: "What proves an outcome: versions measured before and after, boots, signatures. A \
                pack is checked with `patchward-sign verify-evidence` and the hospital root, \
                without this collector.",
        parts: &[
            part("plans", "Plans, each with its pack", "plan list"),
            part("jobs", "Jobs, each with its pack", "job list"),
        ],
        first: &["evidence export", "audit verify"],
        more: &[],
        fills: &[],
    },
    Layout {
        path: "audit",
        bar: "/audit",
        title: "Audit",
        intro: "Every change with who made it, chained by hashes. The head goes to machines and \
                into every pack, so a log that was cut is found out.",
        parts: &[
            part("whole", "Is it whole?", "audit verify"),
            part("audit", "The last changes", "audit list"),
        ],
        first: &["audit list"],
        more: &[],
        fills: &[],
    },
    Layout {
        path: "settings",
        bar: "/settings",
        title: "Settings",
        intro: "People, places, signed documents, and how machines join.",
        parts: &[
            part("people", "People", "user list"),
            part("keys", "Keys that wait for a registrar", "user keys"),
            part("kiosks", "The ward's links", "kiosk list"),
            part("sites", "Sites", "site list"),
            part("units", "Units", "unit list"),
            part("groups", "Coverage groups", "group list"),
            part("tokens", "Enrolment tokens", "token list"),
            part("documents", "Signed documents", "document list"),
            part("oncall", "Who is called at night", "oncall list"),
        ],
        first: &["user add", "kiosk add", "unit add", "token new"],
        more: &[
            "user grant",
            "user link",
            "user end",
            "kiosk end",
            "site add",
            "site remove",
            "unit edit",
            "unit remove",
            "unit subnet list",
            "unit subnet add",
            "unit subnet remove",
            "group add",
            "group edit",
            "group remove",
            "token revoke",
            "document add",
            "oncall set",
            "oncall remove",
            "vendor list",
        ],
        fills: &[],
    },
];

const DETAILS: &[Layout] = &[
    Layout {
        path: "assets/machine",
        bar: "/assets",
        title: "Machine",
        intro: "",
        parts: &[
            about("machine", "", "machine show", "machine"),
            about("exposure", "Exposure", "exposure list", "machine"),
            about("matches", "Advisories", "advisory matches", "machine"),
            about("jobs", "Jobs", "job list", "machine"),
            about("idle", "When it is idle", "machine idle", "machine"),
            about("components", "Components", "machine components", "machine"),
        ],
        first: &["item except", "component diff", "component sbom"],
        more: &[
            "machine accept",
            "machine store",
            "machine revoke",
            "machine not-a-clone",
            "hold add",
            "hold end",
            "handover ask",
            "handover done",
        ],
        fills: &["machine"],
    },
    Layout {
        path: "assets/asset",
        bar: "/assets",
        title: "Asset",
        intro: "",
        parts: &[
            about("asset", "", "asset show", "tag"),
            about("matches", "Advisories", "advisory matches", "asset"),
            about("exposure", "Exposure", "exposure list", "asset"),
        ],
        first: &["asset link", "asset move", "asset accept"],
        more: &[
            "asset put",
            "asset kind",
            "asset manual",
            "asset decommission",
            "asset remove",
            "advisory installed",
            "device watch",
            "device unwatch",
            "plan member",
        ],
        fills: &["tag", "asset"],
    },
    Layout {
        path: "assets/device",
        bar: "/assets",
        title: "Medical device",
        intro: "",
        parts: &[about("device", "", "device show", "tag")],
        first: &["device watch", "device unwatch"],
        more: &[],
        fills: &["tag"],
    },
    Layout {
        path: "assets/model",
        bar: "/assets",
        title: "Model",
        intro: "",
        parts: &[
            about(
                "verdict",
                "May it be bought, may it be patched?",
                "mds2 verdict",
                "model",
            ),
            about("answers", "What its vendor answers", "mds2 show", "model"),
            about("exposure", "Exposure", "exposure list", "model"),
        ],
        first: &["mds2 import", "mds2 answer", "risk put"],
        more: &["mds2 original"],
        fills: &["model"],
    },
    Layout {
        path: "unit",
        bar: "/windows",
        title: "Unit",
        intro: "",
        parts: &[
            about("preview", "The next openings", "window preview", "unit"),
            about("windows", "Windows", "window list", "unit"),
            about("machines", "Machines", "machine list", "unit"),
            about("assets", "The hospital's list", "asset list", "unit"),
            about("items", "What is open here", "item list", "unit"),
            about("holds", "\"Not now\" of the ward", "hold list", "unit"),
            about("exposure", "Exposure", "exposure list", "unit"),
        ],
        first: &["window add", "window once", "freeze add", "kiosk add"],
        more: &[
            "hold add",
            "hold end",
            "unit edit",
            "unit subnet add",
            "group add",
            "token new",
            "window export",
        ],
        fills: &["unit", "name"],
    },
    Layout {
        path: "rollouts",
        bar: "/rollouts",
        title: "Rollout",
        intro: "",
        parts: &[
            about("rollout", "", "rollout show", "plan"),
            about("jobs", "Jobs", "job list", "plan"),
        ],
        first: &[
            "rollout halt",
            "rollout resume",
            "rollout open",
            "evidence export",
        ],
        more: &["rollout rehearsal"],
        fills: &["plan"],
    },
    Layout {
        path: "job",
        bar: "/rollouts",
        title: "Job",
        intro: "",
        parts: &[
            about("job", "", "job show", "job"),
            about("journal", "What the machine recorded", "job journal", "job"),
        ],
        first: &["job return", "job retry", "job close", "evidence export"],
        more: &[
            "job free",
            "job start",
            "job done",
            "job assign",
            "job order",
            "job photo",
        ],
        fills: &["job"],
    },
    Layout {
        path: "exposure/advisory",
        bar: "/exposure",
        title: "Advisory",
        intro: "",
        parts: &[
            about("advisory", "", "advisory show", "id"),
            about(
                "matches",
                "Where it meets us",
                "advisory matches",
                "advisory",
            ),
            about("exposure", "How urgent", "exposure list", "advisory"),
            about("mitigations", "Mitigations", "mitigation list", "advisory"),
            about(
                "exceptions",
                "Exceptions",
                "exposure except list",
                "advisory",
            ),
        ],
        first: &[
            "advisory decide",
            "mitigation add",
            "exposure except add",
            "advisory mark",
        ],
        more: &[
            "advisory read",
            "advisory comment",
            "advisory diff",
            "advisory match",
            "advisory remove",
            "case open",
        ],
        fills: &["id", "ids", "about"],
    },
    Layout {
        path: "exposure/mitigation",
        bar: "/exposure",
        title: "Mitigation",
        intro: "",
        parts: &[about("mitigation", "", "mitigation show", "number")],
        first: &["mitigation attest", "mitigation close"],
        more: &[],
        fills: &["number"],
    },
    Layout {
        path: "exposure/case",
        bar: "/exposure",
        title: "Vendor's case",
        intro: "",
        parts: &[about("case", "", "case show", "number")],
        first: &[
            "case asked",
            "case promised",
            "case answered",
            "case letter",
        ],
        more: &["case document", "case kept", "case remind", "case close"],
        fills: &["number"],
    },
];

/// One of the pages of the bar.
pub async fn show(
    State(web): State<Web>,
    person: Person,
    Path(page): Path<String>,
    OriginalUri(uri): OriginalUri,
) -> Response {
    match PAGES.iter().find(|layout| layout.path == page) {
        Some(layout) => laid_out(&web, &person, layout, None, &asked(&uri)).await,
        None => error::no_page(State(web), Some(person.0)).await,
    }
}

/// The page of one thing.
pub async fn detail(
    State(web): State<Web>,
    person: Person,
    Path((page, id)): Path<(String, String)>,
    OriginalUri(uri): OriginalUri,
) -> Response {
    match DETAILS.iter().find(|layout| layout.path == page) {
        Some(layout) => laid_out(&web, &person, layout, Some(&id), &asked(&uri)).await,
        None => error::no_page(State(web), Some(person.0)).await,
    }
}

/// The page of one thing of one kind.
pub async fn detail_of_kind(
    state: State<Web>,
    person: Person,
    Path((page, kind, id)): Path<(String, String, String)>,
    uri: OriginalUri,
) -> Response {
    detail(state, person, Path((format!("{page}/{kind}"), id)), uri).await
}

async fn laid_out(
    web: &Web,
    person: &Person,
    layout: &Layout,
    about: Option<&str>,
    query: &Query,
) -> Response {
    let mut parts = Vec::new();
    for part in layout.parts {
        let given: Vec<(&str, &str)> = part.about.zip(about).into_iter().collect();
        let told = answer::tell(web, person, part.command, &given).await;
        match told {
            Ok(output) => {
                if let Some(file) = csv(query, part.id, &output) {
                    return file;
                }
                let shown = blocks(part.id, part.title, output, query);
                parts.extend(shown);
            }
            // Who may not see a list has a page without it.
            Err(Refusal::Forbidden(_)) => {}
            // The first part is the thing itself: without it there is no page.
            Err(refusal) if about.is_some() && parts.is_empty() => {
                let text = refusal.text().to_owned();
                return error::page(Some(person), &Failure::not_found(text));
            }
            Err(refusal) => parts.push(Block::Text(vec![refusal.text().to_owned()])),
        }
    }
    let title = match about {
        Some(about) => format!("{} {about}", layout.title),
        None => layout.title.to_owned(),
    };
    let known: Vec<String> = about
        .iter()
        .flat_map(|about| {
            let fields = layout.fills.iter();
            fields.map(move |field| format!("{field}={}", listing::encoded(about)))
        })
        .collect();
    let known = known.join("&");
    Page {
        shell: Shell::new(&title, layout.bar, Some(person)),
        intro: layout.intro.to_owned(),
        actions: actions(person, layout.first, &known, &query.path),
        parts,
        more: actions(person, layout.more, &known, &query.path),
    }
    .shown()
}

/// The file of a list, where the address asks for this one.
pub fn csv(query: &Query, id: &str, output: &Output) -> Option<Response> {
    let wanted = query.value("csv")?;
    let table = match output {
        Output::Table(table) if wanted == id => table,
        Output::Report(report) => {
            let name = wanted.strip_prefix(id)?.strip_prefix('-')?;
            &report.lists.iter().find(|(known, _)| known == name)?.1
        }
        _ => return None,
    };
    let bytes = listing::sheet(wanted, table.clone(), query);
    let kind = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{wanted}.csv\""),
        ),
    ];
    Some((kind, bytes).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::{Weight, access::RULES};
    use crate::web::form::Form;
    use std::collections::BTreeSet;

    #[test]
    fn every_part_and_button_is_a_command() {
        for layout in PAGES.iter().chain(DETAILS) {
            for part in layout.parts {
                let form = Form::of(part.command).unwrap_or_else(|| panic!("{}", part.command));
                assert_eq!(form.rule.weight, Weight::Ask, "{}", part.command);
                if let Some(field) = part.about {
                    assert!(form.field(field).is_some(), "{} {field}", part.command);
                }
            }
            for path in layout.first.iter().chain(layout.more) {
                assert!(Form::of(path).is_some(), "{path}");
            }
        }
    }

    #[test]
    fn every_command_is_on_a_page() {
        let on_pages: BTreeSet<&str> = PAGES
            .iter()
            .chain(DETAILS)
            .flat_map(|layout| {
                let parts = layout.parts.iter().map(|part| part.command);
                parts
                    .chain(layout.first.iter().copied())
                    .chain(layout.more.iter().copied())
            })
            // Those of pages with a shape of their own.
            .chain([
                "today",
                "item take",
                "item drop",
                "plan show",
                "plan check",
                "plan forecast",
                "plan again",
                "plan due",
                "plan export",
                "plan remove",
            ])
            .collect();
        let left: Vec<&str> = RULES
            .iter()
            .filter(|rule| rule.weight != Weight::Terminal)
            .map(|rule| rule.path)
            .filter(|path| !on_pages.contains(path))
            .collect();
        assert_eq!(left, Vec::<&str>::new());
    }
}
