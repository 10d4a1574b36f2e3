//! The work order of a job that people do: gathered for who stands before the device.

use super::super::machine::find;
use super::super::service;
use super::super::zones::Zones;
use super::beside::{self, StandIn};
use super::{manual, told};
use crate::app::App;
use crate::control::{Failure, Output};
use crate::store::View;
use crate::store::assets::Asset;
use crate::store::jobs::Job;
use crate::store::machines::Machine;
use crate::work_order::{Entry, Section, WorkOrder};
use patchward_common::time::UtcMs;
use patchward_common::trust::approval::{Approval, ApprovedRelease, PlanLeaf, Rollback};
use patchward_common::trust::release::{Kind, Reboot};
use patchward_common::words::counted;
use serde_bytes::ByteBuf;
use std::path::Path;

/// Digits of the job's id that stand on paper; commands take them.
const DIGITS: usize = 12;

/// The forms that an order has.
#[derive(Clone, Copy)]
enum Form {
    Csv,
    Pdf,
}

fn form(out: &Path) -> Result<Form, Failure> {
    let ending = out.extension().and_then(|ending| ending.to_str());
    match ending.map(str::to_ascii_lowercase).as_deref() {
        Some("csv") => Ok(Form::Csv),
        Some("pdf") => Ok(Form::Pdf),
        _ => Err(Failure::input(format!(
            "{}: a work order is written to a file that ends in .csv or .pdf",
            out.display()
        ))),
    }
}

pub(super) async fn run(app: &App, id: &str, out: &Path) -> Result<Output, Failure> {
    let form = form(out)?;
    let mut view = app.store.view().await?;
    let job = super::named(&mut view, id).await?;
    let job = manual::by_hand(&mut view, &job.id).await?;
    let order = gather(&mut view, &job, app.now()).await?;
    let bytes = match form {
        Form::Csv => order.csv(),
        Form::Pdf => order.pdf(),
    };
    Ok(Output::File {
        bytes: ByteBuf::from(bytes),
        text: format!(
            "{}. Begin with `job start` in the slot; record the work with `job done`.",
            order.title
        ),
    })
}

async fn gather(view: &mut View, job: &Job, now: UtcMs) -> Result<WorkOrder, Failure> {
    let machine = find(view, &job.machine.to_string()).await?;
    let (approval, leaf) = told::planned(view, job).await?;
    let zones = Zones::read(view).await?;
    let digits: String = job.id.to_string().chars().take(DIGITS).collect();
    let asset = view.asset_of(&machine.id).await?;
    let sections = vec![
        order(view, job, &digits, &approval).await?,
        device(view, &machine, asset.as_ref()).await?,
        work(view, &machine, asset.as_ref(), &approval).await?,
        slots(job, &leaf, &approval, &zones, now),
        stand_ins(view, &machine, &leaf, &approval).await?,
        steps(&approval, &digits),
        calls(view, &machine).await?,
        checklist(view, &machine).await?,
        signatures(),
    ];
    Ok(WorkOrder {
        title: format!("Work order {digits} for {}", machine.name),
        written: now,
        sections: sections
            .into_iter()
            .filter(|one| !one.entries.is_empty())
            .collect(),
    })
}

async fn order(
    view: &mut View,
    job: &Job,
    digits: &str,
    approval: &Approval,
) -> Result<Section, Failure> {
    let mut order = Section::new("Order");
    order.fact("Job", digits);
    order.fact("Plan", &approval.title);
    order.fact("State", job.state.word());
    let worker = view.manual_worker(&job.machine).await?;
    order.fact("Done by", worker.map_or("", |worker| worker.word()));
    if let Some(emergency) = &approval.emergency {
        order.fact("Emergency", &emergency.reason);
    }
    Ok(order)
}

async fn device(
    view: &mut View,
    machine: &Machine,
    asset: Option<&Asset>,
) -> Result<Section, Failure> {
    let mut device = Section::new("Device and place");
    device.fact("Device", &machine.name);
    if let Some(asset) = asset {
        device.fact("Asset tag", &asset.tag);
        device.fact("Manufacturer", &asset.manufacturer);
        device.fact("Serial number", &asset.serial);
        device.fact("UDI", &asset.udi);
        device.fact("Location", &asset.location);
    }
    device.fact("Model", &machine.model);
    device.fact("Class", machine.class.word());
    let unit = view.unit(&machine.unit).await?;
    device.fact(
        "Unit",
        unit.as_ref().map_or_else(
            || machine.unit.to_string(),
            |unit| format!("{} ({})", unit.title, unit.name),
        ),
    );
    device.fact(
        "Site",
        unit.map_or_else(String::new, |unit| unit.site.to_string()),
    );
    Ok(device)
}

/// Each product of the plan: from which version to which.
async fn work(
    view: &mut View,
    machine: &Machine,
    asset: Option<&Asset>,
    approval: &Approval,
) -> Result<Section, Failure> {
    let mut work = Section::new("Work");
    let components = match view.set_of(&machine.id).await? {
        Some(set) => view.components_of(&set.digest).await?,
        None => None,
    };
    let components = components.unwrap_or_default();
    let stated = asset.map_or("", |asset| asset.software_version.as_str());
    for release in &approval.releases {
        let product = release.release.product.as_str();
        let told = components.iter().find(|one| one.name == product);
        let now = match (told, stated) {
            (Some(component), _) => format!("{} (told by the device)", component.version),
            (None, "") => "not known: read it before you begin".to_owned(),
            (None, stated) => format!("{stated} (from the hospital's list)"),
        };
        work.fact("Product", product);
        work.fact("From version", now);
        work.fact("To version", &release.release.version);
        work.fact("Vouched for by", release.provenance.word());
        for artifact in release.artifacts() {
            work.fact(
                "File",
                format!("{} (SHA-256 {})", artifact.path, artifact.sha256),
            );
        }
        let notice = release.release.users_will_notice.as_ref();
        work.fact("Users will notice", notice.map_or("", |text| text.as_str()));
    }
    Ok(work)
}

