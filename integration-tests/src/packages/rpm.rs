//! Packing the agent's tree as an .rpm, by rpm's own program.

use super::{Effort, Tree, oldest_systemd, root, run};
use anyhow::Context as _;
use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Folders that are the package's own, with those below them: they go with it.
const OWN: [&str; 3] = [
    "etc/patchward",
    "usr/libexec/patchward",
    "usr/share/doc/patchward-agent",
];
/// What only Debian's checker reads.
const NOT_HERE: &str = "usr/share/lintian/";

/// Packs a tree as this version of its package into `out`, and says where that is.
///
/// # Errors
/// Where rpmbuild is not installed or refuses.
pub fn pack(tree: &Tree, version: &str, effort: Effort, out: &Path) -> anyhow::Result<PathBuf> {
    // In gzip, which rpm of older systems reads too.
    let payload = match effort {
        Effort::Best => "payload w9.gzdio",
        Effort::Least => "payload w1.gzdio",
    };
    let work = tempfile::tempdir()?;
    let list = work.path().join("files");
    std::fs::write(&list, files(tree)?)?;
    let systemd = oldest_systemd(tree.package, tree.is_static)?;
    let define = |name: &str, value: &Path| format!("{name} {}", value.display());
    let defines = [
        define("_topdir", work.path()),
        define("tree", &tree.folder.canonicalize()?),
        define("file_list", &list),
        format!("given_version {version}"),
        format!("oldest_systemd {systemd}"),
        payload.to_owned(),
        // The same sources give the same package, wherever and whenever.
        "use_source_date_epoch_as_buildtime 1".to_owned(),
        "clamp_mtime_to_source_date_epoch 1".to_owned(),
        "_buildhost patchward".to_owned(),
        // Beside it some files are for Debian alone.
        "_unpackaged_files_terminate_build 0".to_owned(),
    ];
    let mut rpmbuild = Command::new("rpmbuild");
    rpmbuild.args(["-bb", "--quiet"]);
    for define in defines {
        rpmbuild.args(["--define", &define]);
    }
    let spec = root().join("systemd/packaging/agent/agent.spec");
    rpmbuild
        .arg(spec)
        .env("SOURCE_DATE_EPOCH", tree.date.to_string());
    run(&mut rpmbuild)?;
    let machine = run(Command::new("rpm").args(["--eval", "%{_arch}"]))?;
    let name = format!("patchward-agent-{version}-1.{}.rpm", machine.trim());
    let made = work.path().join("RPMS").join(machine.trim()).join(&name);
    let place = out.join(name);
    std::fs::create_dir_all(out)?;
    std::fs::copy(&made, &place).with_context(|| format!("no {}", made.display()))?;
    Ok(place)
}

/// The list of files with their rights: what is changed below `/etc` stays over an upgrade.
fn files(tree: &Tree) -> anyhow::Result<String> {
    let mut list = String::new();
    let mut all = tree.files()?;
    all.retain(|file| !file.starts_with(NOT_HERE));
    for folder in folders(&all) {
        list += &format!("%dir %attr(0755,root,root) /{}\n", folder.display());
    }
    for file in &all {
        let mode = tree.folder.join(file).metadata()?.permissions().mode() & 0o777;
        let kept = match file.starts_with("etc/") {
            true => "%config(noreplace) ",
            false => "",
        };
        list += &format!("{kept}%attr({mode:04o},root,root) /{file}\n");
    }
    Ok(list)
}

/// The folders of these files that go with the package: rpm leaves every folder that is nobody's.
fn folders(files: &[String]) -> BTreeSet<&Path> {
    let above = |file| Path::new(file).ancestors().skip(1);
    let is_own = |folder: &&Path| OWN.iter().any(|own| folder.starts_with(own));
    files.iter().flat_map(above).filter(is_own).collect()
}
