//! Every open match with its priority, out of the store.

use super::by_name::ByName;
use super::holders::Holder;
use super::open::{OpenMatch, OpenMatches, open};
use super::refresh::{Unreadable, prepared};
use crate::advisory::Verdict;
use crate::advisory::entry::Outlook;
use crate::advisory::kev::Kev;
use crate::control::Failure;
use crate::exposure::letter::day;
use crate::exposure::{Counts, Criticality, Line, Open, Standing, Told};
use crate::facts;
use crate::store::View;
use crate::store::assets::Asset;
use crate::store::machines::MachineLine;
use patchward_common::facts::{Facts, Reach};
use patchward_common::id::{MachineId, Name};
use patchward_common::time::UtcMs;
use patchward_common::trust::roster::Class;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::OnceLock;

/// Every open match.
#[derive(Clone, Debug, Default)]
pub struct Exposed {
    /// The matches, the most urgent first.
    pub lines: Vec<Line>,
    /// What they were read from.
    pub open: OpenMatches,
    /// Stored advisories that cannot be read any more: what each is about stands in the lines,
    /// without its vulnerabilities.
    pub unreadable: Vec<Unreadable>,
    by_name: ByName,
    counts: OnceLock<Counts>,
}

impl Exposed {
    /// What all lines come to. They are counted once.
    pub fn counts(&self) -> Counts {
        *self
            .counts
            .get_or_init(|| Counts::of(&self.lines.iter().collect::<Vec<_>>()))
    }

    /// The lines of `machine NAME`, `asset TAG`, `advisory ID` or `unit NAME`, or all of them.
    pub fn among(&self, what: Option<&str>) -> Vec<&Line> {
        self.by_name.among(&self.lines, what, |line| {
            let machine = line.machine.as_ref().map(|name| format!("machine {name}"));
            let asset = line.asset.as_ref().map(|tag| format!("asset {tag}"));
            let unit = line.unit.as_ref().map(|name| format!("unit {name}"));
            let named = [machine, asset, unit].into_iter().flatten();
            named.chain([format!("advisory {}", line.advisory)])
        })
    }
}

/// What is known of machines and assets, by name.
struct Known {
    machines: HashMap<String, MachineLine>,
    /// The name of each, by its id.
    names: HashMap<MachineId, String>,
    assets: HashMap<String, Asset>,
    /// The asset that a machine is.
    asset_of: HashMap<MachineId, String>,
    units: HashMap<Name, Class>,
    ports: HashMap<MachineId, u32>,
    /// Machines that are left as they are, in words.
    left: HashMap<MachineId, String>,
}

impl Known {
    async fn read(view: &mut View, now: UtcMs) -> Result<Self, Failure> {
        let (mut machines, mut names) = (HashMap::new(), HashMap::new());
        for (id, line) in crate::replan::enrolled(view).await? {
            names.insert(id, line.name.to_string());
            machines.insert(line.name.to_string(), line);
        }
        let assets = view.all_assets().await?;
        let asset_of = assets
            .iter()
            .filter_map(|asset| Some((asset.machine?, asset.tag.to_string())));
        let asset_of = asset_of.collect();
        let units = view.units().await?.into_iter();
        let ports = facts::of_all(view, |facts| listening(&facts)).await?;
        let mut left = view.exceptions().await?;
        left.retain(|_, exception| now < exception.until);
        let left = left
            .into_iter()
            .map(|(id, one)| (id, format!("until {}, {}", one.until, one.control)));
        Ok(Self {
            left: left.collect(),
            machines,
            names,
            assets: assets
                .into_iter()
                .map(|asset| (asset.tag.to_string(), asset))
                .collect(),
            asset_of,
            units: units.map(|unit| (unit.name, unit.class)).collect(),
            ports,
        })
    }
}

/// On how many ports a machine listens for the network; nothing where its facts do not tell.
fn listening(facts: &Facts) -> Option<u32> {
    // Where something could not be read, no port is no proof.
    if facts.ports.is_empty() && !(facts.gaps.is_empty() && facts.unfinished.is_empty()) {
        return None;
    }
    let open = facts
        .ports
        .iter()
        .filter(|port| port.reach == Reach::Network);
    u32::try_from(open.count()).ok()
}

/// A machine or asset, as a line tells it.
struct Whose {
    machine: Option<String>,
    asset: Option<String>,
    model: String,
    criticality: Criticality,
    ports: Option<u32>,
    left: Option<String>,
}

