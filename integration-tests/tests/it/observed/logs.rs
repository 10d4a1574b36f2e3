//! The log as JSON lines, of a rollout by real processes: each line is one object with a time,
//! a level and what happened; a job is found by its id; and no secret is in any of them.

use patchward_integration_tests::hospital::{Hospital, Row, now};
use patchward_integration_tests::vendor::tree_release;
use serde_json::Value;
use std::path::Path;

const UNIT: &str = "reading-room-2";
const NAME: &str = "station-1";

/// Has a program write JSON from its next start on.
fn as_json(settings: &Path) {
    let text = std::fs::read_to_string(settings).unwrap();
    let others = text.lines().filter(|line| !line.starts_with("log = "));
    let others: String = others.map(|line| format!("{line}\n")).collect();
    // Before the first table, if there is one.
    std::fs::write(settings, format!("log = \"json\"\n{others}")).unwrap();
}

/// Every line of a log, each of which has to be an object with what all of them have.
fn lines(log: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(log).unwrap();
    let read = |line: &str| -> Value {
        let value: Value = serde_json::from_str(line)
            .unwrap_or_else(|error| panic!("{}: {error}: {line}", log.display()));
        for key in ["timestamp", "level", "target", "message"] {
            let is_text = value[key].as_str().is_some_and(|text| !text.is_empty());
            assert!(is_text, "no {key}: {line}");
        }
        value
    };
    let lines: Vec<Value> = text.lines().map(read).collect();
    assert!(!lines.is_empty(), "{} is empty", log.display());
    lines
}

fn of<'a>(lines: &'a [Value], key: &str, id: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line[key] == id).collect()
}

/// A hospital with one machine, all of whose programs write JSON.
fn founded(folder: &Path) -> Hospital {
    let mut hospital = Hospital::found_with_page(folder, &[UNIT], &["viewer"]).unwrap();
    hospital.stop_collector().unwrap();
    as_json(&hospital.collector_folder().join("collector.toml"));
    std::fs::remove_file(folder.join("collector.log")).unwrap();
    hospital.start_collector().unwrap();
    let row = Row::plain(NAME, UNIT);
    hospital.add_machine(row).unwrap();
    let machine = hospital.machine(NAME).unwrap();
    machine.stop_agent().unwrap();
    machine.kill_installer();
    for (settings, log) in [
        ("agent.toml", "agent.log"),
        ("installer.toml", "installer.log"),
    ] {
        as_json(&machine.path(settings));
        std::fs::remove_file(machine.path(log)).unwrap();
    }
    machine.start_installer().unwrap();
    machine.start_agent().unwrap();
    hospital
}

/// Lets the collector make one of each secret that it hands out.
fn secrets(hospital: &Hospital) -> Vec<String> {
    let made = |words: &[&str], key: &str| {
        let told = hospital.ask_json(words).unwrap();
        let secret = told[key].as_str();
        secret
            .unwrap_or_else(|| panic!("no {key} in {told}"))
            .to_owned()
    };
    let token = ["token", "new", "spare", "--unit", UNIT];
    let program = ["program", "add", "cmms", "--role", "viewer"];
    let feed = ["feed", "add", "prometheus", "--what", "metrics"];
    let calendar = ["feed", "add", "icu", "--what", "calendar"];
    let hook = "https://chat.hospital.example/hook/s3cr3t-path";
    let webhook = ["notice", "webhook", "add", "chat", "--url", hook];
    let user = ["user", "add", "eve", "--title", "Eve", "--role", "viewer"];
    let kiosk = ["kiosk", "add", "icu-door", "--unit", UNIT];
    let mut secrets = vec![
        made(&token, "token"),
        made(&program, "token"),
        made(&feed, "secret"),
        made(&webhook, "secret"),
        hook.to_owned(),
    ];
    // Of links, what follows the last slash lets somebody in.
    let links = [
        made(&calendar, "link"),
        made(&user, "link"),
        made(&kiosk, "link"),
        hospital.page().unwrap().welcome.clone(),
    ];
    let last = |link: &String| {
        let last = link.rsplit(['/', '#', '?']).next().unwrap();
        last.trim_end_matches(".ics").to_owned()
    };
    secrets.extend(links.iter().map(last));
    secrets
}

