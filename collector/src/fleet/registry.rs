//! Who is connected, and what is remembered of each machine so that a quiet hello asks
//! no database. Pure but for the connections that it hands back.

mod holding;
mod known;
mod shared;

pub use holding::Holding;
pub(super) use holding::Took;
pub(super) use known::{Given, JournalEnd, Known, Said, Stored};

use crate::item::refused::Refusal;
use patchward_common::digest::Digest;
use patchward_common::id::{BootId, MachineId, Name};
use patchward_common::time::{MINUTE_MS, UtcMs};
use patchward_common::wire::machine::{Hello, ShortDigest};
use std::collections::{HashMap, HashSet};

/// Earlier boots that are remembered of a machine: two that take turns are told by two.
const BOOTS: usize = 4;
/// Earlier watermarks that are remembered: an installer that was put back to an older
/// state shows one of them again.
const WATERMARKS: usize = 8;
/// So many takeovers from a connection that still lived, within [`TAKEOVER_MS`], are two
/// machines that throw one another out. A bad network does it once or twice.
const TAKEOVERS: u32 = 6;
/// Connections that one machine may have open; an honest one has two for a moment, when
/// the old one is dead and not yet given up.
const OPEN: usize = 4;
/// See [`TAKEOVERS`].
const TAKEOVER_MS: i64 = 10 * MINUTE_MS;

/// Every machine that was heard since the start. `C` is a connection.
pub(super) struct Registry<C> {
    machines: HashMap<MachineId, Entry<C>>,
    revoked: HashSet<String>,
    /// Machines of which the store is asked, each with the number of the asking.
    asking: HashMap<MachineId, u64>,
    asked: u64,
}

struct Entry<C> {
    /// Every connection with its certificate, oldest first.
    open: Vec<(usize, C)>,
    /// The one that said hello last.
    live: Option<Live<C>>,
    known: Option<Known>,
    /// What the store, or this registry, said last of a suspicion.
    is_suspect: bool,
    /// The boots before the present one, newest first.
    boots: Vec<BootId>,
    /// Its boot as it last said it here, where it may have said another to another collector.
    boot: Option<BootId>,
    takeovers: u32,
    first_takeover: UtcMs,
    /// Its watermarks, newest first.
    watermarks: Vec<ShortDigest>,
    is_regressed: bool,
    /// When it last said that it has all that it is to hold; `None` once it lacks something.
    holds: Option<UtcMs>,
    /// Why it got no go when it asked last. Boxed: few machines ask at a time.
    refused: Option<Box<Refusal>>,
}

impl<C> Default for Entry<C> {
    fn default() -> Self {
        Self {
            open: Vec::new(),
            live: None,
            known: None,
            is_suspect: false,
            boots: Vec::new(),
            boot: None,
            takeovers: 0,
            first_takeover: UtcMs(0),
            watermarks: Vec::new(),
            is_regressed: false,
            holds: None,
            refused: None,
        }
    }
}

struct Live<C> {
    connection: C,
    id: usize,
    /// As of its last hello; a connection that said none replaces nobody.
    fingerprint: ShortDigest,
}

/// The certificate was revoked.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Revoked;

/// What a hello tells about who says it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Noticed<C> {
    /// The machine that is expected.
    Itself,
    /// The same machine on a new connection; the old one is closed.
    Again(C),
    /// One change of its facts: let in, and a person is asked.
    Changed(String),
    /// Another machine with its identity: refused.
    Clone(String),
}

impl<C: Clone> Registry<C> {
    pub(super) fn new(revoked: HashSet<String>) -> Self {
        Self {
            machines: HashMap::new(),
            revoked,
            asking: HashMap::new(),
            asked: 0,
        }
    }

    /// A connection begins. Refused where its certificate was revoked; a machine with too
    /// many gets back the oldest to be closed, but never the one that said hello: whoever
    /// has a copy of its certificate must not throw the machine itself out.
    pub(super) fn join(
        &mut self,
        machine: MachineId,
        serial: &str,
        (id, connection): (usize, &C),
    ) -> Result<Option<C>, Revoked> {
        if self.is_revoked(serial) {
            return Err(Revoked);
        }
        let entry = self.machines.entry(machine).or_default();
        entry.open.push((id, connection.clone()));
        if entry.open.len() <= OPEN {
            return Ok(None);
        }
        let live = entry.live.as_ref().map(|live| live.id);
        let oldest = entry.open.iter().position(|(id, _)| Some(*id) != live);
        Ok(oldest.map(|oldest| entry.open.remove(oldest).1))
    }

