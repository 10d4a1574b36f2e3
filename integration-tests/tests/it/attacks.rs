//! Attacks on the whole system: real processes, and a collector that misbehaves: with the
//! real one's database and keys, or in the way of an agent with the real one's authority.
//! After each of them an honest job works. [`ROWS`] says which test holds which attack.

mod agent;
mod blocked;
mod clock;
mod enrolment;
mod floods;
mod groups;
mod hours;
mod keys;
mod machines;
mod metadata;
mod network;
mod releases;
mod rollback;
mod rotation;
mod scene;
mod slow;
mod software;

use std::path::Path;

/// The attacks that must fail, in the order of the design, each with the tests that try
/// it: first those of the whole system, then those at the wire or at the installer where
/// one part alone has to hold.
const ROWS: [(&str, &[&str]); 14] = [
    (
        "arbitrary software: own bytes, flipped bytes, another's key or product, changed recipe",
        &[
            "attacks::software::bytes_that_no_vendor_signed_or_signed_long_ago_never_run",
            "attacks::releases::neither_an_older_release_nor_one_for_others_is_installed",
            "installer_packages::recipes::a_recipe_is_run_checked_and_rolled_back_and_never_a_changed_one",
        ],
    ),
    (
        "rollback: older metadata, roster, assignment, release; after a torn store",
        &[
            "attacks::metadata::old_and_mixed_metadata_never_counts",
            "attacks::rollback::a_collector_that_was_set_back_brings_nothing_back",
            "attacks::releases::neither_an_older_release_nor_one_for_others_is_installed",
        ],
    ),
    (
        "freeze: the last good answers for a year",
        &[
            "attacks::software::bytes_that_no_vendor_signed_or_signed_long_ago_never_run",
            "attacks::clock::a_clock_that_was_moved_starts_nothing",
        ],
    ),
    (
        "fast-forward: the highest version, then new keys",
        &["attacks::metadata::the_highest_version_is_recovered_from_by_new_keys_alone"],
    ),
    (
        "endless data, slow retrieval",
        &[
            "attacks::metadata::endless_metadata_is_cut_off",
            "attacks::software::bytes_that_no_vendor_signed_or_signed_long_ago_never_run",
            "attacks::slow::one_byte_a_second_starts_nothing_and_stops_no_stop",
            "wire::refused::one_byte_a_second_is_given_up",
        ],
    ),
    (
        "mix and match: parts of two valid snapshots",
        &["attacks::metadata::old_and_mixed_metadata_never_counts"],
    ),
    (
        "wrong machine: another's approval or leaf, relabelled, other unit, other model",
        &[
            "attacks::keys::one_stolen_key_or_another_machines_plan_starts_nothing",
            "attacks::releases::neither_an_older_release_nor_one_for_others_is_installed",
            "installer_attacks::authority::another_machines_unit_class_or_model",
        ],
    ),
    (
        "one key stolen",
        &[
            "attacks::keys::one_stolen_key_or_another_machines_plan_starts_nothing",
            "installer_attacks::authority::one_stolen_key_where_the_threshold_is_two",
            "attacks::rotation::root_registrar_and_go_key_are_replaced_and_the_next_rollout_goes_by_the_new_ones",
            "installer_attacks::stolen::one_of_two_root_keys_writes_no_charter",
            "installer_attacks::stolen::one_of_two_approvers_lifts_no_stop_of_a_critical_machine",
            "installer_attacks::stolen::one_approver_declares_no_emergency",
            "installer_attacks::stolen::one_of_two_keys_of_a_vendors_role_publishes_nothing",
        ],
    ),
    (
        "wrong hour: replayed or another's go, go from before a restart, clock, short slot",
        &[
            "attacks::hours::no_go_opens_a_slot_or_counts_twice_and_a_stop_stops",
            "attacks::clock::a_clock_that_was_moved_starts_nothing",
        ],
    ),
    (
        "all at once: a go for every member of a group, over two approvals",
        &["attacks::groups::no_two_of_a_pair_start_at_once_whatever_the_collector_says"],
    ),
    (
        "withheld stop",
        &[
            "attacks::hours::no_go_opens_a_slot_or_counts_twice_and_a_stop_stops",
            "installer_attacks::authority::nothing_starts_past_an_expiry_also_when_a_stop_is_withheld",
        ],
    ),
    (
        "owned agent: malformed, reordered, huge, linked, swapped; forged events; dropped hold",
        &[
            "attacks::agent::an_owned_agent_executes_nothing_and_forges_nothing",
            "installer_socket::artifacts_that_are_links_longer_or_other_bytes_stay_outside",
        ],
    ),
    (
        "enrolment: replayed or guessed token, chosen id, stolen request, cloned disk",
        &[
            "attacks::enrolment::only_a_live_token_and_a_person_let_a_machine_in",
            "wire::enrol::only_the_key_that_a_statement_names_speaks",
            "wire::refused::refused_copies_are_closed_and_the_machine_stays",
        ],
    ),
    (
        "hostile machine: lies, floods, CBOR bombs, other ids, old protocol",
        &[
            "attacks::machines::a_hostile_machine_reaches_its_own_rows_only",
            "attacks::machines::a_hostile_machine_alone_halts_no_model",
            "attacks::machines::other_protocols_and_missing_certificates_get_nothing",
            "attacks::floods::floods_cost_a_bounded_amount_and_stop_nobody",
            "attacks::slow::a_collector_of_an_old_protocol_is_not_spoken_to",
            "wire::tcp::other_protocols_and_missing_certificates_get_nothing",
            "wire::tcp::who_keeps_to_no_rule_is_cut_off_alone",
            "wire::tcp::handshakes_that_hang_keep_nobody_out",
        ],
    ),
];

/// A test that was renamed or removed leaves no attack without one.
#[test]
fn every_attack_has_the_tests_that_are_said_to_hold_it() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    for (attack, tests) in ROWS {
        assert!(!tests.is_empty(), "{attack}");
        for test in tests {
            let (module, name) = test.rsplit_once("::").unwrap();
            let path = folder.join(module.replace("::", "/")).with_extension("rs");
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            assert!(text.contains(&format!("fn {name}(")), "{attack}: no {test}");
        }
    }
}
