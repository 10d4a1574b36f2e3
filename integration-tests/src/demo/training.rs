//! What `--stay` leaves for people to try: a draft that waits for a signature and goes through
//! once it has it, and accounts.

use super::script::Script;
use super::{STATIONS, UNIT, planned};
use crate::hospital::Hospital;
use anyhow::{Context as _, ensure};

/// As long as the links are good, and as a window may be: whoever comes back after lunch signs
/// a plan that has slots left.
const WINDOW_MINUTES: &str = "1439";
/// What the draft brings.
const VERSION: &str = "4.2.2";

/// The one-time links of those who come to look.
#[derive(Clone, Debug)]
pub struct Links {
    /// Of Ada, for whose signature the draft waits.
    pub ada: String,
    /// Of Ben, an approver too.
    pub ben: String,
    /// Of Adam, the administrator.
    pub administrator: String,
    /// What the draft is called.
    pub draft: String,
}

/// Leaves a draft for the stations on which it will go through, and makes the accounts.
pub(super) fn prepared(script: &mut Script, hospital: &mut Hospital) -> anyhow::Result<Links> {
    let window = [
        "window",
        "once",
        "today",
        "--unit",
        UNIT,
        "--minutes",
        WINDOW_MINUTES,
    ];
    hospital.ask(&window)?;
    let healthy = [STATIONS[0], STATIONS[1], STATIONS[3]];
    let machines = healthy.iter().flat_map(|name| ["--machine", name]);
    let arguments: Vec<&str> = machines
        .chain(["--canaries", "1", "--growth", "3"])
        .collect();
    let plan = planned(script, hospital, VERSION, 3, &arguments)?;
    let draft = waiting(hospital, &plan, healthy.len())?;
    let links = Links {
        ada: link(hospital, "ada", "Ada, HTM", "approver")?,
        ben: link(hospital, "ben", "Ben, HTM", "approver")?,
        // The link that `init` gave makes the first account, and these are there before it.
        administrator: link(hospital, "adam", "Adam, IT", "admin")?,
        draft,
    };
    script.says("It waits for the signature of Ada; she, Ben and an administrator have accounts of the page.");
    script.shows(&hospital.ask(&["user", "list"])?);
    Ok(links)
}

/// Looks that nothing but a signature is missing; the draft's title.
fn waiting(hospital: &Hospital, plan: &str, machines: usize) -> anyhow::Result<String> {
    let shown = hospital.ask_json(&["plan", "show", plan])?;
    let planned = shown["machines"].as_array().map_or(0, Vec::len);
    ensure!(
        shown["state"] == "draft" && shown["whose_move"] == "HTM" && planned == machines,
        "the draft does not wait for a signature alone: {shown}"
    );
    let findings = hospital.ask_json(&["plan", "check", plan])?;
    let blocking = findings.as_array().context("the draft's findings")?;
    let blocking = blocking.iter().find(|found| found["finding"] == "blocks");
    ensure!(blocking.is_none(), "it cannot be signed: {blocking:?}");
    let title = shown["title"].as_str();
    Ok(title.context("the draft has a title")?.to_owned())
}

/// Makes an account and gives back the link with which its person begins.
fn link(hospital: &Hospital, name: &str, title: &str, role: &str) -> anyhow::Result<String> {
    let add = ["user", "add", name, "--title", title, "--role", role];
    let added = hospital.ask_json(&add)?;
    let link = added["link"].as_str();
    Ok(link.context("`user add` tells a link")?.to_owned())
}
