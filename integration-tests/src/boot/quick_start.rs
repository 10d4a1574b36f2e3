//! The README's quick start, followed letter by letter: a collector on one machine, an agent on
//! another, in two network namespaces that a bridge joins. What is typed comes from the README;
//! here are only the hospital's part (names, addresses, a copied package) and the person's eyes.

use super::Choice;
use super::container::{Container, Wire};
use super::guide::{self, Block, Host, QUESTION};
use super::patience::until;
use super::root;
use super::terminal::Terminal;
use anyhow::{Context as _, bail, ensure};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// What the hosts are called, and their addresses: what a hospital's DHCP and DNS say.
const COLLECTOR: (&str, &str) = ("patchward", "10.77.0.1");
const MACHINE: (&str, &str) = ("pc-1", "10.77.0.2");
/// The hospital's part of their names.
const DOMAIN: &str = "hospital.example";
/// How a token begins that a person copies at one terminal and pastes into the other.
const TOKEN: &str = "patchward1.";
/// The line with which a block ends that takes what a person pastes.
const PASTE: &str = "read -r TOKEN";
/// How often a block is typed again whose commands are done and do not show it yet: each
/// takes a second or so, and what it waits for is a report.
const AGAIN: u32 = 100;

/// A host of the quick start, and the terminal of the person in front of it.
struct Seat {
    // First: it ends before what it runs in.
    terminal: Terminal,
    container: Container,
}

/// Follows it on two machines.
///
/// # Errors
/// What failed, or did not show what the README says, with both terminals and journals.
pub(super) fn run(choice: &Choice, says: &dyn Fn(&str)) -> anyhow::Result<()> {
    let blocks = guide::blocks()?;
    says("two Debian machines for the quick start");
    let collector = Seat::take(choice, COLLECTOR, &choice.collector, Wire::New)?;
    let wire = collector.container.network()?;
    let machine = Seat::take(choice, MACHINE, &choice.agent, wire)?;
    let mut seats = [collector, machine];
    if let Err(error) = follow(&blocks, &mut seats, says) {
        for seat in &seats {
            println!("--- terminal\n{}", seat.terminal.printed());
            println!("{}", seat.container.story());
        }
        return Err(error.context("the README's quick start"));
    }
    // The machine goes first, as at an end of work.
    let [collector, machine] = seats;
    machine.leave()?;
    collector.leave()
}

fn follow(blocks: &[Block], seats: &mut [Seat; 2], says: &dyn Fn(&str)) -> anyhow::Result<()> {
    for block in blocks {
        let first = block.typed.lines().next().unwrap_or_default();
        says(&format!("{:?}: {first}", block.host));
        let [collector, machine] = &mut *seats;
        match block.host {
            Host::Collector => collector.follow(block, &machine.terminal)?,
            Host::Machine => machine.follow(block, &collector.terminal)?,
        }
    }
    let [collector, machine] = seats;
    collector.terminal.done()?;
    machine.terminal.done()?;
    collector.knows_and_hears()
}

impl Seat {
    /// Lays out a host, boots it, puts its package where the person is, and logs in.
    fn take(
        choice: &Choice,
        (name, address): (&str, &str),
        package: &Path,
        wire: Wire,
    ) -> anyhow::Result<Self> {
        let root = root::fresh(&choice.folder, name)?;
        connect(&root, address)?;
        let file = package.file_name().context("a package is a file")?;
        std::fs::copy(package, root.join("root").join(file))
            .with_context(|| format!("reading {}", package.display()))?;
        let log = |what: &str| choice.folder.join(format!("{name}-{what}.log"));
        std::fs::write(log("console"), "")?;
        let mut container = Container::new(&root, &log("console"), wire);
        container.boot()?;
        // nspawn covers the boot id of the computer below with one of its own, and services in
        // their sandboxes see below the cover. Without it all see the same, as on a computer.
        container.run(&["umount", "/proc/sys/kernel/random/boot_id"])?;
        until(&format!("{name} has its address"), || {
            let shown = container.run(&["networkctl", "--no-pager", "status"]);
            shown.is_ok_and(|shown| shown.contains(address))
        })?;
        Ok(Self {
            terminal: Terminal::open(name, &container, log("terminal"))?,
            container,
        })
    }

