//! Rollouts: real packages, signed by their vendor and by HTM, installed by the installer
//! as root through systemd.

use super::container::Container;
use super::patience::{doing, until};
use super::signed::People;
use super::{Machine, NAME, UNIT, debs, root};
use crate::hospital::now;
use crate::vendor::Vendor;
use anyhow::{Context as _, ensure};
use patchward_common::codec;
use patchward_common::id::{BootId, Name};
use patchward_common::job::{CheckResult, Event, JobEvent};
use patchward_common::trust::release::Reboot;
use patchward_common::trust::sign::{Document as _, Signed};

/// Where the vendors' folders lie, as if they had come on a disc.
pub(super) const VENDORS: &str = "/srv/vendors";
/// Who makes the viewer, and who makes Patchward.
pub(super) const ACME: &str = "acme";
pub(super) const PATCHWARD: &str = "patchward";
/// Where an installer's records and its journal lie.
pub(super) const RECORDS: &str = "/var/lib/patchward-installer/jobs";
const JOURNAL: &str = "/var/lib/patchward-installer/journal";
/// What an agent is that ends as soon as it begins.
const BROKEN: &str = "#!/bin/sh\necho 'this agent is broken on purpose' >&2\nexit 1\n";
const AGENT: &str = "/usr/bin/patchward-agent";
/// Where the true one waits.
const ASIDE: &str = "/usr/bin/patchward-agent.aside";

/// Both vendors, each with a folder in the machine.
pub(super) struct Vendors {
    acme: Vendor,
    own: Vendor,
}

impl Vendors {
    pub(super) fn new(container: &Container) -> anyhow::Result<Self> {
        let folder = |name: &str| container.path(VENDORS).join(name);
        Ok(Self {
            acme: Vendor::new(&folder(ACME), 1, now())?,
            own: Vendor::new(&folder(PATCHWARD), 2, now())?,
        })
    }

    /// As the charter names them: each with its one product.
    pub(super) fn granted(&self) -> [(&str, &Vendor, &str); 2] {
        [
            (ACME, &self.acme, debs::VIEWER),
            (PATCHWARD, &self.own, debs::OWN),
        ]
    }
}

impl Machine {
    /// People say what the machine is, the vendor publishes three versions, and the first is
    /// there already, installed by hand.
    pub(super) fn prepare(&mut self) -> anyhow::Result<()> {
        let assigned = People(&self.container).assign(&self.id, NAME, UNIT)?;
        self.collector(&["document", "add", &assigned])?;
        let minutes = ["--unit", UNIT, "--minutes", "600"];
        self.collector(&[&["window", "once", "now"][..], &minutes].concat())?;
        self.container
            .write("/etc/patchward/probes.d/viewer-serves.toml", debs::PROBE)?;
        let work = tempfile::tempdir()?;
        for (counter, version) in (1..).zip(["1.0", "2.0", "3.0", "4.0"]) {
            let bytes = debs::viewer(work.path(), version)?;
            if counter == 1 {
                std::fs::write(self.container.path("/root/viewer.deb"), &bytes)?;
                self.container
                    .run(&["dpkg", "--install", "/root/viewer.deb"])?;
            }
            let mut release = debs::release(debs::VIEWER, version, counter, &bytes)?;
            release.checks_after = vec![Name::new(debs::CHECK)?];
            release.reboot = match version {
                "3.0" => Reboot::Machine,
                _ => Reboot::Service,
            };
            let vendors = self.vendors.as_mut().context("vendors")?;
            vendors.acme.publish(&release, &[&bytes], now())?;
        }
        self.serves("1.0")?;
        self.import(ACME)
    }

    /// A package with a service.
    pub(super) fn service(&mut self) -> anyhow::Result<()> {
        let before = self.boot_id()?;
        self.may_log_in("before the job")?;
        self.terminal_opens()?;
        // Its install does not get on, so that what holds meanwhile can be looked at.
        self.container.run(&["touch", debs::HOLD])?;
        let plan = self.rollout(debs::VIEWER, "2.0")?;
        self.refuses_logins()?;
        self.is_told_under_way("viewer 2.0")?;
        self.container.run(&["rm", debs::HOLD])?;
        self.wait_for_job(&plan, "verified")?;
        self.may_log_in("after the job")?;
        self.is_told_done()?;
        self.came_by_the_relay("2.0")?;
        self.told_by_field(&plan)?;
        self.serves("2.0")?;
        ensure!(
            before == self.boot_id()?,
            "the machine was restarted for a service"
        );
        self.proven(&plan)
    }

