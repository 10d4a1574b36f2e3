//! What a terminal shows, on a terminal.

use patchward_common::notice::Text;
use patchward_notice::consoles::{terminals, words, write};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use std::fs::{File, Permissions};
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

#[test]
fn a_terminal_shows_it_where_its_person_lets_others_write() {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap();
    let terminal = PathBuf::from(name.into_string().unwrap());
    // Somebody has it open, as a shell does.
    let _shell = File::options()
        .read(true)
        .write(true)
        .open(&terminal)
        .unwrap();
    let is_found = |mode| {
        std::fs::set_permissions(&terminal, Permissions::from_mode(mode)).unwrap();
        terminals(Path::new("/dev"), "").contains(&terminal)
    };
    assert!(is_found(0o620), "{}", terminal.display());
    assert!(!is_found(0o600), "mesg n");
    let text = Text {
        summary: "This computer may be updated in 10 minutes".to_owned(),
        body: "Viewer 4.2.".to_owned(),
    };
    let text = words(&text, true);
    write(&terminal, &text).unwrap();
    let mut shown = Vec::new();
    let mut master = File::from(master);
    while !String::from_utf8_lossy(&shown).contains("not-now") {
        let mut block = [0; 1024];
        let read = master.read(&mut block).unwrap();
        shown.extend_from_slice(&block[..read]);
    }
    let shown = String::from_utf8_lossy(&shown);
    assert!(shown.contains("*** This computer may be updated in 10 minutes ***"));
}
