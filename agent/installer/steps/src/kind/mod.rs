//! The three ways of installing, behind one interface. Each says what it would run, how
//! it goes back, and what is there now; none of them decides.

pub mod packages;
pub mod recipe;
pub mod tree;

use crate::command::{self, Caller, Limits};
use patchward_common::digest::Digest;
use patchward_common::job::phase::Step;
use patchward_common::probe::Ran;
use patchward_common::trust::approval::ApprovedRelease;
use patchward_common::trust::release::{Kind as Declared, is_plain_version};
use std::path::{Path, PathBuf};

/// Longest question to a package manager or recipe: a large database on an old disk.
const ASK_LIMITS: Limits = Limits {
    run_ms: 60_000,
    output_bytes: 8 * 1024 * 1024,
};

/// The version of what cannot be measured.
pub const UNKNOWN: &str = "unknown";

/// One release on this machine.
pub trait Kind {
    /// The product's version as measured now; `absent` where it is not installed.
    fn version(&self) -> Result<String, String>;

    /// Whether an install would work, as far as can be told without changing anything.
    fn simulate(&self) -> Result<(), String>;

    /// What to run, in order.
    fn steps(&self) -> Vec<Part>;

    /// What to run to get back to `before`. Every part may find nothing to do.
    fn back(&self, before: &str) -> Vec<Part>;

    /// A check of its own that must pass afterwards.
    fn check(&self) -> Option<Vec<String>> {
        None
    }
}

/// One command of a kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    name: &'static str,
    argv: Vec<String>,
    disruptive: bool,
}

impl Part {
    fn new(name: &'static str, argv: Vec<String>, disruptive: bool) -> Self {
        Self {
            name,
            argv,
            disruptive,
        }
    }

    /// The part as a step of the release with this index.
    pub(crate) fn step(self, release: usize, way: &str) -> Step {
        Step {
            name: format!("{release}{way}-{}", self.name),
            release,
            argv: self.argv,
            env: vec![("DEBIAN_FRONTEND".to_owned(), "noninteractive".to_owned())],
            disruptive: self.disruptive,
        }
    }
}

/// What a kind needs to know of this machine.
#[derive(Clone, Debug)]
pub struct Site<'a> {
    /// Below it lie versioned folders, `NAME/VERSION` and `NAME/current`.
    pub trees_dir: &'a Path,
    /// The root in which packages are installed.
    pub packages_root: &'a Path,
    /// More words for every call of dpkg.
    pub dpkg_options: &'a [String],
    /// More words for every call of rpm.
    pub rpm_options: &'a [String],
    /// Recipes of this machine.
    pub recipes_dir: &'a Path,
    /// How a service is restarted; `{service}` stands for its name.
    pub restart_argv: &'a [String],
    /// This very program, for steps that it does itself.
    pub program: &'a Path,
    /// The job's own folder.
    pub job_dir: PathBuf,
    /// Where the job's artifacts lie, each named by its SHA-256.
    pub artifacts_dir: PathBuf,
    /// Who asks package managers and recipes: like a step outside of our sandbox, in which
    /// disks look full and the network is gone.
    pub asker: Caller,
}

impl Site<'_> {
    fn artifact(&self, artifact: Digest) -> PathBuf {
        self.artifacts_dir.join(artifact.to_string())
    }
}

/// The kind of a release.
pub fn of(site: &Site<'_>, release: &ApprovedRelease) -> Result<Box<dyn Kind>, String> {
    let described = &release.release;
    let back = release.rollback.release();
    if !release
        .described()
        .all(|one| is_plain_version(&one.version))
    {
        return Err(format!("version {:?} is not usable", described.version));
    }
    match &described.kind {
        Declared::Tree(tree) => Ok(Box::new(tree::Tree::new(site, tree, described, back)?)),
        Declared::Packages(set) => Ok(Box::new(packages::Set::new(site, set, described, back)?)),
        Declared::Recipe(recipe) => Ok(Box::new(recipe::Recipe::load(
            site, recipe, described, back,
        )?)),
    }
}

/// Asks a program something and gives back its standard output alone; the error says what
/// it said on either channel.
fn ask(argv: &[String], asker: Caller) -> Result<String, String> {
    let program = argv.first().map_or("", String::as_str);
    match command::run(argv, asker, ASK_LIMITS) {
        Ran::Exited {
            status: Some(0),
            output,
            ..
        } => Ok(String::from_utf8_lossy(&output).into_owned()),
        Ran::Exited {
            status,
            output,
            errors,
        } => Err(format!(
            "{program} ended with {}: {}",
            status.map_or("a signal".to_owned(), |code| format!("code {code}")),
            command::tail(&[output, errors].concat(), 512)
        )),
        Ran::TimedOut => Err(format!(
            "{program} took longer than {} ms",
            ASK_LIMITS.run_ms
        )),
        Ran::TooMuchOutput => Err(format!("{program} said too much")),
        Ran::NotStarted(why) => Err(format!("{program} could not be started: {why}")),
    }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn word(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
