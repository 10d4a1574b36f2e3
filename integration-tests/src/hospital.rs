//! A hospital in a folder: a collector, people with keys, a vendor, machines with agent
//! and installer; all of them real processes, driven by the commands that people type.

mod row;

pub use row::Row;

use crate::ports::{free_port, free_tcp_port};
use crate::process::{Daemon, run, wait_until};
use crate::programs::Program;
use crate::vendor::Vendor;
use anyhow::{Context as _, bail};
use patchward_common::time::UtcMs;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

/// The site of the hospital.
const SITE: &str = "main";

/// A hospital.
#[derive(Debug)]
pub struct Hospital {
    folder: PathBuf,
    port: u16,
    /// The page, where there is one.
    page: Option<Page>,
    collector: Option<Daemon>,
    assignments: u64,
    /// What is assigned, by machine name.
    rows: Vec<Row>,
    /// The models of machines that are no `workstation`, by name.
    pub models: BTreeMap<String, String>,
    /// The machines.
    pub machines: Vec<Machine>,
    /// The vendor.
    pub vendor: Vendor,
}

/// The collector's page.
#[derive(Clone, Debug)]
pub struct Page {
    /// Its address, such as `https://127.0.0.1:8443`.
    pub address: String,
    /// The link of the first administrator.
    pub welcome: String,
}

/// A machine of the hospital: its folder and its two processes.
#[derive(Debug)]
pub struct Machine {
    /// Its name.
    pub name: String,
    folder: PathBuf,
    agent: Option<Daemon>,
    installer: Option<Daemon>,
    /// What both processes find in their environment, from their next start.
    pub environment: Vec<(&'static str, PathBuf)>,
}

/// The time now; the harness is a driver.
pub fn now() -> UtcMs {
    #[expect(clippy::disallowed_methods, reason = "the harness is a driver")]
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH);
    UtcMs(elapsed.map_or(0, |elapsed| {
        i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX)
    }))
}

impl Hospital {
    /// Founds a hospital in an empty `folder`: keys, collector, documents, one unit per
    /// name in `units`, all of class standard.
    pub fn found(folder: &Path, units: &[&str], products: &[&str]) -> anyhow::Result<Self> {
        Self::begun(folder, units, products, None)
    }

    /// The same with the collector's page at a port of this computer.
    pub fn found_with_page(
        folder: &Path,
        units: &[&str],
        products: &[&str],
    ) -> anyhow::Result<Self> {
        let port = free_tcp_port()?;
        Self::begun(folder, units, products, Some(port))
    }

    fn begun(
        folder: &Path,
        units: &[&str],
        products: &[&str],
        page: Option<u16>,
    ) -> anyhow::Result<Self> {
        let vendor = Vendor::new(&folder.join("vendor"), 1, now())?;
        let mut hospital = Self {
            folder: folder.to_owned(),
            port: free_port()?,
            page: None,
            collector: None,
            assignments: 0,
            rows: Vec::new(),
            models: BTreeMap::new(),
            machines: Vec::new(),
            vendor,
        };
        std::fs::create_dir_all(hospital.people())?;
        hospital.init_collector(page)?;
        hospital.start_collector()?;
        hospital.sign_documents(products)?;
        hospital.ask(&["site", "add", SITE])?;
        for unit in units {
            hospital.ask(&["unit", "add", unit, "--site", SITE, "--class", "standard"])?;
        }
        Ok(hospital)
    }

    /// The hospital's folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where people keep keys and documents; not on the collector.
    pub fn people(&self) -> PathBuf {
        self.folder.join("people")
    }

    /// The collector's folder.
    pub fn collector_folder(&self) -> PathBuf {
        self.folder.join("collector")
    }

    /// Where the collector listens.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The collector's process, while it runs.
    pub fn collector_pid(&self) -> Option<u32> {
        self.collector.as_ref().map(Daemon::pid)
    }

    /// The collector's page.
    ///
    /// # Errors
    /// Where the hospital was founded without one.
    pub fn page(&self) -> anyhow::Result<&Page> {
        self.page.as_ref().context("this hospital has no page")
    }

