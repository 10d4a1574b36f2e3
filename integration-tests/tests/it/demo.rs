//! The README's first command is a test too: it fails unless all that it says happens.

use patchward_integration_tests::demo;

#[test]
fn the_demo_does_what_it_says() {
    let folder = tempfile::tempdir().unwrap();
    demo::run(folder.path()).unwrap();
}