    /// One for which the machine has to restart, and it comes up with an agent that does not
    /// work: the installer measures and closes the job all the same.
    pub(super) fn restart(&mut self) -> anyhow::Result<()> {
        let before = self.boot_id()?;
        let plan = self.rollout(debs::VIEWER, "3.0")?;
        self.container
            .wait_for_end("the installer has the machine restarted")?;
        self.put_instead_of_the_agent(BROKEN.as_bytes())?;
        self.container.boot()?;
        let after = self.boot_id()?;
        ensure!(before != after, "the boot id is the same");
        let container = &self.container;
        until("the job is closed, without agent", || {
            container.shell(&format!("! ls {RECORDS}/*/start")).is_ok()
        })?;
        let measured = measured_last(&self.events()?)?;
        ensure!(measured.0 == after, "measured in boot {}", measured.0);
        ensure!(
            measured
                .1
                .iter()
                .any(|one| one.check == debs::CHECK && one.passed),
            "its check did not pass: {:?}",
            measured.1
        );
        self.serves("3.0")?;
        let resumed = ["journalctl", "--boot", "--unit=patchward-installer-resume"];
        let resumed = self.container.run(&resumed)?;
        ensure!(resumed.contains("Finished"), "nobody resumed: {resumed}");
        let (state, _) = self.job(&plan)?;
        ensure!(
            state != "verified",
            "the collector heard of it without agent"
        );
        self.put_the_agent_back()?;
        self.wait_for_job(&plan, "verified")?;
        self.proven(&plan)
    }

    /// Patchward in a next version: the agent is begun anew, the installer measures, and
    /// leaves to its successor.
    pub(super) fn own_update(&mut self) -> anyhow::Result<()> {
        let work = tempfile::tempdir()?;
        let package = self.choice.agent.clone();
        let versions = doing("packing the next version", || {
            debs::next(work.path(), &package)
        })?;
        let mut next = String::new();
        for (counter, (version, bytes)) in (1..).zip(&versions) {
            let release = debs::release(debs::OWN, version, counter, bytes)?;
            let vendors = self.vendors.as_mut().context("vendors")?;
            vendors.own.publish(&release, &[bytes], now())?;
            next.clone_from(version);
        }
        self.import(PATCHWARD)?;
        let main = "systemctl show --value --property=MainPID";
        let old = self.container.shell(&format!("{main} patchward-agent"))?;
        let installer = format!("{main} patchward-installer");
        let plan = self.rollout(debs::OWN, &next)?;
        self.wait_for_job(&plan, "verified")?;
        let (_, checks) = measured_last(&self.events()?)?;
        let judged = |one: &CheckResult| one.check == "installer" && one.passed;
        ensure!(
            checks.iter().any(judged),
            "no successor was asked: {checks:?}"
        );
        let installed = "dpkg-query --show --showformat='${Version}' patchward-agent";
        let installed = self.container.shell(installed)?;
        ensure!(installed == next, "{installed} is installed");
        let new = self.container.shell(&format!("{main} patchward-agent"))?;
        ensure!(old != new, "the old agent still runs");
        // It leaves once nobody has asked it for a second; whoever knocks next is answered by
        // the new one.
        let program = format!("readlink /proc/$({installer})/exe");
        until("the installer left to its successor", || {
            let runs = self.container.shell(&installer);
            let program = self.container.shell(&program);
            let is_new = program.is_ok_and(|program| !program.contains("deleted"));
            is_new || runs.is_ok_and(|runs| runs == "0")
        })?;
        self.agent(&["status"])?;
        let program = self.container.shell(&program)?;
        ensure!(!program.contains("deleted"), "{program} answers");
        self.proven(&plan)
    }

    /// Plans a release for the machine, has it signed and says the plan's id.
    pub(super) fn rollout(&self, product: &str, version: &str) -> anyhow::Result<String> {
        let title = format!("{product} {version}");
        let chosen = format!("{product}={version}");
        // The planner goes by what was reported, and so does the way back.
        self.known(product)?;
        let shown = doing(&format!("planning and signing {title}"), || {
            let plan = [
                "plan",
                "new",
                &title,
                "--release",
                &chosen,
                "--machine",
                NAME,
            ];
            self.collector(&[&plan[..], &["--days", "1"]].concat())
        })?;
        let mut lines = shown.lines().filter_map(|line| line.strip_prefix("Plan "));
        let said = lines.find_map(|rest| rest.split_once(':'));
        let plan = said
            .with_context(|| format!("no plan: {shown}"))?
            .0
            .to_owned();
        let out = People::exported(&plan);
        self.collector(&["plan", "export", &plan, "--out", &out])?;
        let signed = People(&self.container).approve(&plan)?;
        self.collector(&["plan", "sign", &signed])?;
        Ok(plan)
    }

