//! What people sign before the first machine comes: root, charter and roster.

use super::container::Container;
use anyhow::Context as _;
use std::path::Path;

/// Where the people work: a folder of root's, away from the collector's user.
const PEOPLE: &str = "/root/people";
/// Where they hand documents over.
pub(super) const HANDED_OVER: &str = "/srv/documents";
/// The collector's go-key, which people copy into the roster.
const GO_KEY: &str = "/var/lib/patchward-collector/go.key";

/// Makes keys, and signs charter and roster for the collector in this machine.
pub(super) fn documents(container: &Container) -> anyhow::Result<()> {
    for folder in [PEOPLE, HANDED_OVER] {
        container.run(&["mkdir", "--parents", folder])?;
    }
    let sign = |words: &[&str]| {
        let there = ["env", "--chdir", PEOPLE, "patchward-sign"];
        container.run(&[&there[..], words].concat())
    };
    let last = |said: String| {
        let word = said.split_whitespace().last().map(str::to_owned);
        word.context("a key is printed")
    };
    let key = |name: &str| last(sign(&["key", "new", "--out", &format!("{name}.pem")])?);
    let write = |name: &str, text: &str| {
        std::fs::write(container.path(&Path::new(PEOPLE).join(name)), text)
    };
    let (root_1, root_2) = (key("root-1")?, key("root-2")?);
    let (registrar, ada, ben) = (key("registrar")?, key("ada")?, key("ben")?);
    let charter = format!(
        "number = 1\ndays = 365\n[root]\nkeys = [\"{root_1}\", \"{root_2}\"]\nthreshold = 2\n\
         [[registrars]]\nname = \"rita\"\nkey = \"{registrar}\"\n"
    );
    write("charter.toml", &charter)?;
    let go_key = last(sign(&["key", "show", GO_KEY])?)?;
    let person = |id: &str, key: &str| {
        format!(
            "[[people]]\nid = \"{id}\"\nname = \"{id}, HTM\"\nroles = [\"approver\"]\nunits = \"all\"\n\
             keys = [{{ key = \"{key}\", kind = \"file\" }}]\n"
        )
    };
    let roster = format!(
        "number = 1\ndays = 80\n{}{}[[go_keys]]\ncollector = \"collector\"\nkey = \"{go_key}\"\n",
        person("ada", &ada),
        person("ben", &ben),
    );
    write("roster.toml", &roster)?;
    let roots = ["--key", "root-1.pem", "--key", "root-2.pem"];
    for (kind, keys) in [
        ("charter", &roots[..]),
        ("roster", &["--key", "registrar.pem"]),
    ] {
        let (from, out) = (format!("{kind}.toml"), format!("{HANDED_OVER}/{kind}.cbor"));
        let fixed = [kind, "--from", &from, "--out", &out, "--yes"];
        sign(&[&fixed[..], keys].concat())?;
    }
    container.run(&["chmod", "--recursive", "a+rX", HANDED_OVER])?;
    Ok(())
}