    fn init_collector(&mut self, page: Option<u16>) -> anyhow::Result<()> {
        let address = self.address();
        let listen = page.map_or("none".to_owned(), |port| format!("127.0.0.1:{port}"));
        let origin = page.map(|port| format!("https://localhost:{port}"));
        let origin_of = origin.iter().flat_map(|origin| ["--web-address", origin]);
        let printed = run(Command::new(Program::Collector.path()?)
            .arg("--folder")
            .arg(self.collector_folder())
            .args(["init", "--listen", &address, "--address", &address])
            // Everything happens within two minutes here.
            .args(["--pace-seconds", "1", "--json"])
            // People here have no telephone with an app for codes.
            .args(["--web-listen", &listen, "--second-factor", "offered"])
            .args(origin_of))?;
        let made: Value = serde_json::from_str(&printed).context("reading what init says")?;
        self.page = origin
            .zip(made["page"].as_str())
            .map(|(address, welcome)| Page {
                address,
                welcome: welcome.to_owned(),
            });
        Ok(())
    }

    /// Starts the collector and waits until it answers.
    pub fn start_collector(&mut self) -> anyhow::Result<()> {
        let mut daemon = Daemon::start(
            "collector",
            Command::new(Program::Collector.path()?)
                .arg("--folder")
                .arg(self.collector_folder())
                .arg("serve"),
            &self.folder.join("collector.log"),
        )?;
        daemon.wait_until("it answers", || self.ask(&["site", "list"]).is_ok())?;
        self.collector = Some(daemon);
        Ok(())
    }

    /// Ends the collector in order: machines are told to come again.
    pub fn stop_collector(&mut self) -> anyhow::Result<()> {
        self.collector.take().map_or(Ok(()), Daemon::terminate)
    }

    /// Kills the collector as a power cut would.
    pub fn kill_collector(&mut self) {
        self.collector = None;
    }

    /// Asks the collector by its command line.
    pub fn ask(&self, arguments: &[&str]) -> anyhow::Result<String> {
        run(Command::new(Program::Collector.path()?)
            .arg("--folder")
            .arg(self.collector_folder())
            .args(arguments))
    }

    /// The same, read as JSON.
    pub fn ask_json(&self, arguments: &[&str]) -> anyhow::Result<Value> {
        let text = self.ask(&[arguments, &["--json"]].concat())?;
        serde_json::from_str(&text).with_context(|| format!("reading the answer {text}"))
    }

    /// Signs by `patchward-sign`, in the folder of the people.
    pub fn sign(&self, arguments: &[&str]) -> anyhow::Result<String> {
        run(Command::new(Program::Sign.path()?)
            .current_dir(self.people())
            .args(arguments))
    }

    /// Makes a person's key and gives back its public half.
    pub fn new_key(&self, person: &str) -> anyhow::Result<String> {
        let printed = self.sign(&["key", "new", "--out", &format!("{person}.pem")])?;
        let key = printed.split_whitespace().last();
        Ok(key.context("a new key prints its public half")?.to_owned())
    }

    /// Root, charter and roster: two root keys, a registrar, two approvers, one technician.
    fn sign_documents(&self, products: &[&str]) -> anyhow::Result<()> {
        let (root_1, root_2) = (self.new_key("root-1")?, self.new_key("root-2")?);
        let registrar = self.new_key("registrar")?;
        let (ada, ben) = (self.new_key("ada")?, self.new_key("ben")?);
        let products = products.iter().map(|p| format!("\"{p}\""));
        let charter = format!(
            "number = 1\ndays = 365\n\
             [root]\nkeys = [\"{root_1}\", \"{root_2}\"]\nthreshold = 2\n\
             [[registrars]]\nname = \"rita\"\nkey = \"{registrar}\"\n\
             [[vendors]]\nvendor = \"acme\"\npublisher = \"vendor\"\nrepository = \"acme\"\nroot = \"{}\"\n\
             products = [{}]\npaths = [\"\"]\n",
            self.vendor.root_digest(),
            products.collect::<Vec<_>>().join(", "),
        );
        self.write("charter.toml", &charter)?;
        let keys = ["--key", "root-1.pem", "--key", "root-2.pem"];
        self.signed_document("charter", &keys)?;
        let go_key = self.go_key()?;
        let roster = format!(
            "number = 1\ndays = 80\n\
             [[people]]\nid = \"ada\"\nname = \"Ada, HTM\"\nroles = [\"approver\"]\nunits = \"all\"\n\
             keys = [{{ key = \"{ada}\", kind = \"file\" }}]\n\
             [[people]]\nid = \"ben\"\nname = \"Ben, HTM\"\nroles = [\"approver\"]\nunits = \"all\"\n\
             keys = [{{ key = \"{ben}\", kind = \"file\" }}]\n\
             [[go_keys]]\ncollector = \"collector\"\nkey = \"{go_key}\"\n"
        );
        self.write("roster.toml", &roster)?;
        self.signed_document("roster", &["--key", "registrar.pem"])
    }

