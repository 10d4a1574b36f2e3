//! What a benchmark found, and how it is shown: the machine, the work, the figure with
//! its spread, and whether it reaches what was asked for.

use std::fmt;
use std::path::Path;
use std::time::Instant;

/// The clock of the benchmarks.
#[expect(clippy::disallowed_methods, reason = "benchmarks measure time")]
pub fn clock() -> Instant {
    Instant::now()
}

/// Several runs of the same work.
#[derive(Clone, Debug)]
pub struct Spread {
    sorted: Vec<f64>,
}

impl Spread {
    /// Of these runs, in any order.
    ///
    /// # Errors
    /// Where there are none.
    pub fn of(runs: impl IntoIterator<Item = f64>) -> anyhow::Result<Self> {
        let mut sorted: Vec<f64> = runs.into_iter().collect();
        anyhow::ensure!(!sorted.is_empty(), "nothing was measured");
        sorted.sort_by(f64::total_cmp);
        Ok(Self { sorted })
    }

    /// The run below which `part` of all runs lie.
    pub fn at(&self, part: f64) -> f64 {
        let last = self.sorted.len() - 1;
        #[expect(clippy::cast_possible_truncation, reason = "an index of this list")]
        #[expect(clippy::cast_sign_loss, reason = "neither is negative")]
        let index = (last as f64 * part).round() as usize;
        self.sorted[index.min(last)]
    }

    /// The middle run.
    pub fn median(&self) -> f64 {
        self.at(0.5)
    }

    /// How many.
    pub fn runs(&self) -> usize {
        self.sorted.len()
    }

    /// Every run less a constant: what the work took beside something known.
    pub fn less(&self, constant: f64) -> Self {
        Self {
            sorted: self.sorted.iter().map(|run| run - constant).collect(),
        }
    }

    /// As text: the median, and a tenth and nine tenths of the runs.
    pub fn text(&self, unit: &str) -> String {
        let (low, high) = (self.at(0.1), self.at(0.9));
        format!(
            "{} {unit} ({} to {}, {} runs)",
            number(self.median()),
            number(low),
            number(high),
            self.runs()
        )
    }
}

/// Three digits that say something.
fn number(value: f64) -> String {
    match value.abs() {
        v if v >= 100.0 => format!("{value:.0}"),
        v if v >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// What was asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reach {
    /// Not more than.
    AtMost(f64),
    /// Not less than.
    AtLeast(f64),
    /// Nothing: shown beside a figure to explain it.
    Shown,
}

/// One figure.
#[derive(Clone, Debug)]
pub struct Figure {
    /// What was measured.
    pub what: String,
    /// Its unit.
    pub unit: &'static str,
    /// The figure.
    pub value: f64,
    /// The figure with its spread, as people read it.
    pub text: String,
    /// What was asked for.
    pub reach: Reach,
}

impl Figure {
    /// The median of several runs.
    pub fn median(what: &str, unit: &'static str, runs: &Spread, reach: Reach) -> Self {
        Self {
            what: what.to_owned(),
            unit,
            value: runs.median(),
            text: runs.text(unit),
            reach,
        }
    }

    /// One value.
    pub fn one(what: &str, unit: &'static str, value: f64, reach: Reach) -> Self {
        Self {
            what: what.to_owned(),
            unit,
            value,
            text: format!("{} {unit}", number(value)),
            reach,
        }
    }

    /// Whether it is what was asked for; `None` where nothing was.
    pub fn is_reached(&self) -> Option<bool> {
        match self.reach {
            Reach::AtMost(limit) => Some(self.value <= limit),
            Reach::AtLeast(limit) => Some(self.value >= limit),
            Reach::Shown => None,
        }
    }

    fn asked(&self) -> String {
        match self.reach {
            Reach::AtMost(limit) => format!("≤ {} {}", number(limit), self.unit),
            Reach::AtLeast(limit) => format!("≥ {} {}", number(limit), self.unit),
            Reach::Shown => String::new(),
        }
    }
}

/// What one benchmark found.
#[derive(Clone, Debug)]
pub struct Report {
    /// The word that runs it.
    pub word: &'static str,
    /// What was done, in a few sentences.
    pub work: String,
    /// What was found.
    pub figures: Vec<Figure>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n{}: {}", self.word, self.work)?;
        for figure in &self.figures {
            let judged = match figure.is_reached() {
                Some(true) => format!("reached ({})", figure.asked()),
                Some(false) => format!("MISSED ({})", figure.asked()),
                None => String::new(),
            };
            writeln!(f, "  {:<58}{:<44}{judged}", figure.what, figure.text)?;
        }
        Ok(())
    }
}

/// The rows of `docs/benchmarks.md` for these reports.
pub fn table(reports: &[Report]) -> String {
    let mut text = String::from("| what | reach | measured | |\n|---|---|---|---|\n");
    for report in reports {
        for figure in &report.figures {
            let judged = match figure.is_reached() {
                Some(true) => "reached",
                Some(false) => "**missed**",
                None => "",
            };
            text.push_str(&format!(
                "| {} | {} | {} | {judged} |\n",
                figure.what,
                figure.asked(),
                figure.text
            ));
        }
    }
    text
}

/// This computer and what else it does now.
pub fn computer() -> String {
    let read = |path: &str| std::fs::read_to_string(Path::new(path)).unwrap_or_default();
    let field = |text: &str, key: &str, mark: char| {
        let line = text.lines().find(|line| line.starts_with(key));
        let value = line.and_then(|line| line.split_once(mark));
        value.map_or("?".to_owned(), |(_, value)| {
            value.trim().trim_matches('"').to_owned()
        })
    };
    let processor = field(&read("/proc/cpuinfo"), "model name", ':');
    let memory = field(&read("/proc/meminfo"), "MemTotal", ':');
    let system = field(&read("/etc/os-release"), "PRETTY_NAME", '=');
    let kernel = read("/proc/sys/kernel/osrelease");
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    format!(
        "{cores} cores of {processor}, {memory}, {system}, Linux {}; {}",
        kernel.trim(),
        load()
    )
}

/// What else this computer does.
pub fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let minute = text.split(' ').next().unwrap_or("?");
    format!("load over the last minute {minute}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_has_a_middle_and_ends() {
        assert!(Spread::of([]).is_err());
        let spread = Spread::of([3.0, 1.0, 2.0, 5.0, 4.0]).unwrap();
        assert_eq!(
            (spread.at(0.0), spread.median(), spread.at(1.0)),
            (1.0, 3.0, 5.0)
        );
        assert_eq!(spread.less(1.0).median(), 2.0);
        assert_eq!(spread.text("ms"), "3.00 ms (1.00 to 5.00, 5 runs)");
    }

    #[test]
    fn a_figure_knows_whether_it_is_reached() {
        let is_reached = |reach| Figure::one("x", "ms", 2.0, reach).is_reached();
        assert_eq!(is_reached(Reach::AtMost(2.0)), Some(true));
        assert_eq!(is_reached(Reach::AtMost(1.9)), Some(false));
        assert_eq!(is_reached(Reach::AtLeast(2.1)), Some(false));
        assert_eq!(is_reached(Reach::Shown), None);
        let report = Report {
            word: "x",
            work: "nothing".into(),
            figures: vec![Figure::one("it", "ms", 2.0, Reach::AtMost(1.0))],
        };
        assert!(report.to_string().contains("MISSED (≤ 1.00 ms)"));
        assert!(table(&[report]).contains("| it | ≤ 1.00 ms | 2.00 ms | **missed** |"));
    }
}
