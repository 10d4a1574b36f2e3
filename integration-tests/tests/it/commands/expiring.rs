//! What ends by itself: on Today, in the log once for each step, in figures, and as a notice.

use super::desk::{Desk, UNIT, add_token, enrol, machine, now};
use patchward_collector::agenda;
use patchward_collector::config::RelaySetting;
use patchward_collector::control::FailureKind::{Input, NotFound};
use patchward_collector::fleet::FleetSettings;
use patchward_collector::folder::Folder;
use patchward_collector::item::expiry::{Life, Step, What};
use patchward_collector::item::{Item, Kind, Owner};
use patchward_collector::metrics;
use patchward_collector::notice::Wanted;
use patchward_collector::reconcile::expiring::Expiries;
use patchward_collector::relay;
use patchward_common::id::Name;
use patchward_common::time::{DAY_MS, MINUTE_MS, UtcMs};
use patchward_common::trust::charter::Charter;
use patchward_common::trust::roster::Roster;
use patchward_common::trust::sign::Document as _;
use patchward_integration_tests::fixture::sign;
use sqlx::ConnectOptions as _;
use sqlx::sqlite::SqliteConnectOptions;
use tokio::sync::watch;

async fn told(expiries: &mut Expiries, desk: &Desk, at: UtcMs) -> Vec<(What, Step)> {
    let told = expiries.run(&desk.app, at).await.unwrap().into_iter();
    told.map(|one| (one.expires.what, one.step)).collect()
}

async fn items(desk: &Desk, at: UtcMs) -> Vec<Item> {
    let mut view = desk.app.store.view().await.unwrap();
    let gathered = agenda::gather(&desk.app.fleet, &mut view, at).await;
    let mut items = gathered.unwrap().items;
    items.retain(|item| item.kind == Kind::Expiring);
    items
}

#[tokio::test]
async fn the_log_tells_of_each_step_once() {
    let desk = Desk::with_papers().await;
    let (begun, mut expiries) = (now(), Expiries::default());
    let day = |days: i64| begun.plus_ms(days * DAY_MS);
    assert_eq!(told(&mut expiries, &desk, begun).await, []);
    // The roster ends on day 80, the charter on day 365.
    let month = [(What::Roster, Step::Month)];
    assert_eq!(told(&mut expiries, &desk, day(51)).await, month);
    let soon = day(51).plus_ms(MINUTE_MS);
    assert_eq!(told(&mut expiries, &desk, soon).await, []);
    assert_eq!(told(&mut expiries, &desk, day(52)).await, []);
    // A collector that starts anew, or another one.
    assert_eq!(told(&mut Expiries::default(), &desk, day(53)).await, []);
    let week = [(What::Roster, Step::Week)];
    assert_eq!(told(&mut expiries, &desk, day(74)).await, week);
    // The collector's own certificate should have renewed itself on day 60.
    let mut later = told(&mut expiries, &desk, day(85)).await;
    later.sort();
    let expected = [(What::Roster, Step::Over), (What::Collector, Step::Week)];
    assert_eq!(later, expected);
    let charter = told(&mut expiries, &desk, day(276)).await;
    assert!(
        charter.contains(&(What::Charter, Step::Quarter)),
        "{charter:?}"
    );
}

/// It is a long look: where it fails at one vendor, it is not begun anew every few seconds.
#[tokio::test]
async fn a_look_that_fails_is_over_too() {
    let desk = Desk::with_papers().await;
    let (begun, mut expiries) = (now(), Expiries::default());
    let database = desk.app.folder.path().join("collector.sqlite");
    let options = SqliteConnectOptions::new().filename(database);
    let mut database = options.connect().await.unwrap();
    // By them it is found until when a vendor's metadata is needed.
    let aside = sqlx::query("ALTER TABLE plans RENAME TO aside");
    aside.execute(&mut database).await.unwrap();
    assert!(expiries.run(&desk.app, begun).await.is_err());
    let soon = begun.plus_ms(9 * MINUTE_MS);
    assert_eq!(told(&mut expiries, &desk, soon).await, []);
    let later = begun.plus_ms(10 * MINUTE_MS);
    assert!(expiries.run(&desk.app, later).await.is_err());
}