    /// Signs `NAME.toml` as a document of that kind and takes it in.
    fn signed_document(&self, kind: &str, keys: &[&str]) -> anyhow::Result<()> {
        let (from, out) = (format!("{kind}.toml"), format!("{kind}.cbor"));
        let _ = std::fs::remove_file(self.people().join(&out));
        let fixed = [kind, "--from", &from, "--out", &out, "--yes"];
        self.sign(&[&fixed[..], keys].concat())?;
        let path = self.people().join(&out);
        self.ask(&["document", "add", &path.to_string_lossy()])?;
        Ok(())
    }

    fn write(&self, name: &str, text: &str) -> anyhow::Result<()> {
        std::fs::write(self.people().join(name), text).context("writing a description")
    }

    /// The collector's go-key, as a person copies it into the roster.
    fn go_key(&self) -> anyhow::Result<String> {
        let key = self.collector_folder().join("go.key");
        let printed = self.sign(&["key", "show", &key.to_string_lossy()])?;
        Ok(printed.trim().to_owned())
    }

    /// Adds a machine; see [`Self::add_machines`].
    pub fn add_machine(&mut self, row: Row) -> anyhow::Result<()> {
        self.add_machines(vec![row])
    }

    /// Adds machines: pins them, enrols them with a token of their unit, starts both
    /// processes of each, and waits until they have reported. What `rows` say of them is
    /// signed by both approvers with the next [`Self::assign`].
    pub fn add_machines(&mut self, rows: Vec<Row>) -> anyhow::Result<()> {
        let mut enrolling = Vec::new();
        for row in &rows {
            let (machine, id, enrolment) = self.begin(row)?;
            enrolling.push((machine, id, enrolment));
        }
        for (machine, id, enrolment) in &mut enrolling {
            // All machines here have this computer's host name, so a person names them.
            let name = machine.name.clone();
            enrolment.wait_until("it waits for acceptance", || {
                self.ask(&["machine", "accept", id, "--name", &name])
                    .is_ok()
            })?;
        }
        for (mut machine, _, enrolment) in enrolling {
            enrolment.wait_for_end()?;
            machine.start_agent()?;
            self.machines.push(machine);
        }
        for row in &rows {
            self.wait_for(&row.name, "it has reported what is installed", |shown| {
                !shown["inventory"].is_null()
            })?;
        }
        self.rows.extend(rows);
        Ok(())
    }

    /// Pins a machine and lets it ask for its certificate.
    fn begin(&self, row: &Row) -> anyhow::Result<(Machine, String, Daemon)> {
        let name = &row.name;
        let token =
            self.ask_json(&["token", "new", &format!("for-{name}"), "--unit", &row.unit])?;
        let token = token["token"].as_str().context("the token")?;
        let mut machine = Machine::new(&self.folder.join("machines").join(name), name)?;
        for (probe, text) in &row.probes {
            machine.write_probe(probe, text)?;
        }
        let pinned = machine.pin(token)?;
        let id = pinned.split_whitespace().last();
        let id = id.context("pin says the machine's id")?.to_owned();
        machine.start_installer()?;
        let enrolment = machine.enrol(token)?;
        Ok((machine, id, enrolment))
    }

