//! Bugs planted on purpose, one at a time and one line each, so that the crash test, the simulation and the models of threads
//! can show that they would find them.
//!
//! Outside of tests and of the feature `planted` every question here is answered no, and the compiler removes it.

/// A planted bug.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bug {
    /// Onward messages go out before the records that send them are handed over.
    OnwardBeforeRecord,
    /// Answers leave before the sync that covers them.
    AnswerBeforeSync,
    /// A refusal inside a walk leaves no record.
    RefusalUnrecorded,
    /// A bad record is skipped, and what lies behind it is read.
    BadRecordSkipped,
    /// Doors learn of an actor before the record of its beginning is handed over.
    NameBeforeRecord,
    /// An unfinished walk is not finished by recovery.
    WalkDropped,
    /// A slice of a snapshot is stored before the journal is durable up to its newest record.
    SliceBeforeSync,
    /// A recovery from a snapshot begins behind the messages that waited while it was taken.
    WaitingForgotten,
    /// A snapshot leaves out what the other half has, not only what its own half has.
    OtherHalfCounted,
    /// A record that a restored room has seen is skipped with the messages that it sends.
    KnownRecordIgnored,
    /// A merchant is told that an order is paid while its money is still on its way to the payee.
    OrderPaidTooSoon,
    /// Doors do not learn again, when the engine starts, which accounts are frozen or closed.
    StatusForgotten,
    /// Two shards may be given the same positions, because the lock is let go in between.
    PositionGivenTwice,
    /// An answer whose sync ends while it is released waits for another one.
    SyncMissed,
    /// An answer that is released after the journal has failed waits for a sync.
    FaultMissed,
    /// The journal says that records are durable before their sync.
    DurableBeforeSync,
    /// Nobody is told that there is room in the journal's front again.
    RoomUntold,
    /// Nobody who waits for the journal is told that it has failed.
    FailureUntold,
    /// The journal takes records after its end was asked for.
    ClosedTakes,
    /// Whether there is a permit, and that it is taken, are two steps.
    PermitInTwoSteps,
    /// A walk's last message is counted before its record's position is noted.
    EndBeforePosition,
    /// Notices are told before their records are durable.
    NoticeBeforeSync,
    /// A turn's messages reach one shard after the other.
    ShardAfterShard,
    /// A shard notes that it is awake only after it has worked.
    AwakeAfterWork,
    /// A snapshot counts the walks before it settles which records are in it.
    WalksBeforePosition,
    /// The journal is trimmed behind the newer of two snapshots.
    TrimmedToTheNewer,
    /// A batch counts as durable and was never synced.
    SyncSkipped,
    /// A sync that fails counts as one that went well.
    FailedSyncCounts,
    /// A batch counts as whole whatever its checksum says.
    ChecksumIgnored,
    /// Recovery delivers what was under way twice.
    DeliveredTwice,
    /// An account does not recognise a request that it has carried out.
    RequestForgotten,
    /// What of a commission goes home never arrives there.
    ReturnDropped,
    /// Promises are cashed twice.
    PromiseCashedTwice,
    /// A right to acquire can be used again.
    RightUsedTwice,
    /// A withdrawal condition is met only by more than its thresholds.
    ThresholdMissed,
    /// A commission ends a millisecond late.
    DeadlineMissed,
    /// An account may buy one more than the cap.
    CapMissed,
    /// What is held for a reservation stays held when it ends.
    HoldKept,
    /// Shares are rounded down.
    ShareRoundedDown,
    /// A gift that was accepted expires all the same.
    AcceptedExpires,
    /// Circulations in turn begin at the same certificate again.
    CursorStands,
    /// A door tells even whoever repeats its purchase that everything is sold.
    RepeatTurnedAway,
}

impl Bug {
    /// Those that the simulation is to find.
    #[cfg(any(test, feature = "planted"))]
    pub(crate) const SIMULATED: [Bug; 30] = [
        Bug::OnwardBeforeRecord,
        Bug::AnswerBeforeSync,
        Bug::RefusalUnrecorded,
        Bug::BadRecordSkipped,
        Bug::NameBeforeRecord,
        Bug::WalkDropped,
        Bug::SliceBeforeSync,
        Bug::WaitingForgotten,
        Bug::OtherHalfCounted,
        Bug::KnownRecordIgnored,
        Bug::OrderPaidTooSoon,
        Bug::StatusForgotten,
        Bug::WalksBeforePosition,
        Bug::TrimmedToTheNewer,
        Bug::SyncSkipped,
        Bug::FailedSyncCounts,
        Bug::ChecksumIgnored,
        Bug::DeliveredTwice,
        Bug::RequestForgotten,
        Bug::ReturnDropped,
        Bug::PromiseCashedTwice,
        Bug::RightUsedTwice,
        Bug::ThresholdMissed,
        Bug::DeadlineMissed,
        Bug::CapMissed,
        Bug::HoldKept,
        Bug::ShareRoundedDown,
        Bug::AcceptedExpires,
        Bug::CursorStands,
        Bug::RepeatTurnedAway,
    ];
}

#[cfg(any(test, feature = "planted"))]
thread_local! {
    static PLANTED: std::cell::Cell<Option<Bug>> = const { std::cell::Cell::new(None) };
}

/// True where this bug is planted on this thread.
#[cfg(any(test, feature = "planted"))]
pub(crate) fn has(bug: Bug) -> bool {
    PLANTED.get() == Some(bug)
}

/// Nothing is planted outside of tests.
#[cfg(not(any(test, feature = "planted")))]
pub(crate) const fn has(_bug: Bug) -> bool {
    false
}

/// Runs with a bug planted on this thread, or with none; then what was planted before is so again.
#[cfg(any(test, feature = "planted"))]
pub(crate) fn with<T>(bug: Option<Bug>, run: impl FnOnce() -> T) -> T {
    let before = PLANTED.replace(bug);
    let result = run();
    PLANTED.set(before);
    result
}