impl Whose {
    /// Of a machine or asset of which nothing else is known.
    fn unknown(holder: &Holder) -> Self {
        let called = |kind: &str| holder.name.strip_prefix(kind).map(str::to_owned);
        Self {
            machine: called("machine "),
            asset: called("asset "),
            model: String::new(),
            criticality: match holder.class {
                Some(class) => Criticality::of_machine(class),
                None => Criticality::of_asset("", None),
            },
            ports: None,
            left: None,
        }
    }
}

impl Known {
    fn whose(&self, holder: &Holder) -> Option<Whose> {
        if let Some(name) = holder.name.strip_prefix("machine ") {
            let line = self.machines.get(name)?;
            return Some(Whose {
                machine: Some(name.to_owned()),
                asset: self.asset_of.get(&line.id).cloned(),
                model: line.model.to_string(),
                criticality: Criticality::of_machine(line.class),
                ports: self.ports.get(&line.id).copied(),
                left: self.left.get(&line.id).cloned(),
            });
        }
        let asset = self.assets.get(holder.name.strip_prefix("asset ")?)?;
        let machine = asset.machine.and_then(|id| self.names.get(&id));
        let machine = machine.and_then(|name| self.machines.get(name));
        let unit = asset.unit.as_ref().and_then(|unit| self.units.get(unit));
        Some(Whose {
            machine: machine.map(|line| line.name.to_string()),
            asset: Some(asset.tag.to_string()),
            model: asset.model.clone(),
            criticality: match machine {
                Some(line) => Criticality::of_machine(line.class),
                None => Criticality::of_asset(&asset.criticality, unit.copied()),
            },
            ports: machine.and_then(|line| self.ports.get(&line.id).copied()),
            left: machine.and_then(|line| self.left.get(&line.id).cloned()),
        })
    }
}

/// What an advisory tells of one of its products; nothing where it cannot be read.
#[derive(Default)]
struct Product {
    vendor: String,
    told: Vec<Told>,
}

/// Reads all of them, so that who asks for those of one name, or what all come to, finds it at once.
pub async fn all_exposed(view: &mut View, now: UtcMs) -> Result<Exposed, Failure> {
    let exposed = exposed(view, None, now).await?;
    exposed.among(Some(""));
    exposed.counts();
    Ok(exposed)
}

/// Reads every open match of one advisory or of all, with its priority.
pub async fn exposed(
    view: &mut View,
    advisory: Option<&str>,
    now: UtcMs,
) -> Result<Exposed, Failure> {
    let open = open(view, advisory).await?;
    if open.matches.is_empty() {
        return Ok(Exposed {
            open,
            ..Exposed::default()
        });
    }
    let known = Known::read(view, now).await?;
    let (products, unreadable) = products(view, &open, now).await?;
    let nothing = Product::default();
    let in_place = in_place(&open, now);
    let mut lines = Vec::new();
    for one in &open.matches {
        let key = (one.row.advisory.clone(), one.row.product_id.clone());
        // What is open is in the list, however little is known of it.
        let product = products.get(&key).unwrap_or(&nothing);
        for holder in &one.holders {
            let whose = known.whose(holder);
            let whose = whose.unwrap_or_else(|| Whose::unknown(holder));
            let is_done = |told: &Told| {
                let (advisory, since) = (&one.row.advisory, one.row.since);
                open.done
                    .is_done_of(advisory, &told.name, &holder.name, since)
            };
            let standing = standing(&open, &in_place, one, holder, now);
            lines.push(line(one, holder, whose, product, &is_done, standing));
        }
    }
    lines.sort_by(|a, b| {
        let urgent = b.priority.cmp(&a.priority);
        urgent
            .then_with(|| a.advisory.cmp(&b.advisory))
            .then_with(|| a.holder.cmp(&b.holder))
            .then_with(|| a.thing.cmp(&b.thing))
    });
    Ok(Exposed {
        lines,
        open,
        unreadable,
        ..Exposed::default()
    })
}

/// Products by advisory and id.
type Products = BTreeMap<(String, String), Product>;