    /// Signs the assignment of all machines and takes it in.
    pub fn assign(&mut self) -> anyhow::Result<()> {
        self.assignments += 1;
        let mut text = format!("number = {}\n", self.assignments);
        for row in &self.rows {
            let id = self.id_of(&row.name)?;
            let groups: Vec<String> = row
                .groups
                .iter()
                .map(|group| format!("\"{group}\""))
                .collect();
            text.push_str(&format!(
                "[[machines]]\nmachine = \"{id}\"\nname = \"{}\"\nunit = \"{}\"\nclass = \"{}\"\n\
                 groups = [{}]\nmodel = \"{}\"\nmode = \"{}\"\n",
                row.name,
                row.unit,
                row.class.word(),
                groups.join(", "),
                self.models
                    .get(&row.name)
                    .map_or("workstation", String::as_str),
                row.mode.word()
            ));
        }
        self.write("assignment.toml", &text)?;
        self.signed_document("assignment", &["--key", "ada.pem", "--key", "ben.pem"])
    }

    /// The hospital root's fingerprint, as people keep it beside the safe.
    pub fn root_fingerprint(&self) -> anyhow::Result<String> {
        let printed = self.sign(&["root", "fingerprint", "charter.cbor"])?;
        Ok(printed.trim().to_owned())
    }

    /// A machine's id.
    pub fn id_of(&self, name: &str) -> anyhow::Result<String> {
        let shown = self.ask_json(&["machine", "show", name])?;
        Ok(shown["id"]
            .as_str()
            .context("a machine has an id")?
            .to_owned())
    }

    /// Waits until what `machine show` says of a machine satisfies `holds`.
    pub fn wait_for(
        &self,
        name: &str,
        what: &str,
        holds: impl Fn(&Value) -> bool,
    ) -> anyhow::Result<()> {
        wait_until(&format!("{name}: {what}"), || {
            self.ask_json(&["machine", "show", name])
                .is_ok_and(|shown| holds(&shown))
        })
        .with_context(|| self.logs(name))
    }

    /// Takes in what the vendor has published.
    pub fn import(&self) -> anyhow::Result<String> {
        let folder = self.vendor.folder.to_string_lossy().into_owned();
        self.ask(&["release", "import", "acme", &folder])
    }

    /// Makes a plan and gives back its id and what was shown.
    pub fn plan(&self, arguments: &[&str]) -> anyhow::Result<(String, String)> {
        let shown = self.ask(&[&["plan", "new"], arguments].concat())?;
        let mut lines = shown.lines().filter_map(|line| line.strip_prefix("Plan "));
        let said = lines.find_map(|rest| rest.split_once(':'));
        let id = said.context("`plan new` says the plan's id")?.0.to_owned();
        Ok((id, shown))
    }

    /// Exports a plan, lets `people` sign it and takes it back.
    pub fn approve(&self, plan: &str, people: &[&str]) -> anyhow::Result<String> {
        let out = self.people().join(format!("{plan}.plan"));
        let out_text = out.to_string_lossy().into_owned();
        self.ask(&["plan", "export", plan, "--out", &out_text])?;
        let signed = format!("{plan}.signed");
        let keys: Vec<String> = people
            .iter()
            .map(|person| format!("{person}.pem"))
            .collect();
        let root = self.root_fingerprint()?;
        let mut arguments = vec![
            "approve", &out_text, "--out", &signed, "--yes", "--root", &root,
        ];
        for key in &keys {
            arguments.extend(["--key", key]);
        }
        let shown = self.sign(&arguments)?;
        let signed = self.people().join(signed);
        self.ask(&["plan", "sign", &signed.to_string_lossy()])?;
        Ok(shown)
    }