fn slots(job: &Job, leaf: &PlanLeaf, approval: &Approval, zones: &Zones, now: UtcMs) -> Section {
    let mut slots = Section::new("When");
    let of = match &job.slot {
        Some(slot) => vec![*slot],
        None => leaf
            .slots
            .iter()
            .filter(|slot| now < slot.end())
            .copied()
            .collect(),
    };
    if of.is_empty() {
        slots.note("No slot of this plan is left: do not begin; plan it again.");
    }
    for slot in of {
        let unit = Some(&leaf.unit);
        let text = format!(
            "{} until {}",
            zones.text(unit, slot.start()),
            zones.text(unit, slot.end())
        );
        slots.fact("Slot", text);
    }
    let minutes = |ms: i64| ms / patchward_common::time::MINUTE_MS;
    slots.fact(
        "Takes up to",
        counted(minutes(approval.install_ms()), "minute", "minutes"),
    );
    let back = minutes(approval.recovery_ms());
    slots.fact(
        "Way back takes",
        format!("up to {}", counted(back, "minute", "minutes")),
    );
    slots
}

/// Those of the groups that were signed, as they stand now.
async fn stand_ins(
    view: &mut View,
    machine: &Machine,
    leaf: &PlanLeaf,
    approval: &Approval,
) -> Result<Section, Failure> {
    let mut section = Section::new("Minimum ready and stand-ins");
    let known = beside::groups(view, &machine.id, &leaf.groups).await?;
    for group in &leaf.groups {
        let signed = approval.groups.iter().find(|one| one.group == *group);
        let now = known.iter().find(|one| one.group == *group);
        // Go is given by the higher of both.
        let minimum = signed.map_or(0, |one| one.minimum_ready);
        let minimum = now.map_or(minimum, |now| now.minimum_ready.max(minimum));
        section.fact(
            &format!("Group {group}"),
            format!("{minimum} must stay ready"),
        );
        let others = now.map_or(&[][..], |now| now.stand_ins.as_slice());
        let names: Vec<String> = others.iter().map(StandIn::place).collect();
        let names = match names.is_empty() {
            true => "none".to_owned(),
            false => names.join(", "),
        };
        section.fact("Stand-ins", names);
    }
    if leaf.groups.is_empty() {
        section.note("No other machine is said to stand in for it: ask the unit first.");
    }
    Ok(section)
}

fn steps(approval: &Approval, digits: &str) -> Section {
    let mut steps = Section::new("Steps");
    let mut tick = |text: String| steps.entries.push(Entry::Tick(text));
    tick("Ask the unit that no patient depends on the device, and show the stand-in.".into());
    tick(format!(
        "Begin in the slot: job start {digits}. If it says no, do not begin."
    ));
    tick("Read the version that is there and write it down.".into());
    for release in &approval.releases {
        let (product, version) = (&release.release.product, &release.release.version);
        let way = match &release.release.kind {
            Kind::Packages(set) => format!(" ({} packages)", set.packages.len()),
            Kind::Tree(_) => String::new(),
            Kind::Recipe(recipe) => format!(" by the recipe {}", recipe.name),
        };
        tick(format!(
            "Install {product} {version}{way}, by the vendor's instructions."
        ));
        for check in &release.release.checks_after {
            tick(format!("Check afterwards: {check}"));
        }
        if let Some(restart) = restart(release) {
            tick(restart.into());
        }
    }
    tick("Read the version that is there now and write it down.".into());
    tick(format!(
        "Record it: job done {digits} --before VERSION --after VERSION --work-order NUMBER"
    ));
    for release in &approval.releases {
        if let Rollback::Release(back) = &release.rollback {
            let back = &back.release;
            steps.note(format!(
                "If it fails, go back to {} {}.",
                back.product, back.version
            ));
        }
    }
    steps
}

fn restart(release: &ApprovedRelease) -> Option<&'static str> {
    match release.release.reboot {
        Reboot::None => None,
        Reboot::Service => Some("The product's service restarts: wait until it is up."),
        Reboot::Machine => Some("The device restarts: wait until it is up."),
    }
}

async fn calls(view: &mut View, machine: &Machine) -> Result<Section, Failure> {
    let mut calls = Section::new("Who to call");
    for level in beside::calls(view, &machine.unit).await? {
        calls.fact(
            &format!("Level {}", level.level),
            format!("{}, {}", level.who, level.contact),
        );
    }
    if calls.entries.is_empty() {
        calls.note("Nobody stands on a call list for this unit (oncall set).");
    }
    Ok(calls)
}

async fn checklist(view: &mut View, machine: &Machine) -> Result<Section, Failure> {
    let mut list = Section::new("Return to service");
    let steps = service::steps(view, machine.class, Some(&machine.model)).await?;
    if steps.is_empty() {
        list.note("No checklist is set for this class and model (checklist set).");
    }
    let ticks = steps.into_iter();
    let ticks = ticks.map(|step| Entry::Tick(format!("{} [{}]", step.title, step.step)));
    list.entries.extend(ticks);
    Ok(list)
}

fn signatures() -> Section {
    let names = [
        "Version before",
        "Version after",
        "Work order number",
        "Done by (name, date, time)",
        "Signature",
        "Returned to service by HTM",
        "Signature",
    ];
    Section {
        heading: "Record and signatures".to_owned(),
        entries: names.map(|name| Entry::Field(name.to_owned())).into(),
    }
}
