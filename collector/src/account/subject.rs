//! What a field of a command speaks of, so that it is known whose unit a command concerns.
//!
//! A role for single units reaches as far as these words say. A field that is not decided here
//! fails a test before it can be guessed at.

/// What is named in a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A unit.
    Unit,
    /// A machine, by name or id.
    Machine,
    /// An asset of the list, by its tag.
    Asset,
    /// An asset that may be new: then its unit is the one that is named with it.
    AssetToBe,
    /// A job, by the first digits of its id.
    Job,
    /// A plan, by the first digits of its id.
    Plan,
    /// An open item, by its key.
    Item,
    /// A coverage group.
    Group,
    /// A window.
    Window,
    /// A freeze.
    Freeze,
    /// A calendar of freezes.
    Calendar,
    /// A ward's link.
    Kiosk,
    /// A secret address.
    Feed,
    /// Something of the whole hospital: a site, a vendor, everything.
    Hospital,
    /// Nothing that has a unit: words, times, numbers.
    Words,
}

use Subject::{
    Asset, AssetToBe, Calendar, Feed, Freeze, Group, Hospital, Item, Job, Kiosk, Machine, Plan,
    Unit, Window, Words,
};

/// Fields that mean something else in one command than elsewhere.
const OWN: &[(&str, &str, Subject)] = &[
    ("asset put", "tag", AssetToBe),
    ("component diff", "from", Words),
    ("device unwatch", "by", Machine),
    ("device watch", "by", Machine),
    ("feed end", "name", Feed),
    ("freeze calendar read", "name", Calendar),
    ("freeze calendar remove", "name", Calendar),
    ("freeze remove", "name", Freeze),
    ("group edit", "name", Group),
    ("group remove", "name", Group),
    ("kiosk end", "name", Kiosk),
    ("rollout resume", "model", Hospital),
    ("rollout resume", "release", Hospital),
    ("stop lift", "stop", Hospital),
    ("stop now", "release", Hospital),
    ("stop now", "vendor", Hospital),
    ("window change", "name", Window),
    ("window remove", "name", Window),
];

/// Fields that mean one thing in every other command.
const EVERYWHERE: &[(&str, Subject)] = &[
    ("all", Hospital),
    ("asset", Asset),
    ("assets", Asset),
    ("group", Group),
    ("item", Item),
    ("job", Job),
    ("machine", Machine),
    ("machines", Machine),
    ("other", Machine),
    ("plan", Plan),
    ("server", Machine),
    ("site", Hospital),
    ("tag", Asset),
    ("unit", Unit),
    ("units", Unit),
];

/// Fields that name nothing that has a unit.
const PLAIN: &[&str] = &[
    "about",
    "accept_empty",
    "advisory",
    "affected",
    "after",
    "after_minutes",
    "answer",
    "any_version",
    "at",
    "backup",
    "baseline",
    "before",
    "by",
    "canaries",
    "category",
    "changed_since",
    "check",
    "checks",
    "class",
    "clears",
    "component",
    "components",
    "contact",
    "control",
    "criticality",
    "cron",
    "cve",
    "cves",
    "database",
    "day_offset",
    "days",
    "decision",
    "done",
    "dry_run",
    "due",
    "during",
    "emergency",
    "encoding",
    "end",
    "ends",
    "every_minutes",
    "exploited",
    "failed",
    "failure_limit",
    "file",
    "files",
    "for_minutes",
    "form",
    "from",
    "from_advisory",
    "growth",
    "head",
    "history",
    "hours",
    "id",
    "ids",
    "in_seconds",
    "install_minutes",
    "interlock",
    "keep",
    "key",
    "kilobytes_per_second",
    "kind",
    "kinds",
    "last",
    "leave_behind",
    "level",
    "link",
    "location",
    "manufacturer",
    "map",
    "mapping",
    "mark",
    "means",
    "minimum_ready",
    "minutes",
    "mitigation",
    "mode",
    "model",
    "models",
    "name",
    "namespace",
    "needs_person",
    "no_valid_from",
    "no_valid_until",
    "nobody",
    "not_affected",
    "number",
    "of_patching",
    "of_waiting",
    "on",
    "out",
    "overrides",
    "owner",
    "parallel",
    "photo",
    "probe",
    "product",
    "published_since",
    "publisher",
    "publisher_category",
    "purl",
    "question",
    "raised",
    "reached_by",
    "ready",
    "reason",
    "release",
    "released",
    "releases",
    "remove",
    "repository",
    "request",
    "review",
    "role",
    "save_mapping",
    "search",
    "separator",
    "serial",
    "serials",
    "severity",
    "share_percent",
    "skip_bad_rows",
    "soak_minutes",
    "soak_seconds",
    "software_version",
    "sort",
    "source",
    "spare_slots",
    "state",
    "status",
    "step",
    "steps",
    "subject",
    "switched_off_counts",
    "text",
    "thing",
    "title",
    "to",
    "tracking_version",
    "udi",
    "unread",
    "until",
    "url",
    "valid_from",
    "valid_until",
    "vendor",
    "version",
    "versions",
    "wave",
    "what",
    "who",
    "why",
    "within",
    "without",
    "words",
    "work_order",
    "zone",
];

/// What is named in `field` of the command `path`; `None` where nobody has decided.
pub fn subject(path: &str, field: &str) -> Option<Subject> {
    let own = OWN
        .iter()
        .find(|(of, name, _)| *of == path && *name == field);
    let everywhere = EVERYWHERE.iter().find(|(name, _)| *name == field);
    let plain = PLAIN.contains(&field).then_some(Words);
    own.map(|(_, _, subject)| *subject)
        .or(everywhere.map(|(_, subject)| *subject))
        .or(plain)
}
