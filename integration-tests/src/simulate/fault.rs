//! What goes wrong, by name, and how often it really did.

/// A word and a description for each variant of an enum.
macro_rules! worded {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $word:literal, $what:literal;)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[allow(missing_docs, reason = "each has its description in `what`")]
        pub enum $name { $($variant,)+ }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// Its word in commands and tables.
            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            /// What it is.
            pub fn what(self) -> &'static str {
                match self { $(Self::$variant => $what,)+ }
            }
        }
    };
}
pub(super) use worded;

worded! {
    /// A fault, or something that people do in the middle of everything.
    Fault {
        RequestLost = "request_lost", "a request never arrived";
        AnswerLost = "answer_lost", "a request was carried out, its answer never arrived";
        Duplicated = "duplicated", "a message arrived twice";
        Reordered = "reordered", "a message overtook one that was sent before it";
        Delayed = "delayed", "a message took between one and nine minutes";
        NudgeLost = "nudge_lost", "a nudge never arrived";
        Partition = "partition", "a machine, or a whole unit, was cut off for hours";
        AgentRestarted = "agent_restarted", "an agent lost its memory";
        InstallerKilled = "installer_killed", "an installer was killed at a persist point";
        PowerCut = "power_cut", "a machine lost power";
        PowerCutAtWork = "power_cut_at_work", "a machine lost power in the middle of a job";
        PowerCutAtPersist = "power_cut_at_persist", "a machine lost power at a persist point";
        TornWrite = "torn_write", "a write was cut off; the file is the old one";
        UnsyncedLost = "unsynced_lost", "what was written and not synced was gone after a power cut";
        TornWatermark = "torn_watermark", "one copy of a watermark could not be read";
        ArtifactDamaged = "artifact_damaged", "a staged artifact had other bytes on the disk";
        JournalDamaged = "journal_damaged", "an event of a machine's journal could not be read";
        DiskFull = "disk_full", "a disk took no write for a while";
        SwitchedOff = "switched_off", "somebody switched a machine off for hours";
        RestartFailed = "restart_failed", "a restart was ordered and did not happen";
        ClockSkewed = "clock_skewed", "a clock was minutes off";
        ClockJumped = "clock_jumped", "a clock jumped by hours";
        ClockWrongByYears = "clock_wrong_by_years", "a clock was wrong by years";
        InUse = "in_use", "a machine was in use when it should start";
        UseUnknown = "use_unknown", "a machine could not tell whether it was in use";
        InUseAtReboot = "in_use_at_reboot", "a machine was in use when it should restart";
        NotReady = "not_ready", "a machine's own probe said that it is not ready";
        Held = "held", "the ward said not now";
        LateApproval = "late_approval", "a plan was signed a day or more after it was made";
        NotSigned = "not_signed", "a plan was out of date when it came to be signed";
        StopPressed = "stop_pressed", "an approver stopped a plan, a release, a unit or all";
        StopLifted = "stop_lifted", "a stop was lifted";
        PlanHalted = "plan_halted", "a plan reached its failure limit";
        ModelHalted = "model_halted", "a release was halted on a model";
        HaltResumed = "halt_resumed", "HTM let go on what was halted";
        WaveClosed = "wave_closed", "a machine asked to start in a wave that was closed";
        WaveOpened = "wave_opened", "HTM opened a wave about which it was asked";
        FreezeAdded = "freeze_added", "a freeze came over signed work";
        WindowChanged = "window_changed", "a window was moved under signed work";
        RosterChanged = "roster_changed", "a key was taken out of the roster";
        AssignmentChanged = "assignment_changed", "a machine got another mode";
        HandedOver = "handed_over", "an always-used machine was handed over";
        CrashBeforeCommit = "crash_before_commit", "the collector died before a COMMIT";
        CrashAfterCommit = "crash_after_commit", "the collector died after a COMMIT, before its answer";
        Restored = "restored", "the collector's database was put back to a backup";
        FeedOld = "feed_old", "a calendar could not be read for more than a week";
        InstallFailed = "install_failed", "a step of an install failed";
        InstallHung = "install_hung", "a step of an install hung";
        BadRelease = "bad_release", "a release failed because it does not fit a model";
        WrongVersion = "wrong_version", "an install brought something else than it said";
        RecoveryFailed = "recovery_failed", "a step of the way back failed";
        MetadataExpired = "metadata_expired", "the vendor's metadata ran out";
        UnpublishedApproved = "unpublished_approved", "a release was approved that its vendor never published";
        HostileGo = "hostile_go", "a hostile collector gave a go that it should have refused";
        ReplayedGo = "replayed_go", "a hostile collector gave an old go again";
        ForgedGo = "forged_go", "a hostile collector gave a go by another key";
        OtherMachinesLeaf = "other_machines_leaf", "a hostile collector gave another machine's leaf";
        OldRoster = "old_roster", "a hostile collector gave an older roster";
        WithheldStop = "withheld_stop", "a hostile collector kept a stop to itself";
        UndersignedPlan = "undersigned_plan", "a hostile collector gave a plan that too few signed";
        SwappedArtifact = "swapped_artifact", "a hostile collector gave other bytes for an artifact";
        OldMetadata = "old_metadata", "a hostile collector gave older vendor metadata";
        ForgedEvent = "forged_event", "a hostile agent sent an event of another machine, or one that it made up";
        AlteredEvent = "altered_event", "a hostile agent sent another event in place of one";
        StartWithoutGo = "start_without_go", "a hostile agent asked for a start with an old go";
        StopFlood = "stop_flood", "a hostile agent passed on stops without end";
    }
}

/// How often each fault really happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counts(Vec<u64>);

impl Default for Counts {
    fn default() -> Self {
        Self(vec![0; Fault::ALL.len()])
    }
}

impl Counts {
    /// Notes one.
    pub(super) fn note(&mut self, fault: Fault) {
        self.0[fault as usize] += 1;
    }

    /// How often one happened.
    pub fn of(&self, fault: Fault) -> u64 {
        self.0[fault as usize]
    }

    /// Adds those of another run.
    pub fn add(&mut self, other: &Self) {
        for (mine, more) in self.0.iter_mut().zip(&other.0) {
            *mine += more;
        }
    }

    /// Those that never happened.
    pub fn never(&self) -> Vec<&'static str> {
        let all = Fault::ALL.iter();
        all.filter(|fault| self.of(**fault) == 0)
            .map(|fault| fault.word())
            .collect()
    }
}
