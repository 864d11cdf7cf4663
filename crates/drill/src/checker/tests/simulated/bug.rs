//! The bugs that can be planted.

/// What goes wrong, once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bug {
    /// An acknowledged record is not stored.
    DroppedAcknowledgement,
    /// An acknowledged record that nobody has read yet is cut off, and its offset given again.
    Truncation,
    /// The same for one that was read.
    TruncationAfterRead,
    /// Two records that lie side by side change places.
    SwappedOffsets,
    /// A record is stored twice.
    StoredTwice,
    /// A consumer is given what it had been given already.
    StaleRead,
    /// A consumer passes over a record between two polls.
    SkippedBetweenPolls,
    /// A consumer that begins at the beginning is not given the first record.
    SkippedBeginning,
    /// A poll leaves out a record in the midst of others.
    SkippedWithinPoll,
    /// A poll returns a record twice.
    RepeatedWithinPoll,
    /// An aborted transaction is shown.
    AbortedShown,
    /// A send that was refused is stored all the same.
    RefusedStored,
    /// Two requests of a producer are stored in the wrong order.
    RequestsReordered,
    /// Two records of a request are stored in the wrong order.
    RecordsReordered,
    /// A committed transaction has lost a record.
    TornCommit,
    /// A transaction reads its own record.
    OwnRead,
    /// A poll returns a value that nobody sent.
    ForgedValue,
    /// The final read ends too early.
    ShortFinalRead,
    /// The last record of a partition is lost after it was read, and nothing else comes to lie there.
    TailLostAfterRead,
    /// A partition has lost everything, after it was read.
    PartitionLost,
}

impl Bug {
    /// Whether it happens when all sending is over.
    pub(crate) const fn is_late(self) -> bool {
        matches!(
            self,
            Self::ShortFinalRead | Self::TailLostAfterRead | Self::PartitionLost
        )
    }

    pub(crate) const ALL: [Self; 20] = [
        Self::DroppedAcknowledgement,
        Self::Truncation,
        Self::TruncationAfterRead,
        Self::SwappedOffsets,
        Self::StoredTwice,
        Self::StaleRead,
        Self::SkippedBetweenPolls,
        Self::SkippedBeginning,
        Self::SkippedWithinPoll,
        Self::RepeatedWithinPoll,
        Self::AbortedShown,
        Self::RefusedStored,
        Self::RequestsReordered,
        Self::RecordsReordered,
        Self::TornCommit,
        Self::OwnRead,
        Self::ForgedValue,
        Self::ShortFinalRead,
        Self::TailLostAfterRead,
        Self::PartitionLost,
    ];
}
