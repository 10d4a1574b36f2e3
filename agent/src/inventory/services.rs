//! Running services, by the folders that systemd makes for their processes: one
//! `readdir`, where asking systemd takes 20 ms and a connection to its bus.

use std::path::Path;

/// Where cgroups are mounted: version 2, hybrid, version 1.
const MOUNTS: [&str; 3] = [
    "sys/fs/cgroup",
    "sys/fs/cgroup/unified",
    "sys/fs/cgroup/systemd",
];
const SLICE: &str = "system.slice";

/// Names of the services that have processes, sorted; empty without systemd.
pub(super) fn read(root: &Path) -> Vec<String> {
    let slices = MOUNTS.iter().map(|mount| root.join(mount).join(SLICE));
    let Some(slice) = slices.into_iter().find(|slice| slice.is_dir()) else {
        return Vec::new();
    };
    let mut services = Vec::new();
    for name in folders(&slice) {
        // Instances such as `postgresql@15-main.service` have a slice of their own.
        if name.starts_with("system-") && name.ends_with(".slice") {
            services.extend(
                folders(&slice.join(&name))
                    .into_iter()
                    .filter(|n| is_lasting(n)),
            );
        } else if is_lasting(&name) {
            services.push(name);
        }
    }
    services.sort();
    services.dedup();
    services
}

fn folders(path: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
    let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    folders
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect()
}

/// A service with a name of its own. `run-…` are passing commands, `patchward-job-…`
/// our own work; they would make each report differ from the last.
fn is_lasting(name: &str) -> bool {
    name.ends_with(".service")
        && !name.starts_with("run-")
        && !name.starts_with("patchward-job-")
        && !name.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_are_folders_of_the_system_slice() {
        for mount in MOUNTS {
            let root = tempfile::tempdir().unwrap();
            assert!(read(root.path()).is_empty());
            let slice = root.path().join(mount).join(SLICE);
            for folder in [
                "ssh.service",
                "cron.service/child.service",
                "system-postgresql.slice/postgresql@15-main.service",
                "run-r1a2.service",
                "patchward-job-1-check.service",
                "dbus.socket",
            ] {
                std::fs::create_dir_all(slice.join(folder)).unwrap();
            }
            std::fs::write(slice.join("file.service"), "").unwrap();
            let expected = ["cron.service", "postgresql@15-main.service", "ssh.service"];
            assert_eq!(read(root.path()), expected, "{mount}");
        }
    }
}
