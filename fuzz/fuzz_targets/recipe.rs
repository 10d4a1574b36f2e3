//! Recipes of the machine.
//!
//! What is read names a program for every command, and every word can be given to one.
#![no_main]

use libfuzzer_sys::fuzz_target;
use patchward_steps::kind::recipe::Words;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Ok(words) = Words::read(text) {
        assert!(words.commands().count() >= 2);
        for argv in words.commands() {
            assert!(argv[0].starts_with('/'));
            assert!(argv.iter().all(|word| !word.contains('\0')));
        }
    }
});
