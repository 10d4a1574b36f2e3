//! Rules broken on purpose, in the wiring of the simulation and never in the product: each
//! must be caught by an invariant.

use super::fault::worded;

worded! {
    /// One rule, broken.
    Mutant {
        RosterExpirySkipped = "roster_expiry_skipped", "a roster counts after its expiry";
        VendorSkipped = "vendor_skipped", "step 5 is not asked";
        ModeSkipped = "mode_skipped", "a rehearsing machine installs";
        SlotSkipped = "slot_skipped", "step 9 is not asked";
        LongestRunSkipped = "longest_run_skipped", "a start needs no time left in its slot";
        ClockBoundSkipped = "clock_bound_skipped", "the machine's clock is not compared with the go's";
        GoWithoutNonce = "go_without_nonce", "a go counts whatever nonce it answers";
        GoOfAnyKey = "go_of_any_key", "a go counts whoever signed it";
        InterlockSkipped = "interlock_skipped", "step 11 is not asked at the start";
        InterlockNotAskedAgain = "interlock_not_asked_again", "steps 10 and 11 are not asked again before the point of no return";
        InterlockNotAskedBeforeReboot = "interlock_not_asked_before_reboot", "steps 10 and 11 are not asked before a restart";
        UnknownIsIdle = "unknown_is_idle", "an interlock that cannot tell counts as idle";
        HoldIgnored = "hold_ignored", "a hold at the machine is not asked";
        StopIgnored = "stop_ignored", "stops that a machine knows are not asked";
        HashedOnce = "hashed_once", "artifacts are not hashed again before a step";
        StartNotSynced = "start_not_synced", "the event of a start is written and not synced";
        RecordNotKept = "record_not_kept", "the start record stays in memory";
        WatermarkNotSynced = "watermark_not_synced", "the watermark is written and not synced";
        OldRosterTaken = "old_roster_taken", "documents are taken without asking the watermark";
        CounterNotRaised = "counter_not_raised", "a verified release does not raise its counter";
        QuarantineForgotten = "quarantine_forgotten", "a rollback does not quarantine";
        TwoJobsAtOnce = "two_jobs_at_once", "a job may start while another is open";
        VerifiedUnmeasured = "verified_unmeasured", "an install counts as verified without a look";
        RebootNotProved = "reboot_not_proved", "a restart that was ordered counts as done";
        RecoveryAsksNetwork = "recovery_asks_network", "a way back waits for an answer of the collector, which may be lost";
        MinimumOffByOne = "minimum_off_by_one", "go: one member less than the minimum may be ready";
        GoesNotCounted = "goes_not_counted", "go: members with a go count as ready";
        OpenJobsNotCounted = "open_jobs_not_counted", "go: members with an open job count as ready";
        SilentIsReady = "silent_is_ready", "go: members that were not heard count as ready";
        GoEndsByClock = "go_ends_by_clock", "go: an issued go counts as ended after ten minutes";
        CollectorStopIgnored = "collector_stop_ignored", "go: stops are not asked";
        FreezeIgnored = "freeze_ignored", "go: freezes are not asked";
        HaltIgnored = "halt_ignored", "go: halts of a plan and its failure limit are not asked";
        ModelHaltIgnored = "model_halt_ignored", "go: halts of a release on a model are not asked";
        WaveIgnored = "wave_ignored", "go: what came out of the wave before is not asked";
        OpenedForGood = "opened_for_good", "go: a wave that a person opened stays open whatever goes wrong then";
        RestoredGoesOn = "restored_goes_on", "go: a restored collector asks nobody";
        PlanMinimumOffByOne = "plan_minimum_off_by_one", "planner: one slot more at once; nobody checks the plan";
        BesideIgnored = "beside_ignored", "planner: plans that stand beside are not looked at; nobody checks the plan";
        AcknowledgedBeforeStored = "acknowledged_before_stored", "journal: the acknowledgement leaves before COMMIT";
        AlteredReplaces = "altered_replaces", "journal: an event with other bytes replaces the stored one";
        StoredTwice = "stored_twice", "journal: an event that comes again is stored again";
        EventsUnverified = "events_unverified", "journal: events are not verified with the machine's key";
        NeverResent = "never_resent", "agent: what was sent once is not sent again";
        NextSlotForgotten = "next_slot_forgotten", "agent: a job that missed its slot is not tried in the next";
        StopsWithoutLimit = "stops_without_limit", "installer: it keeps every stop that an agent passes on";
    }
}
