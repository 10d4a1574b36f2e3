//! Files that are handed to signers: a plan with its context, and an assignment.
#![no_main]

use libfuzzer_sys::fuzz_target;
use patchward_common::plan::{AssignmentFile, PlanFile, check, newest_rows};
use patchward_common::time::UtcMs;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(file) = PlanFile::from_bytes(bytes) {
        assert_eq!(
            PlanFile::from_bytes(&file.to_bytes()).ok().as_ref(),
            Some(&file)
        );
        let _ = check::check(&file, UtcMs(1_795_400_040_000));
        let _ = file.plan.placed();
    }
    if let Ok(file) = AssignmentFile::from_bytes(bytes) {
        let _ = (file.read().is_ok(), file.placed().is_ok());
        let _ = newest_rows(&[file.clone(), file]);
    }
});