async fn products(
    view: &mut View,
    open: &OpenMatches,
    now: UtcMs,
) -> Result<(Products, Vec<Unreadable>), Failure> {
    let kev = view.exploited().await?.into_iter();
    let kev: HashMap<String, Kev> = kev.map(|one| (one.cve.clone(), one)).collect();
    let today = day(now);
    let mut wanted: BTreeMap<&str, BTreeSet<&String>> = BTreeMap::new();
    for one in &open.matches {
        let ids = wanted.entry(&one.row.advisory).or_default();
        ids.insert(&one.row.product_id);
    }
    let (mut found, mut unreadable) = (BTreeMap::new(), Vec::new());
    for row in view.advisories().await? {
        let Some(ids) = wanted.get(row.id.as_str()) else {
            continue;
        };
        let bytes = view.advisory_bytes(&row.id, row.revision).await?;
        let prepared = prepared(&row, &bytes.unwrap_or_default());
        let prepared = prepared.map_err(|why| unreadable.push(why)).ok();
        for id in ids.iter().copied() {
            let products = prepared.iter().flat_map(|read| &read.advisory.products);
            let mut of_id = products.filter(|one| one.id == *id);
            let vendor = of_id.next().map(|one| &one.vendor);
            let vendor = vendor.filter(|vendor| !vendor.is_empty());
            let told = prepared.as_ref();
            let product = Product {
                vendor: vendor.unwrap_or(&row.publisher).clone(),
                told: told.map_or_else(Vec::new, |read| Told::of_product(read, id, &kev, &today)),
            };
            found.insert((row.id.clone(), id.clone()), product);
        }
    }
    Ok((found, unreadable))
}

/// Where a mitigation is in place, by advisory.
fn in_place(open: &OpenMatches, now: UtcMs) -> HashMap<(String, String), u32> {
    let mut found = HashMap::new();
    for one in open.mitigations.iter().filter(|one| one.closed.is_none()) {
        let progress = open.progress(one, now);
        for holder in progress.covered.difference(&progress.left) {
            let key = (one.advisory.clone(), holder.clone());
            found.entry(key).or_insert(one.number);
        }
    }
    found
}

fn standing(
    open: &OpenMatches,
    in_place: &HashMap<(String, String), u32>,
    one: &OpenMatch,
    holder: &Holder,
    now: UtcMs,
) -> Standing {
    if let Some(granted) = open.exception(&one.row, holder, now) {
        return Standing::Excepted(granted.words());
    }
    let key = (one.row.advisory.clone(), holder.name.clone());
    match in_place.get(&key) {
        Some(number) => Standing::Mitigated(*number),
        None => Standing::Waiting(Line::owner(needs_person(one), has_fix(one))),
    }
}

fn needs_person(one: &OpenMatch) -> bool {
    one.row.value != Verdict::Affected.word()
}

fn has_fix(one: &OpenMatch) -> bool {
    Outlook::of_word(&one.row.outlook) == Some(Outlook::Fix)
}

fn line(
    one: &OpenMatch,
    holder: &Holder,
    whose: Whose,
    product: &Product,
    is_done: &dyn Fn(&Told) -> bool,
    standing: Standing,
) -> Line {
    let unnamed = Told::unnamed(&one.row.advisory);
    let mut told: Vec<&Told> = product.told.iter().filter(|told| !is_done(told)).collect();
    if told.is_empty() {
        // The match is open all the same: what of it is left, nobody said.
        told = product.told.iter().collect();
    }
    if told.is_empty() {
        // So it is where the advisory names no vulnerability at all.
        told.push(&unnamed);
    }
    let on = |told: &Told| told.on(whose.criticality, whose.ports);
    let open = told.into_iter().map(|told| Open {
        name: told.name.clone(),
        priority: on(told),
    });
    let mut open: Vec<Open> = open.collect();
    open.sort_by(|a, b| b.priority.cmp(&a.priority).then(a.name.cmp(&b.name)));
    let first = open.first().map(|one| one.priority.clone());
    Line {
        priority: first.unwrap_or_else(|| on(&unnamed)),
        advisory: one.row.advisory.clone(),
        holder: holder.name.clone(),
        machine: whose.machine,
        asset: whose.asset,
        unit: holder.unit.clone(),
        model: whose.model,
        vendor: product.vendor.clone(),
        thing: one.row.shown.clone(),
        needs_person: needs_person(one),
        has_fix: has_fix(one),
        since: one.row.since,
        open,
        standing,
        machine_left: whose.left,
    }
}
