use super::*;
use patchward_common::id::OutboxId;
use patchward_common::wire::machine::InterlockWord;

const MACHINE: MachineId = MachineId([1; 32]);

fn hello(boot: u8, fingerprint: u8) -> Hello {
    Hello {
        version: "0.1.0".into(),
        boot: BootId([boot; 16]),
        clock: UtcMs(0),
        inventory: Digest::default(),
        orders: ShortDigest::default(),
        watermark: Digest::default(),
        outbox: OutboxId([0; 16]),
        journal: 0,
        interlock: InterlockWord::Unknown,
        held_until: None,
        ready: None,
        fingerprint: ShortDigest([fingerprint; 16]),
    }
}

/// A registry that remembers what each hello said, as the session does.
struct Heard(Registry<&'static str>);

impl Heard {
    fn new() -> Self {
        let mut registry = Registry::new(HashSet::new());
        let known = Known {
            key: patchward_common::trust::sign::PublicKey([0; 32])
                .ready()
                .unwrap()
                .into(),
            unit: Name::new("icu").unwrap(),
            is_suspect: false,
            set: Digest::default(),
            said: None,
            journal: Stored::Unread,
            orders: None,
            tables: None,
        };
        let asked = registry.asks(MACHINE);
        registry.learn(MACHINE, known, asked);
        Self(registry)
    }

    /// The store is read anew, and says whether a suspicion stands.
    fn again(&mut self, is_suspect: bool) {
        let known = self.0.known(&MACHINE).unwrap().clone();
        self.0.forget(&MACHINE);
        let known = Known {
            is_suspect,
            ..known
        };
        let asked = self.0.asks(MACHINE);
        self.0.learn(MACHINE, known, asked);
    }

    fn hello(&mut self, id: usize, hello: &Hello, minute: i64) -> Noticed<&'static str> {
        let name = ["a", "b", "c"][id];
        let noticed = self
            .0
            .heard(MACHINE, (id, &name), hello, UtcMs(minute * MINUTE_MS));
        if !matches!(noticed, Noticed::Clone(_)) {
            self.0.update(&MACHINE, |known| {
                known.said = Some(Said {
                    hello: hello.clone(),
                    at: UtcMs(minute * MINUTE_MS),
                    installer: String::new(),
                });
            });
        }
        noticed
    }
}

#[test]
fn what_was_asked_for_before_a_machine_was_to_be_forgotten_is_not_learned() {
    let mut heard = Heard::new();
    heard.0.join(MACHINE, "1", (0, &"a")).unwrap();
    let known = heard.0.known(&MACHINE).unwrap().clone();
    heard.0.forget(&MACHINE);
    let early = heard.0.asks(MACHINE);
    heard.0.forget(&MACHINE);
    // It went away and came again: nothing of it is left but the asking.
    heard.0.left(&MACHINE, 0);
    heard.0.join(MACHINE, "1", (1, &"b")).unwrap();
    heard.0.learn(MACHINE, known.clone(), early);
    assert!(heard.0.known(&MACHINE).is_none());
    let late = heard.0.asks(MACHINE);
    heard.0.learn(MACHINE, known.clone(), early);
    assert!(heard.0.known(&MACHINE).is_none());
    heard.0.learn(MACHINE, known, late);
    assert!(heard.0.known(&MACHINE).is_some());
}

#[test]
fn a_machine_that_comes_again_replaces_its_connection() {
    let mut heard = Heard::new();
    assert_eq!(heard.hello(0, &hello(1, 1), 0), Noticed::Itself);
    assert_eq!(heard.hello(0, &hello(1, 1), 1), Noticed::Itself);
    assert_eq!(heard.hello(1, &hello(1, 1), 2), Noticed::Again("a"));
    // The old one ends late; the new one stays.
    heard.0.left(&MACHINE, 0);
    assert_eq!(heard.0.connection(&MACHINE), Some("b"));
    assert_eq!(heard.0.count(), 1);
    heard.0.left(&MACHINE, 1);
    assert_eq!(heard.0.count(), 0);
}

#[test]
fn reboots_are_no_clones_but_boots_that_take_turns_are() {
    let mut heard = Heard::new();
    for boot in 1..=9 {
        assert_eq!(heard.hello(0, &hello(boot, 1), 0), Noticed::Itself);
    }
    assert!(matches!(heard.hello(1, &hello(8, 1), 1), Noticed::Clone(_)));
    // The one that is known goes on.
    assert_eq!(heard.hello(0, &hello(9, 1), 2), Noticed::Itself);
}

