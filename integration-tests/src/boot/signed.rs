//! What people sign, with keys that the collector's user cannot read: root, charter and
//! roster before the first machine comes, then assignments and plans.

use super::container::Container;
use crate::vendor::Vendor;
use anyhow::Context as _;

/// Where the people work: a folder of root's, away from the collector's user.
const PEOPLE: &str = "/root/people";
/// Where they hand documents over.
const HANDED_OVER: &str = "/srv/documents";
/// The collector's go-key, which people copy into the roster.
const GO_KEY: &str = "/var/lib/patchward-collector/go.key";

/// The people, in a machine.
pub(super) struct People<'a>(pub(super) &'a Container);

impl People<'_> {
    /// Makes keys, and signs charter and roster; says where they lie. The charter lets each
    /// vendor sign the one product that stands beside it.
    pub(super) fn begin(&self, vendors: &[(&str, &Vendor, &str)]) -> anyhow::Result<[String; 2]> {
        let Self(container) = self;
        container.run(&["mkdir", "--parents", PEOPLE, HANDED_OVER])?;
        // The collector's user puts what it exports here.
        container.run(&["chmod", "1777", HANDED_OVER])?;
        let key =
            |name: &str| last(&self.sign(&["key", "new", "--out", &format!("{name}.pem")])?);
        let (root_1, root_2) = (key("root-1")?, key("root-2")?);
        let (registrar, ada, ben) = (key("registrar")?, key("ada")?, key("ben")?);
        let mut charter = format!(
            "number = 1\ndays = 365\n[root]\nkeys = [\"{root_1}\", \"{root_2}\"]\nthreshold = 2\n\
             [[registrars]]\nname = \"rita\"\nkey = \"{registrar}\"\n"
        );
        for (name, vendor, product) in vendors {
            charter += &format!(
                "[[vendors]]\nvendor = \"{name}\"\npublisher = \"vendor\"\nrepository = \"{name}\"\n\
                 root = \"{}\"\nproducts = [\"{product}\"]\npaths = [\"\"]\n",
                vendor.root_digest()
            );
        }
        let go_key = last(&self.sign(&["key", "show", GO_KEY])?)?;
        let roster = format!(
            "number = 1\ndays = 80\n{}{}[[go_keys]]\ncollector = \"collector\"\nkey = \"{go_key}\"\n",
            person("ada", &ada),
            person("ben", &ben),
        );
        let roots = ["--key", "root-1.pem", "--key", "root-2.pem"];
        Ok([
            self.document("charter", &charter, &roots)?,
            self.document("roster", &roster, &["--key", "registrar.pem"])?,
        ])
    }

    /// Signs what a machine of a unit is: one that work may be done on.
    pub(super) fn assign(&self, id: &str, name: &str, unit: &str) -> anyhow::Result<String> {
        let text = format!(
            "number = 1\n[[machines]]\nmachine = \"{id}\"\nname = \"{name}\"\nunit = \"{unit}\"\n\
             class = \"standard\"\ngroups = []\nmodel = \"workstation\"\nmode = \"active\"\n"
        );
        let keys = ["--key", "ada.pem", "--key", "ben.pem"];
        self.document("assignment", &text, &keys)
    }

    /// Where a plan is exported to, for its signer.
    pub(super) fn exported(plan: &str) -> String {
        format!("{HANDED_OVER}/{plan}.plan")
    }

    /// Has an exported plan checked, shown and signed by one approver.
    pub(super) fn approve(&self, plan: &str) -> anyhow::Result<String> {
        let charter = format!("{HANDED_OVER}/charter.cbor");
        let root = last(&self.sign(&["root", "fingerprint", &charter])?)?;
        let out = format!("{HANDED_OVER}/{plan}.signed");
        let exported = Self::exported(plan);
        let fixed = ["approve", &exported, "--out", &out, "--yes"];
        self.sign(&[&fixed[..], &["--root", &root, "--key", "ada.pem"]].concat())?;
        self.readable()?;
        Ok(out)
    }

    /// Verifies a job's evidence with nothing but the hospital root.
    pub(super) fn verify(&self, pack: &str) -> anyhow::Result<String> {
        let charter = format!("{HANDED_OVER}/charter.cbor");
        let root = last(&self.sign(&["root", "fingerprint", &charter])?)?;
        self.sign(&["verify-evidence", pack, "--root", &root])
    }

    /// A file that the collector's user may make.
    pub(super) fn place(name: &str) -> String {
        format!("{HANDED_OVER}/{name}")
    }

    fn document(&self, kind: &str, text: &str, keys: &[&str]) -> anyhow::Result<String> {
        let from = format!("{kind}.toml");
        self.0.write(&format!("{PEOPLE}/{from}"), text)?;
        let out = format!("{HANDED_OVER}/{kind}.cbor");
        let fixed = [kind, "--from", &from, "--out", &out, "--yes"];
        self.sign(&[&fixed[..], keys].concat())?;
        self.readable()?;
        Ok(out)
    }

    /// What root signed has to be read by the collector's user.
    fn readable(&self) -> anyhow::Result<()> {
        let words = ["chmod", "--recursive", "a+rX", HANDED_OVER];
        self.0.run(&words).map(drop)
    }

    fn sign(&self, words: &[&str]) -> anyhow::Result<String> {
        let there = ["env", "--chdir", PEOPLE, "patchward-sign"];
        self.0.run(&[&there[..], words].concat())
    }
}

fn person(id: &str, key: &str) -> String {
    format!(
        "[[people]]\nid = \"{id}\"\nname = \"{id}, HTM\"\nroles = [\"approver\"]\nunits = \"all\"\n\
         keys = [{{ key = \"{key}\", kind = \"file\" }}]\n"
    )
}

fn last(said: &str) -> anyhow::Result<String> {
    let word = said.split_whitespace().last().map(str::to_owned);
    word.context("a key is printed")
}
