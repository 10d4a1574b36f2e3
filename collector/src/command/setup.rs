//! `setup`: the first day, step by step, and what the firewall must let through.

use crate::account::Role;
use crate::app::App;
use crate::authority;
use crate::calls::Lists;
use crate::config::SecondFactor;
use crate::control::{Cell, Failure, Output, Report, Table};
use crate::setup::sheet::{self, Asked};
use crate::setup::{self, AccountFacts, Facts, NoticeFacts, Progress, UnitFacts};
use crate::store::View;
use crate::store::documents::DocumentKind;
use crate::store::notices::Way;
use crate::store::setup::UnitCounts;
use crate::store::windows::{Opening, Window};
use patchward_common::id::Name;
use patchward_common::time::{MINUTE_MS, UtcMs};
use patchward_common::trust::roster::{Class, GoKey, Roster, SigningRole};
use std::collections::{BTreeMap, BTreeSet};

/// Tells how far the first day is.
pub(super) async fn run(app: &App) -> Result<Output, Failure> {
    let now = app.now();
    let mut view = app.store.view().await?;
    let facts = facts(app, &mut view, now).await?;
    let asked = asked(app, &mut view).await?;
    let steps = setup::steps(&facts, now);
    let progress = Progress::of(&steps);
    let parts = [
        ("done", Cell::Number(progress.done as i64)),
        ("of", Cell::Number(progress.of as i64)),
        ("next", Cell::maybe(progress.next.map(|step| step.title))),
        (
            "whose_move",
            Cell::maybe(progress.next.map(|step| step.whose.words())),
        ),
    ];
    let mut table = Table::new(&STEPS);
    for step in &steps {
        let words = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        table.row(vec![
            Cell::of(step.title),
            Cell::of(step.state.word()),
            Cell::of(&step.found),
            Cell::of(step.whose.words()),
            Cell::maybe(words(&step.todo)),
            Cell::maybe(words(step.page)),
            Cell::maybe(words(&step.typed)),
        ]);
    }
    let report = Report::new(parts, progress.text());
    let report = report.with("steps", table);
    Ok(Output::Report(report.with("firewall_sheet", rules(&asked))))
}

/// The columns of the steps.
const STEPS: [&str; 7] = [
    "step",
    "state",
    "found",
    "whose_move",
    "to_do",
    "on_the_page",
    "typed",
];

fn rules(asked: &Asked) -> Table {
    let mut table = Table::new(&[
        "direction",
        "protocol",
        "port",
        "from",
        "to",
        "what_for",
        "named_by",
    ]);
    for rule in sheet::sheet(asked) {
        table.row(vec![
            Cell::of(rule.direction.word()),
            Cell::of(rule.protocol),
            Cell::Number(rule.port.into()),
            Cell::of(rule.from),
            Cell::of(rule.to),
            Cell::of(rule.what),
            Cell::of(rule.named_by),
        ]);
    }
    table.note = Some(
        "Made from the settings as they run and from what is called now. Agents listen nowhere: \
         each calls the collector. Which ports a machine needs to ask the medical device beside it \
         stands in that machine's own files and is not seen from here."
            .to_owned(),
    );
    table
}

async fn facts(app: &App, view: &mut View, now: UtcMs) -> Result<Facts, Failure> {
    let mut facts = Facts {
        go_key: (app.settings.name.to_string(), app.go_key().to_string()),
        page: app.settings.web_listen.is_some(),
        factor_required: app.settings.second_factor == SecondFactor::Required,
        ..Facts::default()
    };
    documents(app, view, &mut facts, now).await?;
    let units = view.units().await?;
    for site in view.sites().await? {
        let of_site = units.iter().filter(|unit| unit.site == site.name);
        facts.sites.push((site.name.to_string(), of_site.count()));
    }
    facts.units = of_units(view, units.into_iter().map(|unit| unit.name), now).await?;
    let (machines, others) = view.asset_counts().await?;
    facts.assets = machines + others;
    facts.waiting = view.enrolments_waiting().await?.len();
    let [recent @ .., _never] = view.heard_since([UtcMs(0); 4]).await?;
    facts.heard = recent.iter().any(|count| *count > 0);
    for vendor in view.vendors().await? {
        let was_read = view.fetched_at(&vendor.repository).await?.is_some();
        facts.vendors.push((vendor.name.to_string(), was_read));
    }
    facts.accounts = accounts(view).await?;
    let reached = view.notices_reach().await?;
    for target in view.notice_targets().await? {
        let one = reached.iter().find(|one| one.target == target.name);
        facts.notices.push(NoticeFacts {
            name: target.name.to_string(),
            has_arrived: one.is_some_and(|one| one.delivered_at.is_some()),
            problem: one.and_then(|one| one.problem.clone()),
        });
    }
    Ok(facts)
}

