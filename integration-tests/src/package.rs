//! Packages of a viewer, built for real by dpkg-deb and rpmbuild, and the service that
//! they bring: it says its version to whoever reads, for as long as it runs.

use anyhow::{Context as _, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The installer's settings for dpkg without root and without a whole system below its root.
/// Maintainer scripts run outside of the root, which they find at `$DPKG_ROOT`.
pub const DPKG_OPTIONS: &str =
    "dpkg_options = [\"--force-script-chrootless\", \"--force-not-root\", \"--log=/dev/null\"]";

/// Where a package brings an installer, below its root.
pub const INSTALLER: &str = "usr/sbin/patchward-installer";

/// Writes down the version with which it began, where no other one serves; so an old service
/// that was not ended is noticed. It runs until it is ended: nobody writes to what it reads.
const SERVICE: &str = r#"#!/bin/sh
if ! test -s "$1/run/viewer.serving"; then
    read -r version < "$1/usr/lib/viewer/version"
    echo "$version" > "$1/run/viewer.serving"
fi
echo > "$1/run/viewer.begun"
read -r _ < "$1/run/viewer.end"
"#;

/// Ends the service, where one runs.
pub const STOP: &str = r#"
if test -s "$DPKG_ROOT/run/viewer.pid"; then
    read -r pid < "$DPKG_ROOT/run/viewer.pid"
    kill "$pid" || true
    : > "$DPKG_ROOT/run/viewer.serving"
    : > "$DPKG_ROOT/run/viewer.pid"
fi
"#;

/// Begins the service in the background and waits until it serves, as systemd waits for one
/// that notifies it.
pub const START: &str = r#"
"$DPKG_ROOT/usr/lib/viewer/run" "$DPKG_ROOT" < /dev/null > /dev/null 2>&1 &
echo $! > "$DPKG_ROOT/run/viewer.pid"
read -r _ < "$DPKG_ROOT/run/viewer.begun"
"#;

/// What a package of the viewer is, beside the files that it brings. The scripts are shell
/// text that finds its root at `$DPKG_ROOT`.
#[derive(Clone, Debug)]
pub struct Package {
    /// Its version.
    pub version: String,
    /// Runs when it was unpacked.
    pub configure: String,
    /// Runs before it goes or is replaced.
    pub remove: String,
    /// What it depends on.
    pub depends: Option<String>,
    /// Who maintains it: without one, dpkg warns at every question about it.
    pub maintainer: Option<String>,
    /// A program that it brings as `usr/sbin/patchward-installer`.
    pub installer: Option<PathBuf>,
}

impl Package {
    /// One that brings its files and does nothing.
    pub fn plain(version: &str) -> Self {
        Self {
            version: version.to_owned(),
            configure: "exit 0".to_owned(),
            remove: "exit 0".to_owned(),
            depends: None,
            maintainer: Some("Acme <acme@example>".to_owned()),
            installer: None,
        }
    }

    /// One whose service runs from when it is configured until it is removed.
    pub fn serving(version: &str) -> Self {
        Self {
            configure: START.to_owned(),
            remove: STOP.to_owned(),
            ..Self::plain(version)
        }
    }

    /// The bytes of a .deb, built in `folder`: a program, a unit of systemd and the scripts.
    pub fn deb(&self, folder: &Path) -> anyhow::Result<Vec<u8>> {
        let tree = folder.join(format!("build-{}", self.version));
        for below in ["DEBIAN", "usr/lib/systemd/system"] {
            std::fs::create_dir_all(tree.join(below))?;
        }
        self.files(&tree)?;
        let line = |key: &str, value: &Option<String>| {
            let value = value.as_ref();
            value.map_or(String::new(), |value| format!("{key}: {value}\n"))
        };
        let control = format!(
            "Package: viewer\nVersion: {}\nArchitecture: all\n{}{}Description: Viewer\n",
            self.version,
            line("Maintainer", &self.maintainer),
            line("Depends", &self.depends),
        );
        std::fs::write(tree.join("DEBIAN/control"), control)?;
        for (name, text) in [("postinst", &self.configure), ("prerm", &self.remove)] {
            script(&tree.join("DEBIAN").join(name), text)?;
        }
        let unit = "[Service]\nExecStart=/usr/lib/viewer/run /\n";
        std::fs::write(tree.join("usr/lib/systemd/system/viewer.service"), unit)?;
        let file = folder.join("viewer.deb");
        let (tree, file) = (text(&tree)?, text(&file)?);
        // Not compressed: what is brought may be a whole installer.
        let build = ["--build", "--root-owner-group", "-Znone", tree, file];
        run("dpkg-deb", &build)?;
        Ok(std::fs::read(file)?)
    }

    /// The bytes of an .rpm, built in `folder`. It replaces the service when it is configured:
    /// rpm removes the old package after the new one. Its scripts run in the root itself.
    pub fn rpm(&self, folder: &Path) -> anyhow::Result<Vec<u8>> {
        let tree = folder.join(format!("build-rpm-{}", self.version));
        self.files(&tree)?;
        let spec = format!(
            "Name: viewer\nVersion: {}\nRelease: 1\nSummary: Viewer\nLicense: None\n\
             BuildArch: noarch\nProvides: /bin/sh\n%description\nViewer\n%install\n\
             cp -r {}/usr %{{buildroot}}/\n%post\n{}\n{}\n%files\n/usr/lib/viewer\n",
            self.version,
            text(&tree)?,
            self.remove,
            self.configure,
        );
        let file = folder.join("viewer.spec");
        std::fs::write(&file, spec)?;
        let top = format!("_topdir {}", text(&folder.join("rpmbuild"))?);
        run(
            "rpmbuild",
            &["-bb", "--quiet", "--define", &top, text(&file)?],
        )?;
        let built = format!("rpmbuild/RPMS/noarch/viewer-{}-1.noarch.rpm", self.version);
        Ok(std::fs::read(folder.join(built))?)
    }

    fn files(&self, tree: &Path) -> anyhow::Result<()> {
        let viewer = tree.join("usr/lib/viewer");
        std::fs::create_dir_all(&viewer)?;
        std::fs::write(viewer.join("version"), &self.version)?;
        if let Some(installer) = &self.installer {
            let place = tree.join(INSTALLER);
            std::fs::create_dir_all(tree.join("usr/sbin"))?;
            std::fs::copy(installer, &place)?;
            run("chmod", &["755", text(&place)?])?;
        }
        script(&viewer.join("run"), SERVICE)
    }
}

/// Puts an installer below a root, where its package brings its successor; without what only
/// debuggers read, so that it is packed and hashed in no time.
pub fn put_installer(program: &Path, root: &Path) -> anyhow::Result<PathBuf> {
    let place = root.join(INSTALLER);
    std::fs::create_dir_all(root.join("usr/sbin"))?;
    run("strip", &["-o", text(&place)?, text(program)?])?;
    Ok(place)
}

/// Makes dpkg's database below a root, with nothing in it.
pub fn database(root: &Path) -> anyhow::Result<()> {
    let database = root.join("var/lib/dpkg");
    for below in ["info", "updates", "triggers"] {
        std::fs::create_dir_all(database.join(below))?;
    }
    for file in ["status", "available"] {
        std::fs::write(database.join(file), "")?;
    }
    Ok(())
}

/// A root of its own for packages, with as much in it as their scripts need. The service
/// ends with it.
#[derive(Debug)]
pub struct Root {
    folder: PathBuf,
}

impl Root {
    /// Lays it out in a folder: dpkg's empty database, a shell with its libraries for
    /// scripts that run inside, and the pipes of the service.
    pub fn lay_out(folder: &Path) -> anyhow::Result<Self> {
        database(folder)?;
        for below in ["run", "dev", "bin"] {
            std::fs::create_dir_all(folder.join(below))?;
        }
        std::fs::write(folder.join("dev/null"), "")?;
        std::fs::copy("/bin/sh", folder.join("bin/sh"))?;
        let libraries = run("ldd", &["/bin/sh"])?;
        let libraries = libraries
            .split_whitespace()
            .filter(|word| word.starts_with('/'));
        for library in libraries {
            let copy = folder.join(library.trim_start_matches('/'));
            std::fs::create_dir_all(copy.parent().context("a library lies in a folder")?)?;
            std::fs::copy(library, copy)?;
        }
        for pipe in ["run/viewer.begun", "run/viewer.end"] {
            run("mkfifo", &[text(&folder.join(pipe))?])?;
        }
        Ok(Self {
            folder: folder.to_owned(),
        })
    }

    /// A probe's script that passes where the service that runs is of this version.
    pub fn is_serving(&self, version: &str) -> String {
        format!("test \"$({})\" = {version}", self.ask())
    }

    /// The version of the service that runs; nothing where none does.
    pub fn serving(&self) -> String {
        run("sh", &["-c", &self.ask()]).map_or(String::new(), |text| text.trim().to_owned())
    }

    /// A script that prints the version of the service, where it is alive.
    fn ask(&self) -> String {
        let run = self.folder.join("run");
        let run = run.display();
        format!("read -r pid < {run}/viewer.pid && kill -0 $pid && cat {run}/viewer.serving")
    }

    /// What stands in `version` of the files that are installed.
    pub fn installed(&self) -> String {
        std::fs::read_to_string(self.folder.join("usr/lib/viewer/version")).unwrap_or_default()
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        // Also where the test failed. A number that is another program's by now is left alone.
        let Ok(pid) = std::fs::read_to_string(self.folder.join("run/viewer.pid")) else {
            return;
        };
        let words = std::fs::read(format!("/proc/{}/cmdline", pid.trim())).unwrap_or_default();
        if String::from_utf8_lossy(&words).contains("/usr/lib/viewer/run") {
            // One that ended meanwhile is what is wanted.
            let _ = Command::new("kill").args(["-9", pid.trim()]).status();
        }
    }
}

fn script(path: &Path, body: &str) -> anyhow::Result<()> {
    let first = if body.starts_with("#!") {
        ""
    } else {
        "#!/bin/sh\n"
    };
    std::fs::write(path, format!("{first}{body}\n"))?;
    run("chmod", &["755", text(path)?]).map(drop)
}

fn text(path: &Path) -> anyhow::Result<&str> {
    path.to_str().context("a folder of tests has a plain name")
}

/// Runs a program that the tests need and gives back what it says.
fn run(program: &str, arguments: &[&str]) -> anyhow::Result<String> {
    let output = Command::new(program).args(arguments).output();
    let output = output.with_context(|| format!("{program}; the tests need it"))?;
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        bail!("{program} {arguments:?}: {errors}");
    }
    Ok(String::from_utf8(output.stdout)?)
}