    /// Whether a certificate may be used.
    pub(super) fn is_revoked(&self, serial: &str) -> bool {
        self.revoked.contains(serial)
    }

    /// Replaces the set of revoked serial numbers.
    pub(super) fn set_revoked(&mut self, revoked: HashSet<String>) {
        self.revoked = revoked;
    }

    /// What is remembered of a machine.
    pub(super) fn known(&self, machine: &MachineId) -> Option<&Known> {
        self.machines.get(machine)?.known.as_ref()
    }

    /// The store is asked of a machine. Gives back the number of the asking: what is learned by
    /// it counts unless the machine is to be forgotten meanwhile.
    pub(super) fn asks(&mut self, machine: MachineId) -> u64 {
        self.asked += 1;
        self.asking.insert(machine, self.asked);
        self.asked
    }

    /// Remembers what the store knows, if nobody was faster, and it was not to be forgotten since
    /// the store was asked. Where a person cleared a suspicion, what led to it is over:
    /// only then are boots and watermarks forgotten.
    pub(super) fn learn(&mut self, machine: MachineId, known: Known, asked: u64) {
        if self.asking.get(&machine) != Some(&asked) {
            return;
        }
        self.asking.remove(&machine);
        let entry = self.machines.entry(machine).or_default();
        if entry.known.is_some() {
            return;
        }
        if entry.is_suspect && !known.is_suspect {
            entry.boots.clear();
            entry.boot = None;
            entry.takeovers = 0;
            entry.watermarks.clear();
            entry.is_regressed = false;
        }
        entry.is_suspect = known.is_suspect;
        entry.booted_elsewhere(&known);
        entry.known = Some(known);
    }

    /// A suspicion was stored.
    pub(super) fn suspect(&mut self, machine: &MachineId) {
        if let Some(entry) = self.machines.get_mut(machine) {
            entry.is_suspect = true;
        }
        self.update(machine, |known| known.is_suspect = true);
    }

    /// Changes what is remembered.
    pub(super) fn update(&mut self, machine: &MachineId, change: impl FnOnce(&mut Known)) {
        if let Some(known) = self
            .machines
            .get_mut(machine)
            .and_then(|e| e.known.as_mut())
        {
            change(known);
        }
    }

    /// Forgets what the store said, so that it is asked again: after a renewal, or after a
    /// person changed something. What the machine itself showed is kept, or every renewal
    /// would let a copy begin anew.
    pub(super) fn forget(&mut self, machine: &MachineId) {
        self.asking.remove(machine);
        if let Some(entry) = self.machines.get_mut(machine) {
            entry.known = None;
        }
    }