/// What is signed, as far as it can be followed; what cannot is not there.
async fn documents(
    app: &App,
    view: &mut View,
    facts: &mut Facts,
    now: UtcMs,
) -> Result<(), Failure> {
    let charter = match authority::chain(view).await? {
        Some(chain) => chain.newest().ok(),
        None => None,
    };
    let Some(charter) = charter else {
        return Ok(());
    };
    facts.charter_until = Some(charter.expires);
    let registrars = charter.registrars.iter();
    facts.registrars = registrars.map(|one| one.name.to_string()).collect();
    let held = match view.newest(DocumentKind::Roster).await? {
        // One that no registrar of the charter signed counts nowhere.
        Some(_) => authority::held(view).await.ok(),
        None => None,
    };
    let Some(held) = held else {
        return Ok(());
    };
    let roster: &Roster = &held.roster;
    facts.roster_until = Some(roster.expires);
    let is_own = |key: &GoKey| {
        key.collector == app.settings.name
            && key.from <= now
            && now < key.until
            && key.key == app.go_key()
    };
    facts.go_key_is_named = roster.go_keys.iter().any(is_own);
    // A machine without a place counts as life support, so assigning asks for as many.
    facts.signers = roster.quorum(Class::LifeSupport).people;
    let mut known = BTreeSet::new();
    for person in &roster.people {
        known.extend(person.keys.iter().map(|key| key.key.to_string()));
        if person.roles.contains(&SigningRole::Approver) {
            let keys = person.keys.iter();
            let counting = keys.filter(|key| key.from <= now && now < key.until);
            let name = person.id.to_string();
            facts.approvers.push((name, counting.count()));
        }
    }
    let asked = view.key_requests().await?;
    let waiting = asked.iter().filter(|asked| !known.contains(&asked.key));
    facts.keys_asked = waiting.count();
    Ok(())
}

async fn of_units(
    view: &mut View,
    names: impl Iterator<Item = Name>,
    now: UtcMs,
) -> Result<Vec<UnitFacts>, Failure> {
    let counts = view.unit_counts().await?.into_iter();
    let counts: BTreeMap<Name, UnitCounts> = counts.map(|one| (one.unit.clone(), one)).collect();
    let windows = view.windows(None).await?;
    let windows = windows.iter().filter(|window| opens(window, now));
    let windows: BTreeSet<&Name> = windows.map(|window| &window.unit).collect();
    let tokens = view.tokens().await?;
    let counting = tokens.iter().filter(|token| {
        token.revoked_at.is_none() && token.uses_left > 0 && now < token.expires_at
    });
    let tokens: BTreeSet<&Name> = counting.map(|token| &token.unit).collect();
    let lists = Lists::read(view).await?;
    let of_unit = |name: Name| {
        let unit = UnitFacts {
            has_token: tokens.contains(&name),
            has_window: windows.contains(&name),
            is_called: !lists.of_unit(&name).is_empty(),
            name: name.to_string(),
            ..UnitFacts::default()
        };
        match counts.get(&name) {
            None => unit,
            Some(counts) => UnitFacts {
                machines: counts.machines,
                unassigned: counts.unassigned,
                untold: counts.untold,
                manual: counts.manual,
                rehearsing: counts.rehearsing,
                active: counts.active,
                ..unit
            },
        }
    };
    Ok(names.map(of_unit).collect())
}