    /// Types a block when the one before is done, answers as a person does, and looks.
    fn follow(&mut self, block: &Block, other: &Terminal) -> anyhow::Result<()> {
        for _ in 0..AGAIN {
            self.terminal.done()?;
            self.terminal.begins(&block.typed)?;
            if block.typed.lines().last() == Some(PASTE) {
                self.terminal.types(&token(&other.printed())?)?;
            }
            // What answers a question is read by the program that asks, and by it alone: nothing
            // else is typed before it has shown that it took the answer.
            let asks = block
                .shown
                .iter()
                .rposition(|line| line.ends_with(QUESTION));
            let (first, later) = block.shown.split_at(asks.map_or(0, |at| at + 2));
            for line in first {
                ensure!(self.terminal.shows(line)?, "it does not show {line}");
                if line.ends_with(QUESTION) {
                    self.terminal.types("yes")?;
                }
            }
            self.terminal.typed()?;
            let mut missing = None;
            for line in later {
                if !self.terminal.shows(line)? {
                    missing.get_or_insert(line);
                }
            }
            match missing {
                None => return Ok(()),
                Some(_) if block.again => {}
                Some(line) => bail!(
                    "{:?} does not show {line:?}:\n{}",
                    block.typed,
                    self.terminal.printed()
                ),
            }
        }
        bail!("{:?} never showed {:?}", block.typed, block.shown)
    }

    /// Logs out, and switches the host off.
    fn leave(self) -> anyhow::Result<()> {
        let Self {
            terminal,
            mut container,
        } = self;
        drop(terminal);
        container.power_off()
    }

    /// What the terminals showed is no accident: the collector has the machine's certificate
    /// and a connection with a hello over it.
    fn knows_and_hears(&self) -> anyhow::Result<()> {
        let shows = format!("patchward-collector machine show {} --json", MACHINE.0);
        let said = self.container.shell(&shows)?;
        let shown: Value = serde_json::from_str(&said).with_context(|| said.clone())?;
        ensure!(shown["connected"] == Value::Bool(true), "{said}");
        ensure!(shown["last_seen"].is_string(), "{said}");
        Ok(())
    }
}

/// The token that somebody reads at a terminal.
fn token(printed: &str) -> anyhow::Result<String> {
    let mut words = printed.split_whitespace().rev();
    let token = words.find(|word| word.starts_with(TOKEN));
    token.map(str::to_owned).context("no token is shown")
}

/// A fixed address, and the names of both: what DHCP and DNS do in a hospital.
fn connect(root: &Path, address: &str) -> anyhow::Result<()> {
    let put = |path: &str, text: &str| {
        let path: PathBuf = root.join(path);
        std::fs::write(&path, text).with_context(|| format!("writing {}", path.display()))
    };
    let network = format!(
        "[Match]\nName=host0\n[Network]\nAddress={address}/24\nLinkLocalAddressing=no\n\
         IPv6AcceptRA=no\n"
    );
    put("etc/systemd/network/10-host0.network", &network)?;
    let mut hosts = "127.0.0.1 localhost\n".to_owned();
    for (name, address) in [COLLECTOR, MACHINE] {
        hosts.push_str(&format!("{address} {name}.{DOMAIN} {name}\n"));
    }
    put("etc/hosts", &hosts)?;
    let wants = root.join("etc/systemd/system/multi-user.target.wants");
    std::fs::create_dir_all(&wants)?;
    let unit = "systemd-networkd.service";
    std::os::unix::fs::symlink(format!("/lib/systemd/system/{unit}"), wants.join(unit))
        .context("networkd starts at boot")
}
