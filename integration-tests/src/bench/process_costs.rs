//! What a process costs, as the kernel tells in `/proc`.

use anyhow::Context as _;
use std::collections::BTreeMap;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

/// `USER_HZ`, in which Linux tells times of processes on every platform of ours.
const TICKS_A_SECOND: f64 = 100.0;

/// Memory of a process in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    /// Resident.
    pub rss: f64,
    /// Resident, shared pages counted by their part.
    pub pss: f64,
}

/// Reads `/proc/PID/smaps_rollup`.
pub fn memory(pid: u32) -> anyhow::Result<Memory> {
    let path = format!("/proc/{pid}/smaps_rollup");
    let text = std::fs::read_to_string(&path).with_context(|| path.clone())?;
    let kb = |key: &str| -> anyhow::Result<f64> {
        let line = text.lines().find_map(|line| line.strip_prefix(key));
        let value = line.and_then(|line| line.split_whitespace().next());
        let value: f64 = value
            .with_context(|| format!("{path}: no {key}"))?
            .parse()?;
        Ok(value * 1_024.0)
    };
    Ok(Memory {
        rss: kb("Rss:")?,
        pss: kb("Pss:")?,
    })
}

/// The most bytes that a process was resident with since it began (`VmHWM`).
pub fn peak(pid: u32) -> anyhow::Result<u64> {
    of_status(pid, "VmHWM:")
}

/// Lets [`peak`] begin anew, at what is resident now.
pub fn forget_peak(pid: u32) -> anyhow::Result<()> {
    let path = format!("/proc/{pid}/clear_refs");
    std::fs::write(&path, "5").context(path)
}

/// How often [`growth`] looks.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Does `work`, and tells by how many bytes a process's own memory grew at most meanwhile. What it maps
/// of files is not counted: the system takes that back when it needs it.
pub fn growth<T>(pid: u32, work: impl FnOnce() -> T) -> anyhow::Result<(T, f64)> {
    let before = anonymous(pid)?;
    let (done, ends) = mpsc::channel::<()>();
    std::thread::scope(|scope| {
        let watching = scope.spawn(move || {
            let mut most = before;
            while let Err(RecvTimeoutError::Timeout) = ends.recv_timeout(LOOK_EVERY) {
                most = most.max(anonymous(pid)?);
            }
            anyhow::Ok(most.max(anonymous(pid)?))
        });
        // Dropped in a panic, too: the watcher ends.
        let done = done;
        let answer = work();
        drop(done);
        let most = watching.join();
        let most = most.map_err(|_| anyhow::anyhow!("who watched has panicked"))??;
        Ok((answer, most - before))
    })
}

/// Bytes that a process holds itself (`RssAnon`).
fn anonymous(pid: u32) -> anyhow::Result<f64> {
    Ok(of_status(pid, "RssAnon:")? as f64)
}

/// A line of `/proc/PID/status`, in bytes.
fn of_status(pid: u32, key: &str) -> anyhow::Result<u64> {
    let path = format!("/proc/{pid}/status");
    let text = std::fs::read_to_string(&path).with_context(|| path.clone())?;
    let line = text.lines().find_map(|line| line.strip_prefix(key));
    let value = line.and_then(|line| line.split_whitespace().next());
    let kb: u64 = value
        .with_context(|| format!("{path}: no {key}"))?
        .parse()?;
    Ok(kb * 1_024)
}

/// Processor time of a process, its threads and the children that it waited for.
#[derive(Debug)]
pub struct Processor {
    pid: u32,
    threads: BTreeMap<u32, u64>,
    ended_ns: u64,
}

impl Processor {
    /// Watches this process. [`Self::look`] has to come at least every few seconds, so
    /// that no thread begins and ends in between.
    pub fn of(pid: u32) -> Self {
        Self {
            pid,
            threads: BTreeMap::new(),
            ended_ns: 0,
        }
    }

    /// Seconds on a processor since the process began, to the nanosecond for its
    /// threads and to the tick for its children.
    pub fn look(&mut self) -> anyhow::Result<f64> {
        let folder = format!("/proc/{}/task", self.pid);
        let mut alive = BTreeMap::new();
        for entry in std::fs::read_dir(&folder).with_context(|| folder.clone())? {
            let entry = entry?;
            let thread = entry.file_name().to_string_lossy().parse::<u32>()?;
            // A thread may end between listing and reading.
            if let Ok(text) = std::fs::read_to_string(entry.path().join("schedstat")) {
                let on = text.split_whitespace().next().context("no schedstat")?;
                alive.insert(thread, on.parse::<u64>()?);
            }
        }
        for (thread, ns) in std::mem::take(&mut self.threads) {
            if !alive.contains_key(&thread) {
                self.ended_ns += ns;
            }
        }
        self.threads = alive;
        let threads: u64 = self.threads.values().sum();
        Ok((threads + self.ended_ns) as f64 / 1e9 + children(self.pid)?)
    }
}

/// Seconds of the children that a process waited for.
fn children(pid: u32) -> anyhow::Result<f64> {
    let path = format!("/proc/{pid}/stat");
    let text = std::fs::read_to_string(&path).with_context(|| path.clone())?;
    // The name may hold anything but ends with the last bracket; then comes field 3.
    let (_, fields) = text.rsplit_once(')').context("no name")?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let ticks = |field: usize| -> anyhow::Result<u64> {
        let text = fields.get(field - 3).context("a short line")?;
        Ok(text.parse()?)
    };
    Ok((ticks(16)? + ticks(17)?) as f64 / TICKS_A_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_costs_something() {
        let own = std::process::id();
        let memory = memory(own).unwrap();
        assert!(memory.rss >= memory.pss && memory.pss > 100_000.0);
        assert!(peak(own).unwrap() as f64 >= memory.rss);
        let (held, grown) = growth(own, || vec![1u8; 50_000_000]).unwrap();
        assert!(held[49_999_999] == 1 && grown > 40_000_000.0, "{grown}");
        let mut processor = Processor::of(own);
        let first = processor.look().unwrap();
        // Some work, whose result is looked at.
        let sum: u64 = (0..20_000_000u64).map(std::hint::black_box).sum();
        assert!(sum > 0);
        assert!(processor.look().unwrap() > first);
    }
}