#[test]
fn two_live_connections_with_different_facts_are_clones() {
    let mut heard = Heard::new();
    assert_eq!(heard.hello(0, &hello(1, 1), 0), Noticed::Itself);
    assert!(matches!(heard.hello(1, &hello(2, 2), 1), Noticed::Clone(_)));
    assert_eq!(heard.0.connection(&MACHINE), Some("a"));
    // Alone, another mainboard is asked about.
    heard.0.left(&MACHINE, 0);
    assert!(matches!(
        heard.hello(1, &hello(2, 2), 2),
        Noticed::Changed(_)
    ));
}

#[test]
fn connections_that_throw_one_another_out_are_clones() {
    let mut heard = Heard::new();
    heard.hello(0, &hello(1, 1), 0);
    let mut said = Vec::new();
    for turn in 1..=6 {
        said.push(heard.hello(turn % 2, &hello(1, 1), 1));
    }
    assert!(matches!(said[4], Noticed::Again(_)));
    assert!(matches!(said[5], Noticed::Clone(_)));
    // Spread over hours it is a bad network.
    let mut heard = Heard::new();
    heard.hello(0, &hello(1, 1), 0);
    for turn in 1..=60 {
        let noticed = heard.hello(turn % 2, &hello(1, 1), turn as i64 * 5);
        assert!(matches!(noticed, Noticed::Again(_)), "turn {turn}");
    }
}

#[test]
fn connections_are_found_by_unit() {
    let mut heard = Heard::new();
    heard.hello(0, &hello(1, 1), 0);
    let (icu, ward) = (Name::new("icu").unwrap(), Name::new("ward").unwrap());
    assert_eq!(heard.0.connections(Some(&icu)), [(MACHINE, "a")]);
    assert!(heard.0.connections(Some(&ward)).is_empty());
    assert_eq!(heard.0.connections(None), [(MACHINE, "a")]);
    heard.0.forget(&MACHINE);
    assert!(heard.0.known(&MACHINE).is_none());
    assert_eq!(heard.0.connections(None), [(MACHINE, "a")]);
}

#[test]
fn connections_are_counted_and_revoked_certificates_refused() {
    let mut registry = Registry::new(HashSet::from(["bad".to_owned()]));
    assert_eq!(registry.join(MACHINE, "bad", (0, &"a")), Err(Revoked));
    for (id, name) in ["a", "b", "c", "d"].iter().enumerate() {
        assert_eq!(registry.join(MACHINE, "good", (id, name)), Ok(None));
    }
    assert_eq!(registry.join(MACHINE, "good", (4, &"e")), Ok(Some("a")));
    registry.left(&MACHINE, 2);
    assert_eq!(registry.all_of(&MACHINE), ["b", "d", "e"]);
}

#[test]
fn however_many_connections_come_the_one_that_said_hello_stays() {
    let mut heard = Heard::new();
    heard.0.join(MACHINE, "good", (0, &"a")).unwrap();
    heard.hello(0, &hello(1, 1), 0);
    for id in 1..=20 {
        let thrown_out = heard.0.join(MACHINE, "good", (id, &"copy"));
        assert!(matches!(thrown_out, Ok(None | Some("copy"))), "{id}");
    }
    assert_eq!(heard.0.connection(&MACHINE), Some("a"));
    assert_eq!(heard.0.all_of(&MACHINE).len(), OPEN);
    assert!(heard.0.all_of(&MACHINE).contains(&"a"));
}

#[test]
fn a_watermark_that_falls_back_is_noticed() {
    let mut heard = Heard::new();
    let say = |heard: &mut Heard, watermark: u8| {
        let mut hello = hello(1, 1);
        hello.watermark = Digest([watermark; 32]);
        heard.hello(0, &hello, 0);
        heard.0.is_regressed(&MACHINE)
    };
    // Zeros: the installer did not answer, and nothing is known.
    for rising in [1, 2, 0, 2, 2, 3] {
        assert!(!say(&mut heard, rising), "{rising}");
    }
    assert!(say(&mut heard, 2));
    assert!(say(&mut heard, 2));
    // A renewal reads the store anew, and changes nothing about what was seen.
    heard.0.suspect(&MACHINE);
    heard.again(true);
    assert!(say(&mut heard, 2));
    // A person looked.
    heard.again(false);
    assert!(!say(&mut heard, 2));
}

