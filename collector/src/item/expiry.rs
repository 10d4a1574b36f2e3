//! What ends by itself, and when somebody hears of it: 90, 30 and 7 days ahead, and when it
//! has ended.
//!
//! Not every step makes sense for everything. A roster lives for 90 days at most: a warning at
//! 90 days would never end, and nobody would read the one at 30. So a step counts where it is
//! at most half of the life; and for what renews itself, where it lies behind the renewal.

use super::Owner;
use patchward_common::time::{DAY_MS, UtcMs};

/// From when to when something counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Life {
    /// Its beginning, where that is known.
    pub from: Option<UtcMs>,
    /// The first instant at which it counts no more.
    pub ends: UtcMs,
}

/// A kind of thing that ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// The charter, and with it who the registrars are.
    Charter,
    /// The roster.
    Roster,
    /// A person's key in it, before it does.
    PersonKey,
    /// A collector's go-key in it, before it does.
    GoKey,
    /// The newest root of a vendor's repository.
    VendorRoot,
    /// What of the hospital's own repository is signed away from the collector.
    Custodian,
    /// The collector's certificate authority.
    Authority,
    /// The collector's own certificate.
    Collector,
    /// The page's certificate.
    Page,
    /// A machine's certificate.
    Machine,
    /// The token of a program.
    Program,
    /// The certificate of a site relay.
    Relay,
}

/// Every kind.
pub const WHATS: [What; 12] = [
    What::Charter,
    What::Roster,
    What::PersonKey,
    What::GoKey,
    What::VendorRoot,
    What::Custodian,
    What::Authority,
    What::Collector,
    What::Page,
    What::Machine,
    What::Program,
    What::Relay,
];

impl What {
    /// Its word in figures and in the log.
    pub fn word(self) -> &'static str {
        match self {
            Self::Charter => "charter",
            Self::Roster => "roster",
            Self::PersonKey => "person_keys",
            Self::GoKey => "go_keys",
            Self::VendorRoot => "vendor_roots",
            Self::Custodian => "custodian",
            Self::Authority => "authority",
            Self::Collector => "collector_certificate",
            Self::Page => "page_certificate",
            Self::Machine => "machine_certificates",
            Self::Program => "program_tokens",
            Self::Relay => "relay_certificates",
        }
    }

    /// Whose move it is: who can make it last longer.
    pub fn owner(self) -> Owner {
        match self {
            // The keepers of the root and the registrars are of HTM, as approvers are.
            Self::Charter | Self::Roster | Self::PersonKey | Self::Custodian => Owner::Htm,
            Self::VendorRoot => Owner::Vendor,
            _ => Owner::It,
        }
    }

    /// How many days before its end it renews itself, where it does. What is warned of then
    /// is that it did not.
    fn renews_days(self) -> Option<i64> {
        match self {
            // 90 days, renewed at two thirds.
            Self::Machine | Self::Collector => Some(30),
            _ => None,
        }
    }

    /// How long such things live at least where nothing says when one began.
    fn usual_life_days(self) -> i64 {
        match self {
            // TUF says no beginning; targets are signed for 90 days unless somebody says more.
            Self::Custodian => 90,
            _ => 365,
        }
    }
}

/// Something that ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expires {
    /// What kind of thing.
    pub what: What,
    /// Which of its kind, as people call it; the word of its kind, where there is but one.
    pub subject: String,
    /// Its life.
    pub life: Life,
}

/// How near the end is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Within 90 days: in time for a ceremony, and for a vendor.
    Quarter,
    /// Within 30 days: in time for people.
    Month,
    /// Within 7 days: now.
    Week,
    /// It has ended.
    Over,
}

/// Every step, the earliest first.
pub const STEPS: [Step; 4] = [Step::Quarter, Step::Month, Step::Week, Step::Over];

impl Step {
    /// How many days before the end it begins.
    pub fn days(self) -> i64 {
        match self {
            Self::Quarter => 90,
            Self::Month => 30,
            Self::Week => 7,
            Self::Over => 0,
        }
    }

    /// Its word in figures.
    pub fn word(self) -> &'static str {
        match self {
            Self::Quarter => "90d",
            Self::Month => "30d",
            Self::Week => "7d",
            Self::Over => "ended",
        }
    }
}

/// That something ends soon, or has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// What.
    pub expires: Expires,
    /// How near.
    pub step: Step,
    /// When that step began.
    pub since: UtcMs,
    /// From when on it must not wait any longer: at 30 days, or at the first step that counts.
    pub raise_at: UtcMs,
}

