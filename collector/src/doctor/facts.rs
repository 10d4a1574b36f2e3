//! What a doctor looks at, as values.

use crate::rollout::clocks::Clocks;
use crate::store::claims::Collector;
use crate::store::restored::Restored;
use patchward_common::time::UtcMs;

/// What was found, or why it could not be.
pub(super) type Found<T> = Result<T, String>;

/// What a doctor looks at.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// The collector's folder.
    pub(super) folder: String,
    /// Whether nothing of a collector is there yet: it was never initialised.
    pub(super) is_new: bool,
    /// What is wrong with the settings.
    pub(super) settings: Option<String>,
    /// Files with secrets: their path and the bits of who may do what with them.
    pub(super) secrets: Vec<(String, u32)>,
    /// Files that the settings name and that cannot be read.
    pub(super) unreadable: Vec<String>,
    /// Files of another user than the folder's.
    pub(super) foreign: Vec<String>,
    /// Folders in which nothing can be written, and why.
    pub(super) unwritable: Vec<String>,
    /// Places, and how many megabytes are free there.
    pub(super) disks: Vec<(String, u64)>,
    /// How many must be.
    pub(super) least_free_megabytes: u64,
    /// The collector's own addresses that cannot be resolved, and why.
    pub(super) unresolved: Vec<(String, String)>,
    /// Ports that somebody else has, and what the system says.
    pub(super) taken: Vec<(String, String)>,
    /// The end of the certificate authority.
    pub(super) authority: Option<Found<UtcMs>>,
    /// The end of the page's certificate, where it is a file.
    pub(super) page: Option<Found<UtcMs>>,
    /// The go-key's public half.
    pub(super) go_key: Option<Found<String>>,
    /// Where backups are kept and when each was taken, newest first; `None` where no folder is
    /// set.
    pub(super) backups: Option<(String, Found<Vec<UtcMs>>)>,
    /// The store.
    pub(super) store: Stored,
}

/// What stands in the store.
#[derive(Debug, Default)]
pub(super) struct Stored {
    /// Why it cannot be read.
    pub(super) problem: Option<String>,
    /// What is wrong with its own structure.
    pub(super) damage: Vec<String>,
    /// Its newest migration, and that of this program.
    pub(super) schema: Option<(u64, u64)>,
    /// Whose it is otherwise than the folder's.
    pub(super) stranger: Option<String>,
    /// What is wrong with the audit log.
    pub(super) audit: Option<String>,
    /// When its last row was written.
    pub(super) last_row: Option<UtcMs>,
    /// Vendors, and when their metadata ends.
    pub(super) metadata: Vec<(String, UtcMs)>,
    /// The ends of charter and roster.
    pub(super) charter_until: Option<UtcMs>,
    pub(super) roster_until: Option<UtcMs>,
    /// The go-keys that the roster names for this collector.
    pub(super) go_keys: Vec<String>,
    /// The collectors that run on it, and when each was last heard.
    pub(super) collectors: Vec<Collector>,
    /// Their clocks against that of this computer, where any of them looked wrong.
    pub(super) clocks: Clocks,
    /// Where it was restored from, while nobody has confirmed it.
    pub(super) restored: Option<Restored>,
}