    /// Waits until the collector knows the version of a package that is there.
    pub(super) fn known(&self, package: &str) -> anyhow::Result<()> {
        let words = ["dpkg-query", "--show", "--showformat=${Version}", package];
        let version = self.container.run(&words)?;
        until(&format!("{package} {version} is reported"), || {
            let found = self.json(&["machine", "components", NAME]);
            let found = found.ok().and_then(|found| found.as_array().cloned());
            let mut found = found.into_iter().flatten();
            found.any(|one| one["component"] == package && one["version"] == version.as_str())
        })
    }

    fn import(&self, vendor: &str) -> anyhow::Result<()> {
        let folder = format!("{VENDORS}/{vendor}");
        self.collector(&["release", "import", vendor, &folder])?;
        Ok(())
    }

    /// The state's word and the id of the machine's job of a plan.
    pub(super) fn job(&self, plan: &str) -> anyhow::Result<(String, String)> {
        let jobs = self.json(&["job", "list", "--plan", plan])?;
        let job = jobs.as_array().and_then(|jobs| jobs.first());
        let job = job.context("the plan has no job")?;
        let text = |key: &str| job[key].as_str().unwrap_or_default().to_owned();
        Ok((text("state"), text("job")))
    }

    pub(super) fn wait_for_job(&self, plan: &str, state: &str) -> anyhow::Result<()> {
        let mut last = String::new();
        until(&format!("the job is {state}"), || {
            last = self.job(plan).map_or(last.clone(), |(state, _)| state);
            last == state
        })
        .with_context(|| {
            let told = self.collector(&["job", "list", "--plan", plan]);
            format!("it is {last}\n{}", told.unwrap_or_default())
        })
    }

    /// The evidence of a job verifies with nothing but the hospital root.
    fn proven(&self, plan: &str) -> anyhow::Result<()> {
        let (_, job) = self.job(plan)?;
        let pack = People::place(&format!("{job}.evidence"));
        self.collector(&["evidence", "export", &job, "--out", &pack])?;
        People(&self.container).verify(&pack).map(drop)
    }

    /// The viewer runs in this version, as systemd says, and is what is installed.
    pub(super) fn serves(&self, version: &str) -> anyhow::Result<()> {
        self.is("viewer", "active")?;
        let serving = self.container.read(debs::SERVING)?;
        ensure!(serving.trim() == version, "{} serves", serving.trim());
        let format = "--showformat=${Version} ${db:Status-Status}";
        let said = self
            .container
            .run(&["dpkg-query", "--show", format, debs::VIEWER])?;
        ensure!(said == format!("{version} installed"), "dpkg says {said}");
        Ok(())
    }

    pub(super) fn boot_id(&self) -> anyhow::Result<BootId> {
        let text = self.container.read(root::BOOT_ID)?;
        BootId::from_kernel(&text).with_context(|| format!("no boot id: {text}"))
    }

    /// Every event of the installer's journal, as it lies on disk: whoever asks the installer
    /// has it started, and is of another computer than the machine's users.
    pub(super) fn events(&self) -> anyhow::Result<Vec<JobEvent>> {
        let mut files = Vec::new();
        for entry in std::fs::read_dir(self.container.path(JOURNAL))? {
            files.push(entry?.path());
        }
        files.sort_unstable();
        let whole = files.iter().filter(|file| file.extension().is_none());
        let read = whole.map(|file| {
            let bytes = std::fs::read(file)?;
            let most = JobEvent::MAX_BYTES + 1_024;
            let signed: Signed<JobEvent> = codec::decode(&bytes, most)?;
            Ok(signed.peek()?)
        });
        read.collect()
    }

    /// Lays another program in the agent's place; the machine may be off.
    pub(super) fn put_instead_of_the_agent(&self, bytes: &[u8]) -> anyhow::Result<()> {
        use std::os::unix::fs::PermissionsExt as _;
        let place = self.container.path(AGENT);
        std::fs::rename(&place, self.container.path(ASIDE))?;
        std::fs::write(&place, bytes)?;
        std::fs::set_permissions(place, std::fs::Permissions::from_mode(0o755))?;
        Ok(())
    }

    pub(super) fn put_the_agent_back(&self) -> anyhow::Result<()> {
        let place = self.container.path(AGENT);
        std::fs::rename(self.container.path(ASIDE), place)?;
        self.container
            .run(&["systemctl", "restart", "patchward-agent"])?;
        self.is("patchward-agent", "active")
    }
}

/// The boot and the checks of the newest measurement.
fn measured_last(events: &[JobEvent]) -> anyhow::Result<(BootId, Vec<CheckResult>)> {
    let mut all = events.iter().rev();
    let found = all.find_map(|event| match &event.event {
        Event::Measured(measured) => Some((measured.boot, measured.checks.clone())),
        _ => None,
    });
    found.context("nothing was measured")
}