impl Expires {
    /// Whether a step is worth a word for this.
    fn counts(&self, step: Step) -> bool {
        let life_ms = match self.life.from {
            Some(from) => self.life.ends.since_ms(from),
            None => self.what.usual_life_days() * DAY_MS,
        };
        let is_behind_renewal = self.what.renews_days().is_none_or(|at| step.days() < at);
        step == Step::Over || (2 * step.days() * DAY_MS <= life_ms && is_behind_renewal)
    }

    fn begins(&self, step: Step) -> UtcMs {
        self.life.ends.plus_ms(-step.days() * DAY_MS)
    }

    /// The warning of now, if there is one.
    pub fn warning(&self, now: UtcMs) -> Option<Warning> {
        let counts = STEPS.into_iter().filter(|step| self.counts(*step));
        let begun = |step: &Step| self.begins(*step) <= now;
        let step = counts.clone().rfind(begun)?;
        let urgent = counts.clone().find(|step| *step >= Step::Month)?;
        Some(Warning {
            expires: self.clone(),
            step,
            since: self.begins(step),
            raise_at: self.begins(urgent),
        })
    }
}

impl Warning {
    /// What ends, and when; what happens then; what to do.
    pub fn why(&self) -> String {
        let Expires {
            what,
            subject,
            life,
        } = &self.expires;
        let ends = life.ends;
        let verb = match self.step {
            Step::Over => "ended",
            _ => "ends",
        };
        let (thing, then) = match what {
            What::Charter => ("the charter", CHARTER),
            What::Roster => ("the roster", ROSTER),
            What::PersonKey => ("a key in the roster", PERSON_KEY),
            What::GoKey => ("the go-key in the roster", GO_KEY),
            What::VendorRoot => ("the root of its repository", VENDOR_ROOT),
            What::Custodian => ("what is signed of this repository", CUSTODIAN),
            What::Authority => ("the certificate authority", AUTHORITY),
            What::Collector => ("the collector's own certificate", COLLECTOR),
            What::Page => ("the page's certificate", PAGE),
            What::Machine => ("its certificate", MACHINE),
            What::Relay => return format!("its certificate {verb} at {ends}: {}", relay(subject)),
            What::Program => return format!("its token {verb} at {ends}: {}", program(subject)),
        };
        format!("{thing} {verb} at {ends}: {then}")
    }
}

const CHARTER: &str = "from then on no roster counts and nothing starts; the keepers of the root \
                       sign the next one (`patchward-sign charter`, `document add`)";
const ROSTER: &str = "from then on no signature counts and nothing starts; a registrar signs the \
                      next one (`patchward-sign roster`, `document add`)";
const PERSON_KEY: &str = "what is signed with it counts no more then; if the person still signs, a \
                          registrar puts a key with a later end into the next roster";
const GO_KEY: &str = "no machine takes a go of this collector then; a registrar puts the key with \
                      a later end into the next roster";
const VENDOR_ROOT: &str = "nothing of this vendor starts then; ask the vendor for its next root, \
                           and import it";
const CUSTODIAN: &str = "nothing of it starts then; sign its targets again (`custodian draft`, \
                         `patchward-sign custodian`)";
const AUTHORITY: &str = "no machine can connect then; `ca next` makes the one that follows it, and \
                         every machine has to hear of that while it still trusts this one";
const COLLECTOR: &str = "no machine can connect then; it should have renewed itself, so look into \
                         the collector's log, and start it anew";
const PAGE: &str = "browsers and programs refuse the page then; put a new certificate into its \
                    file and start the collector anew (one of its own authority renews itself: if \
                    it is that, look into the collector's log)";
const MACHINE: &str = "machines renew theirs by themselves, and this one did not; switch it on, and \
                       run `patchward-agent doctor` there: from then on it needs a person's yes to \
                       come back";

fn program(name: &str) -> String {
    format!(
        "the program gets no answer from then on; add one under another name (`program add`), give \
         it the new token, and end this one (`program end {name}`)"
    )
}

fn relay(name: &str) -> String {
    format!(
        "machines of its site go to the collector then, over their slow line; `ca relay {name}` \
         makes the next one for the same request, and the relay is started anew with it"
    )
}

/// The warnings of now.
pub fn warnings(all: &[Expires], now: UtcMs) -> Vec<Warning> {
    all.iter().filter_map(|one| one.warning(now)).collect()
}

#[cfg(test)]
mod tests;
