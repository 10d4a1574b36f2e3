//! What every attack begins with: a hospital whose machines run version 1.0.

use ed25519_dalek::SigningKey;
use patchward_common::digest::Digest;
use patchward_common::id::{BootId, JobId, MachineId, Nonce};
use patchward_common::time::UtcMs;
use patchward_common::trust::assignment::Mode;
use patchward_common::trust::check::Step;
use patchward_common::trust::go::Go;
use patchward_common::trust::release::ReleaseDescription;
use patchward_common::trust::roster::Class;
use patchward_common::trust::sign::Signed;
use patchward_common::wire::local::{Answer, Request};
use patchward_integration_tests::hospital::{Hospital, Machine, Row, now};
use patchward_integration_tests::hostile::plan_digest;
use patchward_integration_tests::process::wait_until;
use patchward_integration_tests::vendor::tree_release;
use serde_json::Value;
use tempfile::TempDir;

pub(super) const UNIT: &str = "reading-room-2";
pub(super) const PRODUCT: &str = "viewer";

pub(super) struct Scene {
    // Dropped first: its processes end before their folder goes.
    pub(super) hospital: Hospital,
    _folder: TempDir,
}

impl Scene {
    /// Machines of these names and classes, all with version 1.0 by an honest job.
    pub(super) fn new(machines: &[(&str, Class)]) -> Self {
        let mut scene = Self::bare(machines, &[]);
        let names: Vec<&str> = machines.iter().map(|(name, _)| *name).collect();
        scene.publish("1.0", 1);
        let plan = scene.plan("1.0", &names);
        scene.hospital.approve(&plan, &["ada", "ben"]).unwrap();
        for name in names {
            scene.verified(&plan, name, "1.0");
        }
        scene
    }

    /// Machines without the product, all in these groups, of which one must stay ready.
    pub(super) fn bare(machines: &[(&str, Class)], groups: &[&str]) -> Self {
        Self::bare_with(machines, groups, |_| {})
    }

    /// The same, with something done before machines enrol.
    pub(super) fn bare_with(
        machines: &[(&str, Class)],
        groups: &[&str],
        before: impl FnOnce(&mut Hospital),
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut hospital = Hospital::found(folder.path(), &[UNIT], &[PRODUCT]).unwrap();
        before(&mut hospital);
        let row = |&(name, class): &(&str, Class)| Row {
            name: name.into(),
            unit: UNIT.into(),
            class,
            groups: groups.iter().map(|group| (*group).into()).collect(),
            mode: Mode::Active,
            probes: Vec::new(),
        };
        for group in groups {
            let add = [
                "group",
                "add",
                group,
                "--unit",
                UNIT,
                "--minimum-ready",
                "1",
            ];
            hospital.ask(&add).unwrap();
        }
        hospital
            .add_machines(machines.iter().map(row).collect())
            .unwrap();
        hospital.assign().unwrap();
        let window = ["window", "once", "tonight", "--unit", UNIT];
        hospital
            .ask(&[&window[..], &["--minutes", "180"]].concat())
            .unwrap();
        Self {
            hospital,
            _folder: folder,
        }
    }

    /// The vendor publishes a version, and the collector takes it in; gives back its bytes.
    pub(super) fn publish(&mut self, version: &str, counter: u64) -> Vec<u8> {
        let (release, bytes) = viewer(version, counter);
        let vendor = &mut self.hospital.vendor;
        vendor.publish(&release, &[&bytes], now()).unwrap();
        self.hospital.import().unwrap();
        bytes
    }

    /// A plan for a version, still a draft.
    pub(super) fn plan(&self, version: &str, machines: &[&str]) -> String {
        self.plan_clearing(version, machines, None)
    }

    /// The same, clearing these bytes from quarantine where they are given.
    pub(super) fn plan_clearing(
        &self,
        version: &str,
        machines: &[&str],
        cleared: Option<&[u8]>,
    ) -> String {
        let (title, release) = (format!("Viewer {version}"), format!("{PRODUCT}={version}"));
        let mut arguments = vec![title.as_str(), "--release", &release, "--days", "1"];
        arguments.extend(["--soak-seconds", "1", "--canaries", "9"]);
        arguments.extend(machines.iter().flat_map(|name| ["--machine", *name]));
        let cleared = cleared.map(|bytes| Digest::of(bytes).to_string());
        arguments.extend(cleared.iter().flat_map(|digest| ["--clear", digest]));
        self.hospital.plan(&arguments).unwrap().0
    }

    /// Waits until a job is verified; the machine has the version then.
    pub(super) fn verified(&mut self, plan: &str, name: &str, version: &str) {
        self.hospital.wait_for_job(plan, name, "verified").unwrap();
        self.has(name, version);
    }

    /// Asserts that a job began once and was measured once; gives back its journal.
    pub(super) fn done_once(&self, plan: &str, name: &str) -> Vec<Value> {
        let job = self.job(plan, name).to_string();
        let journal = self.hospital.ask_json(&["job", "journal", &job]).unwrap();
        let journal = journal.as_array().unwrap();
        for what in ["started", "measured"] {
            let told = journal.iter().filter(|event| event["what"] == what);
            assert_eq!(told.count(), 1, "{journal:?}");
        }
        journal.clone()
    }

