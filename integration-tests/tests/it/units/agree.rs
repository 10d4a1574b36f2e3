//! Units, users, folders and the settings' defaults say the same.

use super::file::{PACKAGES, lines, tree, unit, units};
use clap::Parser as _;
use patchward_agent::config::Settings as Agent;
use patchward_collector::cli::{Action, Cli};
use patchward_installer::config::Settings as Installer;
use patchward_notice::config::Settings as Notice;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What each package installs, and what it may count on.
const PROGRAMS: [(&str, &str); 5] = [
    ("/usr/bin/patchward-agent", "agent"),
    ("/usr/sbin/patchward-installer", "agent"),
    ("/usr/bin/patchward-notice", "agent"),
    ("/usr/bin/patchward-collector", "collector"),
    ("/usr/bin/systemctl", "agent"),
];
/// Below it lie the folders that `StateDirectory=` names.
const STATE: &str = "/var/lib";

/// Mode, user and group of a folder that a package's tmpfiles.d makes.
fn folder(package: &str, path: &Path) -> [String; 3] {
    let lines = lines(package, "tmpfiles.d");
    let line = lines
        .iter()
        .find(|line| line[0] == "d" && Path::new(&line[1]) == path);
    let line = line.unwrap_or_else(|| panic!("{package}: nobody makes {}", path.display()));
    [line[2].clone(), line[3].clone(), line[4].clone()]
}

fn owned(user: &str) -> [String; 3] {
    ["0700", user, user].map(str::to_owned)
}

#[test]
fn services_start_programs_of_their_package() {
    for unit in units().iter().filter(|unit| unit.is_service()) {
        let known = (unit.command()[0], unit.package);
        assert!(PROGRAMS.contains(&known), "{}: {known:?}", unit.name);
    }
    let probe = Agent::default().device_probe;
    let expected = Path::new("/usr/libexec/patchward/patchward-device-probe");
    assert_eq!(
        probe, expected,
        "the package's place, named in its Cargo.toml"
    );
}

#[test]
fn users_are_made_by_the_package_that_needs_them() {
    let made: BTreeSet<(&str, String)> = PACKAGES
        .iter()
        .flat_map(|package| {
            let lines = lines(package, "sysusers.d").into_iter();
            lines.map(|line| (*package, line[1].clone()))
        })
        .collect();
    for unit in units() {
        for user in unit.all("User").chain(unit.all("Group")) {
            let known = (unit.package, user.to_owned());
            assert!(made.contains(&known), "{}: {user} is not made", unit.name);
        }
    }
    let settings = Installer::default();
    let agent = unit("patchward-agent.service").one("User").to_owned();
    assert_eq!(settings.agent_user, agent);
    assert!(made.contains(&("agent", settings.ward_group)));
}

#[test]
fn state_is_where_the_settings_say_and_belongs_to_its_user() {
    let (agent, installer) = (Agent::default(), Installer::default());
    assert_eq!(agent.state_dir, installer.agent_dir);
    for (name, user, state) in [
        ("patchward-agent.service", "patchward", agent.state_dir),
        ("patchward-installer.service", "root", installer.state_dir),
        (
            "patchward-collector.service",
            "patchward-collector",
            PathBuf::from("/var/lib/patchward-collector"),
        ),
        (
            "patchward-relay.service",
            "patchward-relay",
            PathBuf::from("/var/lib/patchward-relay"),
        ),
    ] {
        let unit = unit(name);
        assert_eq!(unit.all("User").next().unwrap_or("root"), user);
        assert_eq!(Path::new(STATE).join(unit.one("StateDirectory")), state);
        assert_eq!(unit.one("StateDirectoryMode"), "0700");
        assert_eq!(folder(unit.package, &state), owned(user));
        if user != "root" {
            let lines = lines(unit.package, "sysusers.d");
            let line = lines.iter().find(|line| line[1] == user).unwrap();
            let home = state.display().to_string();
            assert!(line.contains(&home), "{user}: its home is {home}");
        }
        // What it waits for lies in there too.
        let conditions = unit.all("ConditionPathExists");
        for condition in conditions.chain(unit.all("ConditionPathExistsGlob")) {
            assert!(Path::new(condition).starts_with(&state), "{condition}");
        }
    }
    let record = unit("patchward-installer-resume.service");
    let record = record.one("ConditionPathExistsGlob");
    assert!(Path::new(record).starts_with(Installer::default().state_dir));
}

#[test]
fn all_speak_of_one_socket() {
    let socket = unit("patchward-installer.socket");
    let path = PathBuf::from(socket.one("ListenStream"));
    assert_eq!(path, Installer::default().socket);
    assert_eq!(path, Agent::default().installer_socket);
    assert_eq!(path, Notice::default().installer_socket);
    let open = ["0755", "root", "root"].map(str::to_owned);
    assert_eq!(folder("agent", path.parent().unwrap()), open);
    assert_eq!(Agent::default().trees_dir, Installer::default().trees_dir);
    assert_eq!(folder("agent", &Agent::default().trees_dir), open);
}