    /// The state's word and the reason of a machine's job of a plan.
    pub fn job(&self, plan: &str, machine: &str) -> anyhow::Result<(String, String)> {
        let jobs = self.ask_json(&["job", "list", "--plan", plan, "--machine", machine])?;
        let Some(job) = jobs.as_array().and_then(|jobs| jobs.first()) else {
            bail!("{machine} has no job of plan {plan}");
        };
        let text = |key: &str| job[key].as_str().unwrap_or_default().to_owned();
        Ok((text("state"), text("why")))
    }

    /// Waits until a machine's job of a plan is in `state`.
    pub fn wait_for_job(&self, plan: &str, machine: &str, state: &str) -> anyhow::Result<String> {
        let mut last = (String::new(), String::new());
        wait_until(&format!("the job of {machine} is {state}"), || {
            match self.job(plan, machine) {
                Ok(job) => {
                    last = job;
                    last.0 == state
                }
                Err(_) => false,
            }
        })
        .with_context(|| format!("it is {} ({})\n{}", last.0, last.1, self.logs(machine)))?;
        Ok(last.1)
    }

    /// The machine with this name.
    pub fn machine(&mut self, name: &str) -> anyhow::Result<&mut Machine> {
        let found = self
            .machines
            .iter_mut()
            .find(|machine| machine.name == name);
        found.with_context(|| format!("there is no machine {name}"))
    }

    fn logs(&self, machine: &str) -> String {
        let log = |path: PathBuf| {
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            let lines: Vec<&str> = text.lines().collect();
            let last = lines[lines.len().saturating_sub(15)..].join("\n");
            format!("--- {}\n{last}\n", path.display())
        };
        let folder = self.folder.join("machines").join(machine);
        [
            log(self.folder.join("collector.log")),
            log(folder.join("agent.log")),
            log(folder.join("installer.log")),
        ]
        .concat()
    }
}

impl Machine {
    fn new(folder: &Path, name: &str) -> anyhow::Result<Self> {
        for part in ["agent", "probes.d", "recipes.d", "trees", "root"] {
            std::fs::create_dir_all(folder.join(part))?;
        }
        let machine = Self {
            name: name.to_owned(),
            folder: folder.to_owned(),
            agent: None,
            installer: None,
            environment: Vec::new(),
        };
        machine.write_settings()?;
        // In use while this file holds `in_use`.
        machine.set_in_use(false)?;
        let flag = machine.path("use");
        machine.write_probe(
            "busy",
            &format!(
                "kind = \"command\"\npurpose = \"interlock\"\nargv = [\"/bin/cat\", {flag:?}]\n"
            ),
        )?;
        Ok(machine)
    }

