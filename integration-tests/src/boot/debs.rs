//! Packages that are rolled out: a viewer with a service of systemd's, and our own agent in a
//! next version. Built by dpkg-deb, as vendors build theirs.

use crate::process::run;
use crate::vendor::artifact;
use anyhow::Context as _;
use patchward_common::digest::Digest;
use patchward_common::id::Name;
use patchward_common::trust::release::{
    Applicability, Kind, PackageManager, PackageRef, Packages, Reboot, ReleaseDescription,
};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

/// The vendor's product, its package and its service.
pub(super) const VIEWER: &str = "viewer";
/// Where the service says which version it is, from when it serves on.
pub(super) const SERVING: &str = "/run/viewer/version";
/// The check that the vendor asks for after an install.
pub(super) const CHECK: &str = "viewer-serves";
/// What this hospital says about that check: what serves is what is installed.
pub(super) const PROBE: &str = "kind = \"command\"\npurpose = \"ready\"\n\
    argv = [\"/usr/bin/cmp\", \"/run/viewer/version\", \"/usr/lib/viewer/version\"]\n";
/// Our own product, which is its package's name too.
pub(super) const OWN: &str = "patchward-agent";

const UNIT: &str = "[Unit]\nDescription=Viewer\n[Service]\nType=notify\nNotifyAccess=all\n\
    RuntimeDirectory=viewer\nExecStart=/usr/lib/viewer/serve\n\
    [Install]\nWantedBy=multi-user.target\n";
const SERVE: &str = "#!/bin/sh\nset -e\ncp /usr/lib/viewer/version /run/viewer/version\n\
    systemd-notify --ready\nexec sleep infinity\n";
/// While this is there, an install of the viewer does not get on.
pub(super) const HOLD: &str = "/run/hold-viewer";
/// As debhelper writes them, but for that, and for downgrades in the middle of an install.
const POSTINST: &str = "#!/bin/sh\nset -e\nif [ \"$1\" = configure ]; then\n\
    while [ -e /run/hold-viewer ]; do sleep 0.2; done\n\
    deb-systemd-helper enable viewer.service > /dev/null\nsystemctl daemon-reload\n\
    deb-systemd-invoke restart viewer.service\nfi\n";
const PRERM: &str = "#!/bin/sh\nset -e\nif [ \"$1\" = remove ]; then\n\
    deb-systemd-invoke stop viewer.service\nfi\n";

/// The viewer in a version, built in `folder`.
pub(super) fn viewer(folder: &Path, version: &str) -> anyhow::Result<Vec<u8>> {
    let tree = folder.join(format!("viewer-{version}"));
    let control = format!(
        "Package: {VIEWER}\nVersion: {version}\nArchitecture: all\nMaintainer: Acme <acme@example>\n\
         Depends: systemd, init-system-helpers\nDescription: Viewer of images\n"
    );
    let version = format!("{version}\n");
    let files = [
        ("DEBIAN/control", control.as_str(), 0o644),
        ("DEBIAN/postinst", POSTINST, 0o755),
        ("DEBIAN/prerm", PRERM, 0o755),
        ("usr/lib/viewer/version", version.as_str(), 0o644),
        ("usr/lib/viewer/serve", SERVE, 0o755),
        ("usr/lib/systemd/system/viewer.service", UNIT, 0o644),
    ];
    for (path, text, mode) in files {
        let path = tree.join(path);
        std::fs::create_dir_all(path.parent().context("a file lies in a folder")?)?;
        std::fs::write(&path, text)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode))?;
    }
    build(&tree)
}

/// A package of ours as it is, and as the same in a later version: with its version.
pub(super) fn next(folder: &Path, package: &Path) -> anyhow::Result<[(String, Vec<u8>); 2]> {
    let version = run(Command::new("dpkg-deb")
        .args(["--field"])
        .arg(package)
        .arg("Version"))?;
    let version = version.trim().to_owned();
    let tree = folder.join("next");
    run(Command::new("dpkg-deb")
        .arg("--raw-extract")
        .args([package, &tree]))?;
    let next = format!("{version}+next");
    let control = tree.join("DEBIAN/control");
    let text = std::fs::read_to_string(&control)?;
    let text = text.replace(
        &format!("Version: {version}\n"),
        &format!("Version: {next}\n"),
    );
    std::fs::write(control, text)?;
    Ok([(version, std::fs::read(package)?), (next, build(&tree)?)])
}

fn build(tree: &Path) -> anyhow::Result<Vec<u8>> {
    let out = tree.with_extension("built.deb");
    run(Command::new("dpkg-deb")
        .args(["--build", "--root-owner-group", "-Zgzip", "-z1"])
        .arg(tree)
        .arg(&out))?;
    Ok(std::fs::read(out)?)
}

/// A release of one package.
pub(super) fn release(
    product: &str,
    version: &str,
    counter: u64,
    bytes: &[u8],
) -> anyhow::Result<ReleaseDescription> {
    Ok(ReleaseDescription {
        product: Name::new(product)?,
        version: version.to_owned(),
        counter,
        kind: Kind::Packages(Packages {
            manager: PackageManager::Deb,
            packages: vec![PackageRef {
                name: product.to_owned(),
                version: version.to_owned(),
                artifact: Digest::of(bytes),
            }],
        }),
        artifacts: vec![artifact(&format!("{product}/{counter}.deb"), bytes)],
        applies_to: Applicability {
            from: Vec::new(),
            os: Vec::new(),
            architectures: vec!["all".into()],
            models: Vec::new(),
        },
        stepping_stones: Vec::new(),
        reboot: Reboot::None,
        install_minutes: 5,
        recovery_minutes: 5,
        checks_before: Vec::new(),
        checks_after: Vec::new(),
        fixes: Vec::new(),
        users_will_notice: None,
    })
}