/// Whether a window is open or will be.
fn opens(window: &Window, now: UtcMs) -> bool {
    match &window.opening {
        Opening::Cron(_) => window.valid_until.is_none_or(|until| now < until),
        Opening::Once(at) => now < at.plus_ms(i64::from(window.minutes) * MINUTE_MS),
    }
}

async fn accounts(view: &mut View) -> Result<Vec<AccountFacts>, Failure> {
    let grants = view.grants().await?;
    let passkeys = view.passkey_counts().await?;
    let linked = view.linked_subjects().await?;
    let accounts = view.accounts().await?.into_iter();
    let counting = accounts.filter(|account| account.ended_at.is_none());
    let facts = counting.map(|account| {
        let of = grants.iter().filter(|(name, _)| *name == account.name);
        let roles: Vec<Role> = of.map(|(_, grant)| grant.role).collect();
        AccountFacts {
            name: account.name.to_string(),
            // Whoever is known to a provider needs no password, and a passkey is both factors.
            has_begun: account.password.is_some()
                || linked.iter().any(|link| link.account == account.name),
            has_factor: account.totp.is_some()
                || passkeys.iter().any(|(name, _)| *name == account.name),
            roles,
        }
    });
    Ok(facts.collect())
}

/// What the settings and the store say of the network.
async fn asked(app: &App, view: &mut View) -> Result<Asked, Failure> {
    let settings = &app.settings;
    let mut called = Vec::new();
    for vendor in view.vendors().await? {
        let what = format!("repository of {} (TUF)", vendor.name);
        called.push((what, vendor.url, "vendor list"));
    }
    if let Some(issuer) = settings.oidc_issuer.clone() {
        called.push(("OpenID provider".to_owned(), issuer, "the settings"));
    }
    for target in view.notice_targets().await? {
        // Mail goes by the server of mail.
        if target.way == Way::Webhook {
            let what = format!("webhook {}", target.name);
            called.push((what, target.place, "notice list"));
        }
    }
    for calendar in view.calendars().await? {
        let what = format!("calendar of freezes {}", calendar.name);
        called.extend(
            calendar
                .place
                .map(|url| (what, url, "freeze calendar list")),
        );
    }
    // What is no URL is a folder of this computer, or what a browser once sent.
    called.retain(|(_, url, _)| url.contains("://"));
    let subnets = view.unit_subnets().await?.into_iter();
    Ok(Asked {
        listen: settings.listen.to_string(),
        listen_tcp: settings.listen_tcp,
        addresses: settings.addresses.clone(),
        relays: settings
            .relays
            .iter()
            .map(|relay| (relay.name.to_string(), relay.address.clone()))
            .collect(),
        page: settings.web_listen.map(|address| address.to_string()),
        database: settings.database.clone(),
        smtp: settings.smtp_server.clone(),
        subnets: subnets
            .map(|(unit, subnet)| format!("{unit} {subnet}"))
            .collect(),
        called,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_that_is_over_is_none() {
        let at = UtcMs(1_800_000_000_000);
        let once = |start: UtcMs| Window {
            id: name("w"),
            unit: name("icu"),
            opening: Opening::Once(start),
            zone: "UTC".into(),
            minutes: 60,
            day_offset: 0,
            valid_from: None,
            valid_until: None,
        };
        assert!(opens(&once(at.plus_ms(1)), at), "later");
        assert!(opens(&once(at.plus_ms(-59 * MINUTE_MS)), at), "it is open");
        assert!(!opens(&once(at.plus_ms(-60 * MINUTE_MS)), at));
        let again = |until| Window {
            opening: Opening::Cron("0 2 * * *".into()),
            valid_until: until,
            ..once(at)
        };
        assert!(opens(&again(None), at) && opens(&again(Some(at.plus_ms(1))), at));
        assert!(!opens(&again(Some(at)), at));
    }

    fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }
}