#[tokio::test]
async fn today_says_what_ends_whose_move_it_is_and_tells_by_notice() {
    let desk = Desk::with_papers().await;
    let begun = now();
    let day = |days: i64| begun.plus_ms(days * DAY_MS);
    assert_eq!(items(&desk, day(49)).await, []);
    let found = items(&desk, day(51)).await;
    let [roster] = &found[..] else {
        panic!("{found:?}")
    };
    assert_eq!(
        (&*roster.key(), roster.owner),
        ("expiring:roster", Owner::Htm)
    );
    assert!(
        roster.why.contains("patchward-sign roster"),
        "{}",
        roster.why
    );
    assert!(roster.is_raised(day(51)), "a month ahead it must not wait");
    let notices = Wanted::default().of(&found, day(51));
    assert_eq!(notices.len(), 1);
    assert_eq!(notices[0].kind, "expiring");
    // The next step is news again, of the same thing.
    let week = items(&desk, day(74)).await;
    assert_eq!(week[0].key(), "expiring:roster");
    assert_ne!(week[0].since, roster.since);
    // A charter is said a quarter ahead, and raised a month ahead.
    let charter = items(&desk, day(280)).await;
    let charter = charter.iter().find(|item| item.about == "charter").unwrap();
    assert!(!charter.is_raised(day(280)) && charter.is_raised(day(336)));
}

#[tokio::test]
async fn tokens_of_programs_and_machines_that_did_not_renew_are_named() {
    let desk = Desk::with_papers().await;
    desk.ask("program add cmms --role viewer --days 60").await;
    desk.ask("program add gone --role viewer --days 60").await;
    desk.ask("program end gone").await;
    let mut change = desk.change().await;
    add_token(&mut change).await;
    enrol(&mut change, 1).await;
    let ends = now().plus_ms(90 * DAY_MS);
    change
        .add_certificate(&machine(1), "01", ends)
        .await
        .unwrap();
    change.commit().await.unwrap();
    let at = now().plus_ms(84 * DAY_MS);
    let found = items(&desk, at).await;
    let of = |key: &str| found.iter().find(|item| item.key() == key);
    let token = of("expiring:program_tokens/cmms").unwrap();
    assert!(token.why.contains("program end cmms"), "{}", token.why);
    assert_eq!(token.owner, Owner::It);
    let pc = of("expiring:pc-1").unwrap();
    assert_eq!(pc.unit.as_ref().map(|unit| unit.as_str()), Some(UNIT));
    assert!(
        pc.why.contains("doctor") && pc.class.is_some(),
        "{}",
        pc.why
    );
    assert!(found.iter().all(|item| !item.key().contains("gone")));
    // What is put away is not expected to renew.
    assert_eq!(items(&desk, now()).await, []);
}

#[tokio::test]
async fn figures_say_how_many_seconds_are_left_and_how_many_are_near_their_end() {
    let desk = Desk::with_papers().await;
    let figures = metrics::figures(&desk.app).await.unwrap().text();
    let value = |line: &str| figure(&figures, line);
    for (what, days) in [
        ("charter", 365),
        ("roster", 80),
        ("authority", 20 * 365),
        ("collector_certificate", 90),
    ] {
        let seconds = value(&format!("patchward_expires_seconds{{what=\"{what}\"}}"));
        let expected = f64::from(days) * 86_400.0;
        let off = (seconds - expected).abs();
        assert!(off < 3_600.0, "{what}: {seconds} s, and not {expected}");
    }
    for within in ["90d", "30d", "7d", "ended"] {
        let line = format!("patchward_expiring{{what=\"roster\",within=\"{within}\"}}");
        assert!(value(&line) < 0.5);
    }
    assert!(value("patchward_tasks_age_seconds") < 600.0);
    assert!(value("patchward_store_errors_total") >= 0.0);
    assert!(value("patchward_stops_unacknowledged") < 0.5);
    assert!(value("patchward_machines_silent{class=\"standard\"}") < 0.5);
    // No machine was heard: nothing is said of when the log's head last left.
    assert!(!figures.contains("\npatchward_audit_anchor_age_seconds "));
}

/// The value of one line of the figures.
fn figure(figures: &str, line: &str) -> f64 {
    let found = figures.lines().find_map(|one| one.strip_prefix(line));
    let found = found.unwrap_or_else(|| panic!("{line}\n{figures}"));
    found.trim().parse().unwrap()
}