    /// A machine says hello on a connection; judges whether it is the one, and if so
    /// makes the connection its live one.
    pub(super) fn heard(
        &mut self,
        machine: MachineId,
        (id, connection): (usize, &C),
        hello: &Hello,
        now: UtcMs,
    ) -> Noticed<C> {
        let entry = self.machines.entry(machine).or_default();
        let other = entry.live.as_ref().filter(|live| live.id != id);
        if other.is_some_and(|live| live.fingerprint != hello.fingerprint) {
            return Noticed::Clone("two connected machines with different facts".into());
        }
        if entry.boots.contains(&hello.boot) {
            return Noticed::Clone("two boots take turns".into());
        }
        if other.is_some() {
            if now.since_ms(entry.first_takeover) > TAKEOVER_MS {
                entry.first_takeover = now;
                entry.takeovers = 0;
            }
            entry.takeovers += 1;
            if entry.takeovers >= TAKEOVERS {
                return Noticed::Clone("two connections throw one another out".into());
            }
        }
        let replaced = other.map(|live| live.connection.clone());
        entry.live = Some(Live {
            connection: connection.clone(),
            id,
            fingerprint: hello.fingerprint,
        });
        let before = entry.known.as_ref().and_then(|known| known.said.as_ref());
        // Zeros: the installer did not answer.
        if hello.watermark != Digest::default() {
            let now = ShortDigest::from(hello.watermark);
            if let (Some(said), true) = (before, entry.watermarks.is_empty()) {
                entry.watermarks.push(said.hello.watermark.into());
            }
            if entry.watermarks.first() != Some(&now) {
                entry.is_regressed = entry.watermarks.contains(&now);
                entry.watermarks.insert(0, now);
                entry.watermarks.truncate(WATERMARKS);
            }
        }
        let before = before.map(|said| (said.hello.boot, said.hello.fingerprint));
        if let Some((boot, _)) = before
            && boot != hello.boot
        {
            entry.boots.insert(0, boot);
            entry.boots.truncate(BOOTS);
        }
        match (before, replaced) {
            (Some((_, fingerprint)), _) if fingerprint != hello.fingerprint => {
                Noticed::Changed("its facts changed once: another mainboard, or a copy".into())
            }
            (_, Some(old)) => Noticed::Again(old),
            (_, None) => Noticed::Itself,
        }
    }

    /// Whether a machine's watermark is one that it had before another.
    pub(super) fn is_regressed(&self, machine: &MachineId) -> bool {
        let entry = self.machines.get(machine);
        entry.is_some_and(|entry| entry.is_regressed)
    }

    /// What a machine got when it asked for a go: `None` where it got one. It is derived,
    /// and comes again with the next ask. Gives back whether it is another answer than before.
    pub(super) fn answered(&mut self, machine: &MachineId, refused: Option<Refusal>) -> bool {
        let Some(entry) = self.machines.get_mut(machine) else {
            return true;
        };
        let why = |one: &Refusal| (one.job, one.not.clone());
        let before = entry.refused.as_deref().map(why);
        let is_news = before != refused.as_ref().map(why);
        entry.refused = refused.map(Box::new);
        is_news
    }

    /// Every last ask for a go that was refused.
    pub(super) fn refusals(&self) -> impl Iterator<Item = &Refusal> {
        let entries = self.machines.values();
        entries.filter_map(|entry| entry.refused.as_deref())
    }

    /// A connection ended.
    pub(super) fn left(&mut self, machine: &MachineId, id: usize) {
        let Some(entry) = self.machines.get_mut(machine) else {
            return;
        };
        entry.open.retain(|(open, _)| *open != id);
        if entry.live.as_ref().is_some_and(|live| live.id == id) {
            entry.live = None;
        }
        // Somebody with a certificate, of whom nothing is known: nothing to keep.
        if entry.open.is_empty() && entry.known.is_none() {
            self.machines.remove(machine);
            self.asking.remove(machine);
        }
    }

    /// Every connection of a machine, whether it said hello or not.
    pub(super) fn all_of(&self, machine: &MachineId) -> Vec<C> {
        let entry = self.machines.get(machine).into_iter();
        entry
            .flat_map(|entry| entry.open.iter().map(|(_, connection)| connection.clone()))
            .collect()
    }

    /// The live connection of a machine.
    pub(super) fn connection(&self, machine: &MachineId) -> Option<C> {
        let live = self.machines.get(machine)?.live.as_ref()?;
        Some(live.connection.clone())
    }

    /// The live connections and whose they are, of one unit or of all.
    pub(super) fn connections(&self, unit: Option<&Name>) -> Vec<(MachineId, C)> {
        let wanted = |(_, entry): &(&MachineId, &Entry<C>)| match unit {
            None => true,
            Some(unit) => entry
                .known
                .as_ref()
                .is_some_and(|known| known.unit == *unit),
        };
        let entries = self.machines.iter().filter(wanted);
        entries
            .filter_map(|(machine, entry)| {
                Some((*machine, entry.live.as_ref()?.connection.clone()))
            })
            .collect()
    }

    /// How many machines are connected.
    pub(super) fn count(&self) -> usize {
        self.machines.values().filter(|e| e.live.is_some()).count()
    }
}

#[cfg(test)]
mod tests;
