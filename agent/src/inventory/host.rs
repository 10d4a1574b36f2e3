//! The operating system, the kernel and the hardware.

use super::read_small;
use patchward_common::component::{Component, Source};
use patchward_common::digest::Digest;
use patchward_common::facts::{Dmi, Facts, fit};
use patchward_common::id::BootId;
use std::path::Path;

/// Fills in what os-release, the kernel and DMI say; what they do not say stays empty.
pub(super) fn read(root: &Path, facts: &mut Facts) {
    let release = ["etc/os-release", "usr/lib/os-release"];
    let release = release.iter().find_map(|path| read_small(&root.join(path)));
    let os = os_release(&release.unwrap_or_default());
    let kernel = |name: &str| read_small(&root.join("proc/sys/kernel").join(name));
    facts.os_id = os.id;
    facts.os_version = os.version;
    facts.os_name = os.name;
    facts.kernel = fit(&kernel("osrelease").unwrap_or_default());
    facts.hostname = fit(&kernel("hostname").unwrap_or_default());
    facts.boot_id = kernel("random/boot_id").and_then(|text| BootId::from_kernel(&text));
    facts.arch = fit(&rustix::system::uname().machine().to_string_lossy());
    facts.dmi = dmi(root);
}

#[derive(Debug, Default, PartialEq, Eq)]
struct OsRelease {
    id: String,
    version: String,
    name: String,
}

/// Reads os-release(5): shell-like assignments, optionally quoted.
fn os_release(text: &str) -> OsRelease {
    let mut os = OsRelease::default();
    for (key, value) in text.lines().filter_map(|line| line.trim().split_once('=')) {
        match key {
            "ID" => os.id = fit(&unquoted(value)),
            "VERSION_ID" => os.version = fit(&unquoted(value)),
            "PRETTY_NAME" => os.name = fit(&unquoted(value)),
            _ => {}
        }
    }
    os
}

fn unquoted(value: &str) -> String {
    let inner = |quote| value.strip_prefix(quote)?.strip_suffix(quote);
    if let Some(literal) = inner('\'') {
        return literal.to_owned();
    }
    let Some(quoted) = inner('"') else {
        return value.to_owned();
    };
    let mut text = String::new();
    let mut characters = quoted.chars();
    while let Some(c) = characters.next() {
        text.extend(if c == '\\' {
            characters.next()
        } else {
            Some(c)
        });
    }
    text
}

fn dmi_field(root: &Path, name: &str) -> Option<String> {
    let text = read_small(&root.join("sys/class/dmi/id").join(name))?;
    Some(fit(&text)).filter(|text| !text.is_empty())
}

fn dmi(root: &Path) -> Option<Dmi> {
    let vendor = dmi_field(root, "sys_vendor")?;
    let product = dmi_field(root, "product_name").unwrap_or_default();
    let serial = dmi_field(root, "product_serial").filter(|serial| is_own(serial));
    Some(Dmi {
        serial: serial.map(|serial| {
            Digest::of_parts(&[vendor.as_bytes(), product.as_bytes(), serial.as_bytes()])
        }),
        vendor,
        product,
    })
}

/// Whether a serial number tells machines apart: boards are shipped with texts such
/// as "To be filled by O.E.M." or "System Serial Number", the same on all.
fn is_own(serial: &str) -> bool {
    let digits = serial.bytes().filter(u8::is_ascii_digit);
    digits.clone().count() >= 2 && digits.clone().any(|d| Some(d) != digits.clone().next())
}

/// The firmware as a component, named with its model: version 1.2 of one model's BIOS
/// has nothing to do with 1.2 of another's.
pub(super) fn firmware(root: &Path) -> Vec<Component> {
    let field = |name| dmi_field(root, name);
    let (Some(vendor), Some(version)) = (field("sys_vendor"), field("bios_version")) else {
        return Vec::new();
    };
    let name = match field("product_name") {
        Some(product) => format!("{vendor} {product} BIOS"),
        None => format!("{vendor} BIOS"),
    };
    vec![Component {
        source: Source::Firmware,
        name: fit(&name),
        version,
        arch: String::new(),
    }]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn os_release_is_read_with_and_without_quotes() {
        let text = "# comment\nPRETTY_NAME=\"Pump \\\"OS\\\" 3\"\nID=debian\nVERSION_ID='12'\nBROKEN\nID_LIKE=x\n";
        let expected = OsRelease {
            id: "debian".into(),
            version: "12".into(),
            name: "Pump \"OS\" 3".into(),
        };
        assert_eq!(os_release(text), expected);
        assert_eq!(os_release(""), OsRelease::default());
        assert_eq!(os_release("ID=\"").id, "\"");
    }

    #[test]
    fn hardware_is_named_and_its_serial_number_is_not() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("sys/class/dmi/id");
        std::fs::create_dir_all(&folder).unwrap();
        assert_eq!((dmi(root.path()), firmware(root.path())), (None, vec![]));
        let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
        write("sys_vendor", "Dell Inc.\n");
        write("product_name", "OptiPlex 7090\n");
        write("bios_version", "1.21.0\n");
        assert_eq!(
            dmi(root.path()).unwrap().serial,
            None,
            "not readable is not an error"
        );
        for placeholder in ["To be filled by O.E.M.", "0", "00000000", "None", ""] {
            write("product_serial", placeholder);
            assert_eq!(dmi(root.path()).unwrap().serial, None, "{placeholder}");
        }
        write("product_serial", "7XK2PJ3\n");
        let found = dmi(root.path()).unwrap();
        assert_eq!(found.product, "OptiPlex 7090");
        assert!(found.serial.is_some());
        let bios = &firmware(root.path())[0];
        assert_eq!(bios.name, "Dell Inc. OptiPlex 7090 BIOS");
        assert_eq!(bios.version, "1.21.0");
    }

    #[test]
    fn this_computer_has_a_kernel_and_a_boot_id() {
        let mut facts = Facts::default();
        read(Path::new("/"), &mut facts);
        let uname = rustix::system::uname();
        assert_eq!(facts.kernel, uname.release().to_string_lossy());
        assert_eq!(facts.hostname, uname.nodename().to_string_lossy());
        assert!(facts.boot_id.is_some() && !facts.os_id.is_empty());
        assert_eq!(facts.check(), Ok(()));
    }
}