#[test]
fn the_collector_is_called_as_it_understands_it() {
    let serve = unit("patchward-collector.service");
    let cli = Cli::try_parse_from(serve.command()).unwrap();
    assert!(matches!(cli.action, Action::Serve));
    let state = Path::new(STATE).join(serve.one("StateDirectory"));
    assert_eq!(cli.folder, state);
    let relay = unit("patchward-relay.service");
    let cli = Cli::try_parse_from(relay.command()).unwrap();
    assert!(matches!(cli.action, Action::Relay(asked) if !asked.request));
    let of_relay = Path::new(STATE).join(relay.one("StateDirectory"));
    assert_eq!(cli.folder, of_relay);
    assert_eq!(relay.one("Type"), "notify");
    let backup = unit("patchward-collector-backup.service");
    let words = backup.command();
    let at = words.iter().position(|word| *word == "--to").unwrap();
    let to = Path::new(words[at + 1]);
    assert_eq!(folder("collector", to), owned("patchward-collector"));
    let writes: Vec<&Path> = backup
        .one("ReadWritePaths")
        .split(' ')
        .map(Path::new)
        .collect();
    assert_eq!(writes, [state.as_path(), to]);
    let timer = unit("patchward-collector-backup.timer");
    assert_eq!(timer.all("Unit").next(), None, "its own name's service");
}

/// What the installer shows lies where it may write and where people look for it, and nobody
/// who could log in too early is let in after a boot.
#[test]
fn what_people_see_is_where_the_installer_may_write() {
    let settings = Installer::default();
    assert_eq!(settings.screen_file, Notice::default().screen_file);
    let installer = unit("patchward-installer.service");
    let writes = installer.one("ReadWritePaths");
    for file in [&settings.screen_file, &settings.nologin_file] {
        assert!(file.starts_with(writes), "{}", file.display());
    }
    let folder = settings.screen_file.parent().unwrap();
    let socket = unit("patchward-installer.socket");
    assert!(Path::new(socket.one("ListenStream")).starts_with(folder));
    let after: Vec<&str> = installer.one("After").split(' ').collect();
    assert!(after.contains(&"systemd-user-sessions.service"));
    let entry = tree("agent").join("etc/xdg/autostart/patchward-notice.desktop");
    let entry = std::fs::read_to_string(entry).unwrap();
    let starts = entry.lines().find_map(|line| line.strip_prefix("Exec="));
    let words = starts.unwrap().split_whitespace();
    assert!(patchward_notice::cli::Cli::try_parse_from(words).is_ok());
    // Removed in the middle of a job, the package lets people in again.
    let ours = patchward_common::notice::REFUSAL_BEGINS;
    for script in ["debian/prerm", "agent.spec"] {
        let script = tree("packaging/agent").join(script);
        let script = std::fs::read_to_string(script).unwrap();
        assert!(script.contains(&format!("grep -qs '^{ours}'")), "{script}");
    }
}

/// The credentials that the settings speak of are those that the unit loads.
#[test]
fn secrets_have_one_name() {
    let unit = unit("patchward-collector.service");
    let loaded: BTreeSet<&str> = unit
        .all("LoadCredentialEncrypted")
        .map(|loaded| {
            let (name, file) = loaded.split_once(':').unwrap();
            assert_eq!(file, format!("patchward-collector.{name}"));
            name
        })
        .collect();
    let settings = include_str!("../../../../configs/collector.toml");
    let named = settings.split("systemd's credential ").skip(1);
    let named: BTreeSet<&str> = named
        .filter_map(|rest| {
            rest.split(|c: char| c != '-' && !c.is_ascii_lowercase())
                .next()
        })
        .collect();
    assert_eq!(loaded, named);
    assert!(!loaded.is_empty());
}

/// What starts by itself says when, and what is told to systemd is told as the unit expects.
#[test]
fn what_starts_by_itself_says_when() {
    for (name, by) in [
        ("patchward-agent.service", "multi-user.target"),
        ("patchward-installer.socket", "sockets.target"),
        ("patchward-installer-resume.service", "multi-user.target"),
        ("patchward-notice.service", "multi-user.target"),
        ("patchward-collector.service", "multi-user.target"),
        ("patchward-collector-backup.timer", "timers.target"),
        ("patchward-relay.service", "multi-user.target"),
    ] {
        assert_eq!(unit(name).one("WantedBy"), by);
    }
    for on_demand in [
        "patchward-installer.service",
        "patchward-collector-backup.service",
    ] {
        assert_eq!(unit(on_demand).all("WantedBy").next(), None, "{on_demand}");
    }
    for watched in ["patchward-agent.service", "patchward-collector.service"] {
        let unit = unit(watched);
        assert_eq!(unit.one("Type"), "notify");
        assert!(!unit.one("WatchdogSec").is_empty());
    }
}
