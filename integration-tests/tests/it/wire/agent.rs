//! The agent as people and systemd run it: a process with settings and exit codes.

use super::world::{Machine, World, now};
use patchward_agent::apart::Apart;
use patchward_collector::fleet::Target;
use patchward_collector::store::Actor;
use patchward_collector::store::machines::MachineState;
use patchward_collector::store::tokens::Acceptance;
use patchward_common::time::DAY_MS;
use patchward_common::wire::collector::Nudge;
use patchward_common::wire::machine::CERTIFICATE_LIFE_MS;
use patchward_integration_tests::moved_clock;
use patchward_integration_tests::programs::Program;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

/// An agent's folder and settings, beside the machine whose installer is played.
struct Agent {
    folder: tempfile::TempDir,
    program: PathBuf,
}

impl Agent {
    fn new(installer: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let agent = Self {
            folder,
            program: Program::Agent.path().unwrap(),
        };
        let root = agent.folder.path().join("root");
        std::fs::create_dir_all(root.join("proc/sys/kernel")).unwrap();
        std::fs::create_dir_all(root.join("var/lib/dpkg")).unwrap();
        std::fs::write(root.join("proc/sys/kernel/hostname"), "pc-1\n").unwrap();
        std::fs::write(
            root.join("var/lib/dpkg/status"),
            "Package: bash\nStatus: install ok installed\nArchitecture: amd64\nVersion: 5.2-1\n",
        )
        .unwrap();
        agent.configure(installer, &[]);
        agent
    }

    fn configure(&self, installer: &Path, collectors: &[&str]) {
        let at = |name: &str| self.folder.path().join(name);
        let settings = format!(
            "state_dir = {:?}\ninstaller_socket = {installer:?}\ncollectors = {collectors:?}\n\
             root_dir = {:?}\nprobes_dir = {:?}\n",
            at("state"),
            at("root"),
            at("probes.d"),
        );
        std::fs::write(at("agent.toml"), settings).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        let config = self.folder.path().join("agent.toml");
        command.arg("--config").arg(config).args(arguments);
        command.kill_on_drop(true);
        command
    }

    /// Runs it to its end: exit code, output, errors.
    async fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        let ended = self.command(arguments).output().await.unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (
            ended.status.code().unwrap(),
            text(ended.stdout),
            text(ended.stderr),
        )
    }
}

fn socket(world: &World, number: u8) -> PathBuf {
    world.folder.path().join(format!("installer-{number}.sock"))
}