#[test]
fn a_rollout_is_told_in_json_lines_without_a_secret() {
    let folder = tempfile::tempdir().unwrap();
    let mut hospital = founded(folder.path());
    let secrets = secrets(&hospital);
    hospital.assign().unwrap();
    let window = ["window", "once", "tonight", "--unit", UNIT];
    let window = [&window[..], &["--minutes", "180"]].concat();
    hospital.ask(&window).unwrap();
    let (release, archive) = tree_release("viewer", "1.0", 1, &[("viewer", b"1.0")]).unwrap();
    hospital
        .vendor
        .publish(&release, &[&archive], now())
        .unwrap();
    hospital.import().unwrap();
    let plan = ["Viewer", "--release", "viewer=1.0", "--machine", NAME];
    let plan = [&plan[..], &["--days", "1", "--soak-seconds", "1"]].concat();
    let (plan, _) = hospital.plan(&plan).unwrap();
    hospital.approve(&plan, &["ada"]).unwrap();
    hospital.wait_for_job(&plan, NAME, "verified").unwrap();
    let asked = ["job", "list", "--plan", &plan, "--machine", NAME];
    let job = hospital.ask_json(&asked).unwrap()[0]["job"].clone();
    let job = job.as_str().unwrap().to_owned();
    let id = hospital.id_of(NAME).unwrap();
    hospital.stop_collector().unwrap();
    let machine = hospital.machine(NAME).unwrap();
    machine.stop_agent().unwrap();
    machine.kill_installer();
    let collector = folder.path().join("collector.log");
    let (agent, installer) = (machine.path("agent.log"), machine.path("installer.log"));

    let told = lines(&collector);
    let moves = of(&told, "job", &job);
    let events: Vec<&str> = moves
        .iter()
        .filter_map(|one| one["event"].as_str())
        .collect();
    assert!(events.contains(&"go.issue"), "{events:?}");
    let last = moves
        .iter()
        .rfind(|one| one["event"] == "job.move")
        .unwrap();
    assert!(
        last["detail"]
            .as_str()
            .unwrap()
            .contains("\"to\":\"verified\""),
        "{last}"
    );
    let of_plan = last["plan"].as_str().unwrap();
    assert!(of_plan.starts_with(&plan), "{last}");
    assert_eq!(last["machine"], id.as_str(), "{last}");
    // What people did is there too, with the request that it came with.
    let signed = of(&told, "plan", of_plan);
    assert!(
        signed.iter().any(|one| one["event"] == "plan.move"),
        "{signed:?}"
    );
    let asked = told.iter().find(|one| one["event"] == "site.add");
    assert!(asked.is_none(), "that was before the log was JSON");
    let asked = told
        .iter()
        .find(|one| one["event"] == "window.add")
        .unwrap();
    let request = asked["span"]["request"].as_str().unwrap();
    assert_eq!(request.len(), 16, "{asked}");

    let told = lines(&installer);
    let words: Vec<&str> = of(&told, "job", &job)
        .into_iter()
        .filter_map(|one| one["event"].as_str())
        .collect();
    assert!(
        words.contains(&"started") && words.contains(&"measured"),
        "{words:?}"
    );
    let told = lines(&agent);
    assert_eq!(
        of(&told, "machine", &id).len(),
        1,
        "it says who it is, once"
    );

    for log in [&collector, &agent, &installer] {
        let text = std::fs::read_to_string(log).unwrap();
        for secret in &secrets {
            assert!(secret.len() >= 16, "{secret} is no secret");
            assert!(
                !text.contains(secret.as_str()),
                "{}: {secret}",
                log.display()
            );
        }
    }
}
