//! Whose words stand on a screen: those of approvals that count for this machine now.

use patchward_common::id::{JobId, MachineId};
use patchward_common::job::{Event, History, Measurement, Verdict};
use patchward_common::notice::{Found, Screen};
use patchward_common::time::{DAY_MS, UtcMs};
use patchward_common::trust::assignment::Mode;
use patchward_common::trust::papers::Papers;
use patchward_common::trust::stop::Scope;
use patchward_common::trust::watermark::Watermark;
use patchward_integration_tests::fixture::{Hospital, job_of};

const NOW: UtcMs = UtcMs(1_795_400_000_000);
const MACHINE: MachineId = MachineId([3; 32]);

/// The papers of a machine in this mode with one approval, which `by` signed.
fn papers(hospital: &Hospital, mode: Mode, by: &ed25519_dalek::SigningKey) -> (Papers, JobId) {
    let mut row = hospital.row(MACHINE);
    row.mode = mode;
    let approval = hospital.approval(vec![hospital.release("1.0", 1, b"viewer")]);
    let placed = hospital.approve(&approval, &[hospital.leaf(&row)], &[by]);
    let job = job_of(&placed[0], MACHINE);
    let papers = Papers {
        documents: hospital.documents(&row, placed),
        ..Papers::default()
    };
    (papers, job)
}

fn foreseen(hospital: &Hospital, papers: &Papers, now: UtcMs, history: &History) -> Screen {
    let watermark = Watermark::new(MACHINE, hospital.root_keys());
    papers.foreseen(&watermark, now, |_| Some(history.clone()))
}

#[test]
fn only_what_an_approver_signed_for_an_active_machine_is_foreseen() {
    let hospital = Hospital::new(1, NOW);
    let planned = |mode, by, now| {
        let (papers, _) = papers(&hospital, mode, by);
        let screen = foreseen(&hospital, &papers, now, &History::default());
        screen.planned.len()
    };
    assert_eq!(planned(Mode::Active, &hospital.alice, NOW), 1);
    for mode in [Mode::Observe, Mode::Rehearse, Mode::Manual] {
        assert_eq!(planned(mode, &hospital.alice, NOW), 0, "{mode:?}");
    }
    // Of another unit, no approver at all, and a go-key that a collector has.
    for other in [&hospital.carol, &hospital.tom, &hospital.go_key] {
        assert_eq!(planned(Mode::Active, other, NOW), 0);
    }
    // Past what its documents are good for.
    let later = NOW.plus_ms(400 * DAY_MS);
    assert_eq!(planned(Mode::Active, &hospital.alice, later), 0);
    let (mut papers, _) = papers(&hospital, Mode::Active, &hospital.alice);
    papers.stop(Scope::All);
    let stopped = foreseen(&hospital, &papers, NOW, &History::default());
    assert_eq!(stopped, Screen::default());
}

#[test]
fn what_has_begun_or_ended_is_planned_no_more() {
    let hospital = Hospital::new(1, NOW);
    let (papers, job) = papers(&hospital, Mode::Active, &hospital.alice);
    let measured = Event::Measured(Measurement {
        verdict: Verdict::Verified,
        versions_after: Vec::new(),
        checks: Vec::new(),
        boot: patchward_common::id::BootId([1; 16]),
    });
    let mut history = History {
        state: patchward_common::job::State::Installing,
        ..History::default()
    };
    assert_eq!(
        foreseen(&hospital, &papers, NOW, &history),
        Screen::default()
    );
    history.take(1, NOW, measured).unwrap();
    let screen = foreseen(&hospital, &papers, NOW, &history);
    assert_eq!(screen.planned, []);
    let over = screen.over.unwrap();
    assert_eq!((over.job, over.at, over.found), (job, NOW, Found::New));
}