async fn enrolled(world: &World) -> (Machine, Agent) {
    let machine = Machine::new(world.folder.path(), 1);
    let agent = Agent::new(&socket(world, 1));
    let token = world.token("t", 1, Acceptance::Automatic).await.to_text();
    let (code, out, errors) = agent.run(&["enroll", "--token", &token]).await;
    assert_eq!(code, 0, "{errors}");
    assert!(out.contains(&machine.id().to_string()), "{out}");
    (machine, agent)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_enrols_runs_and_reports() {
    let world = World::new().await;
    let (machine, agent) = enrolled(&world).await;
    let (code, _, errors) = agent.run(&["enroll", "--token", "patchward1.00"]).await;
    assert_eq!(code, 1);
    assert!(errors.contains("enrolled already"), "{errors}");
    let log = std::fs::File::create(agent.folder.path().join("log")).unwrap();
    let mut running = agent
        .command(&["run"])
        .stderr(Stdio::from(log))
        .spawn()
        .unwrap();
    let stored = async || {
        let mut view = world.store.view().await.unwrap();
        let set = view.set_of(&machine.id()).await.unwrap()?;
        view.components_of(&set.digest).await.unwrap()
    };
    let first = loop {
        if let Some(set) = stored().await {
            break set;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(first.len(), 1);
    assert_eq!(first[0].version, "5.2-1");
    // A change is told with the next look; a nudge makes it now.
    let status = agent.folder.path().join("root/var/lib/dpkg/status");
    let text = std::fs::read_to_string(&status).unwrap();
    std::fs::write(&status, text.replace("5.2-1", "5.2-2")).unwrap();
    let target = Target::Machine(machine.id());
    assert_eq!(world.fleet.nudge(&target, Nudge::ReportNow).await, 1);
    while stored().await.unwrap()[0].version != "5.2-2" {
        tokio::task::yield_now().await;
    }
    let status = world.store.view().await.unwrap();
    let mut view = status;
    let said = view.machine_status(&machine.id()).await.unwrap().unwrap();
    assert_eq!(said.installer_version, "0.1.0");
    drop(view);
    let pid = rustix::process::Pid::from_raw(running.id().unwrap().cast_signed()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert_eq!(running.wait().await.unwrap().code(), Some(0));
    while world.fleet.is_connected(&machine.id()) {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn doctor_names_what_fails() {
    let world = World::new().await;
    let installer = socket(&world, 1);
    let (machine, agent) = enrolled(&world).await;
    let (code, out, errors) = agent.run(&["doctor"]).await;
    assert_eq!(code, 0, "{out}{errors}");
    assert!(!out.contains("FAIL") && out.contains("accepted"), "{out}");
    for (address, failing, exit) in [
        ("no-such-host.invalid:4433", "dns", 5),
        // Nobody listens there.
        ("127.0.0.1:9", "udp", 5),
        // The kernel gives nobody a way to everybody.
        ("255.255.255.255:9", "route", 5),
    ] {
        agent.configure(&installer, &[address]);
        let (code, out, _) = agent.run(&["doctor", "--json"]).await;
        assert_eq!(code, exit, "{out}");
        let said: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert_eq!(said["well"], false);
        let checks = said["checks"].as_array().unwrap();
        let failed: Vec<_> = checks.iter().filter(|check| check["ok"] == false).collect();
        assert_eq!(failed.len(), 1, "{out}");
        assert_eq!(failed[0]["check"], failing, "{out}");
    }
    agent.configure(&installer, &[]);
    let state = agent.folder.path().join("state");
    let apart = Apart::of(now().plus_ms(600_000), now());
    Apart::save(apart, &state).unwrap();
    let (code, out, _) = agent.run(&["doctor"]).await;
    assert_eq!(code, 1, "{out}");
    assert!(
        out.contains("FAIL  clock") && out.contains("600 s behind"),
        "{out}"
    );
    Apart::save(None, &state).unwrap();
    let other = World::new().await;
    agent.configure(&installer, &[other.addresses[0].as_str()]);
    let (code, out, _) = agent.run(&["doctor"]).await;
    assert_eq!(code, 5);
    assert!(out.contains("FAIL  tls"), "{out}");
    agent.configure(&installer, &[]);
    let revoked = MachineState::Revoked;
    world
        .fleet
        .revoke(
            &machine.id(),
            MachineState::Enrolled,
            revoked,
            "x",
            Actor::Local(0),
        )
        .await
        .unwrap();
    let (code, out, _) = agent.run(&["doctor"]).await;
    assert_eq!(code, 5);
    assert!(out.contains("FAIL  revoked"), "{out}");
    agent.configure(&world.folder.path().join("nobody.sock"), &[]);
    let (_, out, _) = agent.run(&["doctor"]).await;
    assert!(out.contains("FAIL  installer"), "{out}");
}

/// What fails is told apart where nothing of the network is to blame: no certificate, one
/// that has ended, and a clock by which the collector's is not valid.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn doctor_names_the_certificate_and_the_clock() {
    let world = World::new().await;
    let (_machine, agent) = enrolled(&world).await;
    let doctor = async |clock_ms: i64| {
        let mut command = agent.command(&["doctor"]);
        command.envs(moved_clock::apart(clock_ms).unwrap());
        let ended = command.output().await.unwrap();
        let out = String::from_utf8(ended.stdout).unwrap();
        let failed: Vec<String> = out
            .lines()
            .filter_map(|line| line.strip_prefix("FAIL  "))
            .map(|line| line.split_whitespace().next().unwrap().to_owned())
            .collect();
        (ended.status.code().unwrap(), failed, out)
    };
    let (code, failed, out) = doctor(0).await;
    assert_eq!((code, failed), (0, vec![]), "{out}");
    // The collector's certificate begins a day before it was made.
    let (code, failed, out) = doctor(-2 * DAY_MS).await;
    assert_eq!((code, failed), (5, vec!["clock".to_owned()]), "{out}");
    // Its end, and that of this machine's.
    let (code, failed, out) = doctor(CERTIFICATE_LIFE_MS + DAY_MS).await;
    let both = ["certificate", "clock"].map(str::to_owned);
    assert_eq!((code, &failed[..]), (5, &both[..]), "{out}");
    assert!(
        out.contains("it ended at") && out.contains("renews it by itself"),
        "{out}"
    );
    let credentials = agent.folder.path().join("state/credentials");
    let whole = std::fs::read(&credentials).unwrap();
    for (bytes, words) in [
        (Some(&whole[..whole.len() / 2]), "enrol this machine again"),
        (None, "run `patchward-agent enroll` with a token"),
    ] {
        match bytes {
            Some(bytes) => std::fs::write(&credentials, bytes).unwrap(),
            None => std::fs::remove_file(&credentials).unwrap(),
        }
        let (code, failed, out) = doctor(0).await;
        assert_eq!((code, failed), (1, vec!["certificate".to_owned()]), "{out}");
        assert!(out.contains(words), "{out}");
    }
}

/// A collector that restarts, or a network that is plugged in, is waited for like a person.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn enrolling_waits_for_a_collector_that_cannot_be_reached() {
    let world = World::new().await;
    let _machine = Machine::new(world.folder.path(), 1);
    let agent = Agent::new(&socket(&world, 1));
    agent.configure(&socket(&world, 1), &["no-such-host.invalid:4433"]);
    let token = world.token("t", 1, Acceptance::Automatic).await.to_text();
    let arguments = ["enroll", "--token", &token, "--wait", "0"];
    let (code, _, errors) = agent.run(&arguments).await;
    assert_eq!(code, 5, "{errors}");
    let mut waiting = agent
        .command(&["enroll", "--token", &token])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut errors = BufReader::new(waiting.stderr.take().unwrap()).lines();
    let said = errors.next_line().await.unwrap().unwrap();
    assert!(
        said.contains("DNS") && said.ends_with("it is tried again"),
        "{said}"
    );
    assert!(waiting.try_wait().unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_say_what_is_wrong_and_exit_accordingly() {
    let world = World::new().await;
    let _machine = Machine::new(world.folder.path(), 1);
    let agent = Agent::new(&socket(&world, 1));
    for (arguments, exit, says) in [
        (&["run"][..], 3, "not enrolled"),
        (&["enroll", "--token", "nonsense"], 1, "patchward1."),
        (
            &["enroll", "--token-file", "/no/such/file"],
            1,
            "/no/such/file",
        ),
        (&["hold", "--for", "99h"], 2, "at most 12h"),
        (
            &["hold", "--for", "2h", "--reason", "bored"],
            2,
            "procedure",
        ),
        (&["frobnicate"], 2, "unrecognized"),
    ] {
        let (code, _, errors) = agent.run(arguments).await;
        assert_eq!(code, exit, "{arguments:?}: {errors}");
        assert!(errors.contains(says), "{arguments:?}: {errors}");
    }
    let (code, out, _) = agent
        .run(&["hold", "--for", "2h", "--reason", "procedure"])
        .await;
    assert_eq!((code, out.contains("Nothing starts")), (0, true), "{out}");
    let (code, out, _) = agent.run(&["status"]).await;
    assert_eq!((code, out.contains("idle")), (0, true), "{out}");
    let (code, out, _) = agent.run(&["inventory", "--json"]).await;
    assert_eq!(code, 0);
    let said: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(said["components"][0]["name"], "bash");
    // A person has to accept, and nobody waits for it.
    let token = world.token("t", 1, Acceptance::Person).await.to_text();
    let (code, _, errors) = agent
        .run(&["enroll", "--token", &token, "--wait", "0"])
        .await;
    assert_eq!(code, 4, "{errors}");
    let mut unknown = world.token("u", 1, Acceptance::Automatic).await;
    unknown.secret = serde_bytes::ByteBuf::from([0; 32]);
    let (code, _, errors) = agent.run(&["enroll", "--token", &unknown.to_text()]).await;
    assert_eq!(code, 7, "{errors}");
    agent.configure(&world.folder.path().join("nobody.sock"), &[]);
    for arguments in [&["status"][..], &["hold", "--for", "1h"]] {
        let (code, _, errors) = agent.run(arguments).await;
        assert_eq!(code, 6, "{errors}");
        assert!(errors.contains("nobody.sock"), "{errors}");
    }
    let config = agent.folder.path().join("agent.toml");
    std::fs::write(config, "state_dri = \"/x\"\n").unwrap();
    let (code, _, errors) = agent.run(&["status"]).await;
    assert_eq!(code, 8);
    assert!(errors.contains("did you mean \"state_dir\""), "{errors}");
}