#[test]
fn a_renewal_does_not_forget_earlier_boots() {
    let mut heard = Heard::new();
    heard.hello(0, &hello(1, 1), 0);
    heard.hello(0, &hello(2, 1), 0);
    heard.again(false);
    assert!(matches!(heard.hello(1, &hello(1, 1), 1), Noticed::Clone(_)));
}

#[test]
fn the_last_answer_to_an_ask_for_a_go_is_kept() {
    use crate::rollout::go::Not;
    let mut heard = Heard::new();
    let refused = |at| Refusal {
        job: patchward_common::id::JobId([1; 16]),
        at: UtcMs(at),
        not: Not::Stopped,
    };
    let kept = |heard: &Heard| heard.0.refusals().map(|one| one.at.0).collect::<Vec<_>>();
    heard.0.answered(&MACHINE, Some(refused(1)));
    heard.0.answered(&MACHINE, Some(refused(2)));
    heard.0.answered(&MachineId([9; 32]), Some(refused(3)));
    assert_eq!(kept(&heard), [2], "nothing is kept of who is not here");
    // A renewal of its certificate changes nothing.
    heard.again(false);
    assert_eq!(kept(&heard), [2]);
    heard.0.answered(&MACHINE, None);
    assert!(kept(&heard).is_empty());
}

fn given(digest: u8) -> Given {
    Given {
        common: u64::from(digest),
        generation: 1,
        tables: 1,
        digest: Digest([digest; 32]),
        own: Digest::default(),
    }
}

/// It said with a hello that it has `orders`, and was given those of `given(1)`.
fn holding(orders: u8) -> Heard {
    let mut heard = Heard::new();
    let mut hello = hello(1, 1);
    hello.orders = Digest([orders; 32]).into();
    heard.hello(0, &hello, 0);
    heard.0.holds(&MACHINE, Some(UtcMs(5)));
    heard
        .0
        .update(&MACHINE, |known| known.orders = Some(given(1)));
    heard
}

/// What is known of the orders that it has: given, said, and since when all.
fn orders_of(heard: &Heard) -> (Option<Given>, ShortDigest, Option<UtcMs>) {
    let known = heard.0.known(&MACHINE).unwrap();
    let said = known.said.as_ref().unwrap().hello.orders;
    let since = heard.0.holding().next().unwrap().since;
    (known.orders, said, since)
}

#[test]
fn stops_that_a_machine_took_are_known_without_a_hello() {
    let (before, after) = (given(1), given(2));
    let at_nine = |generation| Took {
        before,
        after,
        generation,
        at: UtcMs(9),
    };
    let took = |heard: &mut Heard, id, generation| {
        heard.0.took(&MACHINE, id, at_nine(generation));
        orders_of(heard)
    };
    let all = (Some(after), after.digest.into(), Some(UtcMs(9)));
    assert_eq!(took(&mut holding(1), 0, 1), all);
    // Another document came meanwhile.
    let some = (Some(after), after.digest.into(), Some(UtcMs(5)));
    assert_eq!(took(&mut holding(1), 0, 2), some);
    // It said on another connection, or after that, that it has others.
    for (mut heard, id) in [(holding(1), 1), (holding(3), 0)] {
        let known = orders_of(&heard);
        assert_eq!(took(&mut heard, id, 1), known);
    }
    // It was given others.
    let mut heard = holding(1);
    let others = |known: &mut Known| known.orders = Some(given(3));
    heard.0.update(&MACHINE, others);
    let known = orders_of(&heard);
    assert_eq!(took(&mut heard, 0, 1), known);
    heard.0.took(&MachineId([9; 32]), 0, at_nine(1));
}

#[test]
fn a_machine_holds_its_orders_while_it_says_so_and_is_connected() {
    let mut heard = Heard::new();
    let since = |heard: &Heard| {
        let mut holding = heard.0.holding();
        holding.next().map(|one| one.since.map(|at| at.0))
    };
    heard.0.holds(&MACHINE, Some(UtcMs(5)));
    assert_eq!(since(&heard), None, "it is not connected");
    heard.hello(0, &hello(1, 1), 0);
    assert_eq!(since(&heard), Some(Some(5)));
    // What is known of it has to be asked again: it is here, and may lack anything.
    heard.0.forget(&MACHINE);
    let holding: Vec<_> = heard.0.holding().collect();
    assert_eq!((&holding[0].unit, holding[0].since), (&None, None));
    heard.0.holds(&MACHINE, None);
    assert_eq!(since(&heard), Some(None));
}
