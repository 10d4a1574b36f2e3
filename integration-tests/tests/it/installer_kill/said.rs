//! What people say at the machine, and the pin: killed at every durable change, each word is
//! said whole or not at all, and what was acknowledged counts.

use super::cases::{Case, TREE};
use super::{MAX_CHANGES, PROGRAM, Setting};
use patchward_common::job::{LocalHandover, State};
use patchward_common::time::HOUR_MS;
use patchward_common::trust::check::Step;
use patchward_common::trust::stop::Scope;
use patchward_common::wire::local::{Answer, Hold, Request};
use patchward_integration_tests::fixture::{Hospital, label, name};
use patchward_integration_tests::machine::{Machine, now};
use std::path::Path;

static ALWAYS_USED: Case = Case {
    is_prepared: true,
    lay_out: |machine, hospital| {
        let profile = "kind = \"handover\"\npurpose = \"interlock\"\n";
        machine.write("probes.d/interlock.toml", profile).unwrap();
        (TREE.lay_out)(machine, hospital)
    },
    ..TREE
};

impl Setting {
    /// Says words to one process, again to the next one where it died; then the machine has
    /// a new process anyway. Says whether it died.
    fn say(&mut self, words: &[Request], kill_at: Option<usize>) -> bool {
        let mut died = !self.machine.start(kill_at).unwrap();
        if died {
            assert!(self.machine.start(None).unwrap());
        }
        for word in words {
            let answer = self.machine.ask(word).unwrap_or_else(|_| {
                died = true;
                assert!(self.machine.start(None).unwrap(), "it did not come back");
                self.machine.ask(word).unwrap()
            });
            assert!(matches!(answer, Answer::Done), "{word:?}: {answer:?}");
        }
        died |= !self.machine.is_alive();
        assert!(self.machine.start(None).unwrap(), "it did not come back");
        died
    }

    fn no(&self) -> [Request; 3] {
        let until = now().plus_ms(HOUR_MS);
        let hold = Hold {
            until,
            reason: name("procedure"),
        };
        let handover = LocalHandover {
            job: self.job,
            until,
            stand_in: label("Station 8"),
        };
        [
            Request::Hold(hold),
            Request::Stop(Scope::All),
            Request::HandOver(handover),
        ]
    }

    /// Asserts that hold and stop are in force.
    fn is_held(&self) {
        assert!(self.machine.status().unwrap().hold.is_some());
        let answer = self.machine.ask(&Request::Prepare(self.job)).unwrap();
        assert!(
            matches!(&answer, Answer::Refused(why) if why.step == Some(Step::Approval)),
            "{answer:?}"
        );
    }

    /// Asserts that neither is, and that the handover still is: the job starts.
    fn is_handed_over(&self) {
        assert!(self.machine.status().unwrap().hold.is_none());
        let go = self
            .hospital
            .go(&self.machine.draw(self.job).unwrap(), now());
        let answer = self.machine.ask(&Request::Start(self.job, go)).unwrap();
        assert!(matches!(answer, Answer::Started), "{answer:?}");
        let state = self.machine.wait_for(self.job, State::is_final).unwrap();
        assert_eq!(state, State::Verified);
    }
}

const YES: [Request; 2] = [Request::EndStops, Request::EndHold];

#[test]
fn what_is_said_at_the_machine_survives_a_kill_at_every_durable_change() {
    for kill_at in 1..MAX_CHANGES {
        let mut setting = Setting::new(&ALWAYS_USED);
        let died = setting.say(&setting.no(), Some(kill_at));
        setting.is_held();
        if !died {
            assert!(kill_at > setting.no().len() * 3, "only {kill_at} changes");
            setting.say(&YES, None);
            setting.is_handed_over();
            return;
        }
    }
    panic!("more than {MAX_CHANGES} durable changes");
}

#[test]
fn its_end_survives_a_kill_at_every_durable_change() {
    for kill_at in 1..MAX_CHANGES {
        let mut setting = Setting::new(&ALWAYS_USED);
        setting.say(&setting.no(), None);
        let died = setting.say(&YES, Some(kill_at));
        setting.is_handed_over();
        if !died {
            assert!(kill_at > YES.len() * 3, "only {kill_at} changes");
            return;
        }
    }
    panic!("more than {MAX_CHANGES} durable changes");
}

#[test]
fn a_pin_survives_a_kill_at_every_durable_change() {
    let token = Hospital::new(1, now()).token();
    for kill_at in 1..MAX_CHANGES {
        let folder = tempfile::tempdir().unwrap();
        let mut machine = Machine::unpinned(folder.path(), Path::new(PROGRAM)).unwrap();
        let died = machine.pin(&token, Some(kill_at)).is_err();
        let again = machine.pin(&token, None);
        let pinned = match again {
            // Said once, a machine keeps its name.
            Err(error) => {
                let text = error.to_string();
                let (_, id) = text.split_once("pinned already, as ").expect(&text);
                id[..id.find(';').unwrap()].parse().unwrap()
            }
            Ok(()) => {
                assert!(died, "it was pinned twice");
                machine.id
            }
        };
        assert!(machine.start(None).unwrap());
        let answer = machine.ask(&Request::Identity).unwrap();
        assert!(
            matches!(&answer, Answer::Identity(identity) if identity.key.id().0 == pinned.0),
            "{answer:?}"
        );
        if !died {
            // Key, both watermarks and pin: before each, before its rename, after it.
            assert!(kill_at > 12, "only {kill_at} durable changes");
            return;
        }
    }
    panic!("more than {MAX_CHANGES} durable changes");
}