    /// Stops everything, and waits until the one machine has acknowledged it.
    pub(super) fn stop_all(&self) {
        let stop = ["stop", "now", "--all", "--reason", "a test"];
        self.hospital.ask(&stop).unwrap();
        wait_until("the stop is there", || {
            let stops = self.hospital.ask_json(&["stop", "list"]).unwrap();
            stops[0]["acknowledged"] == 1
        })
        .unwrap();
    }

    pub(super) fn machine(&mut self, name: &str) -> &mut Machine {
        self.hospital.machine(name).unwrap()
    }

    /// Asserts what runs on a machine.
    pub(super) fn has(&mut self, name: &str, version: &str) {
        let found = self.machine(name).tree_version(PRODUCT);
        assert_eq!(found.as_deref(), Some(version), "{name}");
    }

    /// Waits until the agent's log has a line about `what`, and asserts that one says
    /// `why`.
    pub(super) fn logged(&mut self, name: &str, what: &str, why: &str) {
        self.logs(name, &[what, why]);
    }

    /// Waits until the agent's log says that a step refused a document, and why.
    pub(super) fn refused_document(&mut self, name: &str, what: &str, step: Step, why: &str) {
        self.logs(name, &[what, &format!("step=Some({step:?})"), why]);
    }

    /// Waits until one line of the agent's log has all of this.
    fn logs(&mut self, name: &str, parts: &[&str]) {
        let machine = self.machine(name);
        let waited = wait_until(&format!("{name} logs {parts:?}"), || {
            let log = machine.agent_log();
            log.lines()
                .any(|line| parts.iter().all(|part| line.contains(part)))
        });
        if let Err(error) = waited {
            panic!("{error}\n{}", machine.agent_log());
        }
    }

    /// Waits until the agent's log says, after its first `since` bytes, that a step refused
    /// a job and why.
    pub(super) fn refused_since(&mut self, name: &str, since: usize, step: Step, why: &str) {
        let machine = self.machine(name);
        let step = format!("step=Some({step:?})");
        let waited = wait_until(&format!("{name} logs {step}: {why}"), || {
            let log = machine.agent_log();
            log[since..].lines().any(|line| {
                ["not now", &step, why]
                    .iter()
                    .all(|part| line.contains(part))
            })
        });
        if let Err(error) = waited {
            panic!("{error}\n{}", &machine.agent_log()[since..]);
        }
    }

    /// From its next start a machine's agent knows but this collector.
    pub(super) fn connect_to(&mut self, name: &str, collector: &str) {
        let path = self.machine(name).path("agent.toml");
        let text = std::fs::read_to_string(&path).unwrap();
        let others = text.lines().filter(|line| !line.starts_with("collectors"));
        let mut text: String = others.map(|line| format!("{line}\n")).collect();
        text.push_str(&format!("collectors = [{collector:?}]\n"));
        std::fs::write(path, text).unwrap();
    }

    /// What was put off is tried at once: a new agent knows of no earlier try.
    pub(super) fn restart_agent(&mut self, name: &str) {
        let machine = self.machine(name);
        machine.kill_agent();
        machine.start_agent().unwrap();
    }

    /// Asks a machine's installer, as an agent or whoever owns it may.
    pub(super) fn ask(&mut self, name: &str, request: &Request) -> Answer {
        let socket = self.machine(name).path("installer.sock");
        patchward_installer::cli::ask(&socket, request).unwrap()
    }

    /// The job of a plan, by its short or its whole id, on a machine.
    pub(super) fn job(&self, plan: &str, name: &str) -> JobId {
        let machine = self.hospital.id_of(name).unwrap();
        let plan = plan
            .parse()
            .unwrap_or_else(|_| plan_digest(&self.hospital, plan).unwrap());
        JobId::of(plan, machine.parse().unwrap())
    }

    /// Draws a nonce for a job.
    pub(super) fn nonce(&mut self, name: &str, job: JobId) -> Nonce {
        match self.ask(name, &Request::Nonce(job)) {
            Answer::Nonce(nonce) => nonce,
            other => panic!("{other:?}"),
        }
    }

    /// A go as the collector's key would sign it.
    pub(super) fn go(
        &mut self,
        name: &str,
        key: &SigningKey,
        job: JobId,
        nonce: Nonce,
        clock: UtcMs,
    ) -> Signed<Go> {
        let machine: MachineId = self.hospital.id_of(name).unwrap().parse().unwrap();
        let boot = self.boot(name);
        let go = Go {
            job,
            machine,
            boot,
            nonce,
            clock,
        };
        Signed::new(&go, key)
    }

    /// The boot id of a machine.
    pub(super) fn boot(&mut self, name: &str) -> BootId {
        let text = std::fs::read_to_string(self.machine(name).path("boot_id")).unwrap();
        BootId::from_kernel(&text).unwrap()
    }
}

/// A version of the product, and its bytes.
pub(super) fn viewer(version: &str, counter: u64) -> (ReleaseDescription, Vec<u8>) {
    let program = format!("#!/bin/sh\necho {version}\n");
    let files = [("viewer", program.as_bytes())];
    tree_release(PRODUCT, version, counter, &files).unwrap()
}

/// Asserts that a step refused, and why.
pub(super) fn refused(answer: &Answer, step: Step, why: &str) {
    match answer {
        Answer::Refused(reason) if reason.step == Some(step) && reason.text.contains(why) => {}
        other => panic!("{why:?} at {step:?} was expected, and came {other:?}"),
    }
}