/// Each step of `patchward_expiring` counts one while it lasts, and none before or after.
#[tokio::test]
async fn figures_count_what_is_near_its_end_step_by_step() {
    let desk = Desk::with_relays(vec![RelaySetting {
        name: Name::new("site-b").unwrap(),
        address: "relay-b.example:9444".into(),
        site: None,
        units: Vec::new(),
    }])
    .await;
    let counted = async |what: &str| {
        let figures = metrics::figures(&desk.app).await.unwrap().text();
        ["90d", "30d", "7d", "ended"].map(|within| {
            let line = format!("patchward_expiring{{what=\"{what}\",within=\"{within}\"}}");
            figure(&figures, &line).round() as u8
        })
    };
    // A charter of a year, each time nearer its end.
    let mut charter = desk.papers.charter();
    for (number, left, expected) in [
        (1, 91, [0, 0, 0, 0]),
        (2, 89, [1, 0, 0, 0]),
        (3, 29, [0, 1, 0, 0]),
        (4, 6, [0, 0, 1, 0]),
    ] {
        charter.number = number;
        charter.expires = now().plus_ms(left * DAY_MS);
        charter.issued = charter.expires.plus_ms(-365 * DAY_MS);
        desk.take_in(Charter::TYPE, &sign(&charter, &[&desk.papers.root]))
            .await;
        assert_eq!(counted("charter").await, expected, "{left} days are left");
    }
    assert_eq!(counted("relay_certificates").await, [0; 4]);
    let mut change = desk.change().await;
    let ended = now().plus_ms(-MINUTE_MS);
    change
        .certify_relay(&Name::new("site-b").unwrap(), "00", ended)
        .await
        .unwrap();
    change.commit().await.unwrap();
    assert_eq!(counted("relay_certificates").await, [0, 0, 0, 1]);
}

/// The root of a vendor, and the page's certificate.
#[tokio::test]
async fn what_ends_at_a_vendor_and_at_the_page_is_told() {
    let begun = now();
    let day = |days: i64| begun.plus_ms(days * DAY_MS);
    let life = Life {
        from: Some(begun),
        ends: day(365),
    };
    let (_sender, page) = watch::channel(Some(life));
    let desk = Desk::with_fleet(FleetSettings {
        page: Some(page),
        ..FleetSettings::default()
    })
    .await;
    let charter = sign(&desk.papers.charter(), &[&desk.papers.root]);
    desk.take_in(Charter::TYPE, &charter).await;
    let roster = sign(&desk.papers.roster(), &[&desk.papers.registrar]);
    desk.take_in(Roster::TYPE, &roster).await;
    desk.import(&["2"]).await;
    let mut expiries = Expiries::default();
    for (days, step) in [(276, Step::Quarter), (336, Step::Month), (366, Step::Over)] {
        let told = told(&mut expiries, &desk, day(days)).await;
        for what in [What::VendorRoot, What::Page] {
            assert!(told.contains(&(what, step)), "day {days}: {told:?}");
        }
    }
    let found = items(&desk, day(336)).await;
    let page = found.iter().find(|item| item.about == "page_certificate");
    let page = page.unwrap();
    assert_eq!(
        (&*page.key(), page.owner),
        ("expiring:page_certificate", Owner::It)
    );
}

/// A site relay is certified by word, and its end is warned of for as long as the settings name it.
#[tokio::test]
async fn a_relays_certificate_is_warned_of() {
    let name = |name: &str| Name::new(name).unwrap();
    let desk = Desk::with_relays(vec![RelaySetting {
        name: name("site-b"),
        address: "relay-b.example:9444".into(),
        site: Some(name("main")),
        units: Vec::new(),
    }])
    .await;
    let folder = tempfile::tempdir().unwrap();
    let request = relay::request(&Folder::new(folder.path())).unwrap();
    let file = folder.path().join("relay.csr");
    std::fs::write(&file, request).unwrap();
    let file = file.display();
    desk.refuses(
        &format!("ca relay site-c {file}"),
        NotFound,
        "no relay site-c",
    )
    .await;
    let key = folder.path().join("relay.key");
    let key = format!("ca relay site-b {}", key.display());
    desk.refuses(&key, Input, "relay --request").await;
    desk.ask(&format!("ca relay site-b {file}")).await;
    // One that the settings name no more.
    let mut change = desk.change().await;
    let ends = now().plus_ms(20 * DAY_MS);
    change
        .certify_relay(&name("gone"), "00", ends)
        .await
        .unwrap();
    change.commit().await.unwrap();
    let mut expiries = Expiries::default();
    let mut of_relay = async |days: i64| {
        let all = told(&mut expiries, &desk, now().plus_ms(days * DAY_MS)).await;
        let all = all.into_iter().filter(|(what, _)| *what == What::Relay);
        all.map(|(_, step)| step).collect::<Vec<_>>()
    };
    assert_eq!(of_relay(309).await, []);
    for (days, step) in [
        (311, Step::Quarter),
        (371, Step::Month),
        (394, Step::Week),
        (401, Step::Over),
    ] {
        assert_eq!(of_relay(days).await, [step], "day {days}");
    }
    let found = items(&desk, now().plus_ms(394 * DAY_MS)).await;
    let item = found.iter().find(|one| one.about == "site-b").unwrap();
    assert_eq!(item.owner, Owner::It);
    assert!(item.why.contains("`ca relay site-b`"), "{}", item.why);
}