    /// A path in the machine's folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn write_settings(&self) -> anyhow::Result<()> {
        let user = rustix::process::geteuid().as_raw();
        let group = rustix::process::getegid().as_raw();
        let boot_id = self.path("boot_id");
        if !boot_id.exists() {
            self.reboot_to(rand::random())?;
        }
        let installer = format!(
            "state_dir = {:?}\nagent_dir = {:?}\nsocket = {:?}\nagent_user = \"{user}\"\n\
             ward_group = \"{group}\"\nrunner = \"child\"\nprobes_dir = {:?}\nrecipes_dir = {:?}\n\
             probe_user = \"{user}\"\ntrees_dir = {:?}\npackages_root = {:?}\n\
             reboot_argv = [\"/bin/true\"]\ncheck_patience_seconds = 2\nboot_id_file = {boot_id:?}\n\
             screen_file = {:?}\nnologin_file = {:?}\ncall = \"clinical engineering, 4711\"\n",
            self.path("installer"),
            self.path("agent"),
            self.path("installer.sock"),
            self.path("probes.d"),
            self.path("recipes.d"),
            self.path("trees"),
            self.path("root"),
            self.path("screen"),
            self.path("nologin"),
        );
        std::fs::write(self.path("installer.toml"), installer)?;
        let agent = format!(
            "state_dir = {:?}\ninstaller_socket = {:?}\nprobes_dir = {:?}\nprobes_owner = {user}\n\
             boot_id_file = {boot_id:?}\ntrees_dir = {:?}\nlook_minutes = 1\ndownload_bytes_per_second = 0\n",
            self.path("agent"),
            self.path("installer.sock"),
            self.path("probes.d"),
            self.path("trees"),
        );
        std::fs::write(self.path("agent.toml"), agent)?;
        Ok(())
    }

    /// Writes a probe of the machine.
    pub fn write_probe(&self, name: &str, text: &str) -> anyhow::Result<()> {
        let path = self.path("probes.d").join(format!("{name}.toml"));
        std::fs::write(path, text).context("writing a probe")
    }

    /// Says whether somebody uses the machine.
    pub fn set_in_use(&self, used: bool) -> anyhow::Result<()> {
        let word = if used { "in_use\n" } else { "idle\n" };
        std::fs::write(self.path("use"), word).context("writing the flag")
    }

    /// Gives the machine another boot id, as a restart does.
    pub fn reboot_to(&self, boot: u128) -> anyhow::Result<()> {
        std::fs::write(self.path("boot_id"), format!("{boot:032x}\n")).context("writing a boot id")
    }

    fn installer(&self) -> anyhow::Result<Command> {
        let mut command = Command::new(Program::Installer.path()?);
        command.arg("--config").arg(self.path("installer.toml"));
        command.envs(self.environment.iter().cloned());
        Ok(command)
    }

    fn agent(&self) -> anyhow::Result<Command> {
        let mut command = Command::new(Program::Agent.path()?);
        command.arg("--config").arg(self.path("agent.toml"));
        command.envs(self.environment.iter().cloned());
        Ok(command)
    }

    /// Pins the hospital root.
    pub fn pin(&self, token: &str) -> anyhow::Result<String> {
        run(self.installer()?.args(["pin", token]))
    }

    /// Asks for the first certificate; a person must accept before it ends.
    pub fn enrol(&self, token: &str) -> anyhow::Result<Daemon> {
        let mut command = self.agent()?;
        command.args(["enroll", "--token", token]);
        Daemon::start("enrolment", &mut command, &self.path("enrol.log"))
    }

    /// Asks the agent by its command line.
    pub fn ask_agent(&self, arguments: &[&str]) -> anyhow::Result<String> {
        run(self.agent()?.args(arguments))
    }

    /// Asks the installer by its command line.
    pub fn ask_installer(&self, arguments: &[&str]) -> anyhow::Result<String> {
        run(self.installer()?.args(arguments))
    }

    /// Starts the installer and waits for its socket.
    pub fn start_installer(&mut self) -> anyhow::Result<()> {
        let socket = self.path("installer.sock");
        let mut daemon = Daemon::start(
            "installer",
            self.installer()?.arg("run").arg("--socket").arg(&socket),
            &self.path("installer.log"),
        )?;
        daemon.wait_until("it listens", || {
            std::os::unix::net::UnixStream::connect(&socket).is_ok()
        })?;
        self.installer = Some(daemon);
        Ok(())
    }

    /// Kills the installer as a power cut would.
    pub fn kill_installer(&mut self) {
        self.installer = None;
    }

    /// Starts the agent.
    pub fn start_agent(&mut self) -> anyhow::Result<()> {
        let daemon = Daemon::start("agent", self.agent()?.arg("run"), &self.path("agent.log"))?;
        self.agent = Some(daemon);
        Ok(())
    }

    /// Kills the agent.
    pub fn kill_agent(&mut self) {
        self.agent = None;
    }

    /// Ends the agent in order.
    pub fn stop_agent(&mut self) -> anyhow::Result<()> {
        self.agent.take().map_or(Ok(()), Daemon::terminate)
    }

    /// What the agent has printed.
    pub fn agent_log(&self) -> String {
        std::fs::read_to_string(self.path("agent.log")).unwrap_or_default()
    }

    /// The agent's process, while it runs.
    pub fn agent_pid(&self) -> Option<u32> {
        self.agent.as_ref().map(Daemon::pid)
    }

    /// The version that a tree's `current` points to.
    pub fn tree_version(&self, tree: &str) -> Option<String> {
        let target = std::fs::read_link(self.path("trees").join(tree).join("current")).ok()?;
        Some(target.file_name()?.to_string_lossy().into_owned())
    }
}
