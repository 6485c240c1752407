//! Planted faults: bugs of the kind that people write, each in a line or two at the place where the right code is. They
//! prove that exploration finds such bugs (`docs/exploration.md`).
//!
//! Without the feature `planted`, which nothing but `cargo run --features planted --bin hunt` and its test turn on,
//! [`planted`] is a constant and nothing of them is in the program. With it none is at work until its thread says so with
//! [`plant`]: a simulated world and everything in it lives in one thread.

macro_rules! faults {
    ($( $(#[doc = $about:literal])+ $name:ident, )+) => {
        /// The faults.
        #[cfg_attr(not(feature = "planted"), allow(unreachable_pub, reason = "public where hunts are"))]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Fault { $( $(#[doc = $about])+ $name, )+ }

        #[cfg(feature = "planted")]
        impl Fault {
            /// All of them.
            pub const ALL: &[Fault] = &[$( Fault::$name, )+];

            /// What is wrong.
            pub fn about(self) -> &'static str {
                match self { $( Fault::$name => concat!($( $about ),+).trim(), )+ }
            }

            /// Its name.
            pub fn name(self) -> &'static str {
                match self { $( Fault::$name => stringify!($name), )+ }
            }
        }
    };
}

faults! {
    // The worker.
    /// A message is acked while its result is still on the way to the store.
    AckBeforeStore,
    /// A retry is sent with the count that its message came with.
    RetryCountNotCarried,
    /// The worker believes that the broker delivers once more than it does.
    DeliveryLimitOffByOne,
    /// Of several timers that are due at once, as after a pause, only the first is served.
    TimersLostAfterPause,
    /// A task counts as done before its result is stored.
    DoneBeforeStored,
    /// `expires` is compared with the clock of timers, not with the wall's.
    ExpiryOnTheWrongClock,
    /// `expires` is looked at when a message comes, and not again when its turn has come.
    ExpiryOnlyOnArrival,
    /// What the result store says of a revoke is not heeded.
    RevokeForgotten,
    /// A retry runs without its hard time limit.
    HardLimitNotArmedAfterRetry,
    /// A shutting down worker keeps what it has not begun until its last task has ended.
    ReservedKeptDuringShutdown,
    /// A message that waits for its ETA is kept although its connection is gone.
    ParkedKeptAfterConnectionLoss,
    /// The timer for the next token is not set when the first in line is turned away.
    TokenTimerLost,
    /// A child that was taken for a task that is then turned away is not given back.
    ChildLeakedWhenTurnedAway,
    /// A child that was killed for its hard time limit is not replaced.
    ChildNotReplaced,
    /// A worker that shuts down does not wait for results that are being stored.
    ExitBeforeStored,
    // The broker actor and its session.
    /// Delivery tags of a lost connection are settled on the next one.
    StaleTagAcked,
    /// When the connection is lost, what was not confirmed counts as confirmed.
    ConfirmAssumedOnLoss,
    /// A confirm is taken for that of the next publish too.
    ConfirmTakenForTheNext,
    /// An ack settles all deliveries up to its own.
    AckMultiple,
    /// After a reconnect nothing is consumed.
    ConsumersNotRestored,
    /// After a reconnect the prefetch window is without limit.
    PrefetchNotRestored,
    /// After a reconnect no heartbeats are sent, and none are missed.
    HeartbeatsNotRestored,
    // The embedded broker.
    /// What a lost connection had unacked does not go back to its queue.
    RequeueForgotten,
    /// A return is not counted.
    ReturnNotCounted,
    /// A rejected message is dropped instead of dead-lettered.
    DeadLetterDropped,
    /// A rejected delivery keeps its place in the prefetch window.
    WindowLeakedOnReject,
    /// A window that has grown is not filled before the next ack.
    LargerWindowNotFilled,
    /// What clients had is not recovered from the journal.
    UnackedNotRecovered,
    /// A publish is confirmed before the journal is synced.
    ConfirmBeforeSync,
    // The Redis adapter.
    /// After a reconnect leases are not renewed.
    RefreshStopsAfterReconnect,
    /// A worker that closes its connection gives nothing back.
    UnackedNotGivenBack,
    /// What the lost connection had unacked is left to the sweep.
    HeldNotInherited,
    /// What a take brought when its answer was lost is left to the sweep.
    OrphansForgotten,
    /// A message that is given back comes to the far end of the list that is read last.
    PriorityLostOnReturn,
    /// One ack too many: that of the oldest message which is still held.
    AckOneTooMany,
    /// A reject makes room, and nobody looks at the queues.
    RoomUnnoticed,
    /// Tags of one take are used by the next one again.
    TagsUsedTwice,
    /// A worker sweeps once, and never again.
    SweepStops,
    // The adapter for RabbitMQ.
    /// One ack covers all deliveries up to its own, those too that still run.
    AckPastAGap,
    /// A message is acked while its dead letter is still on the way.
    AckBeforeDeadLetter,
    /// A confirm of many publishes is taken for that of the last.
    ConfirmOfManyTakenForOne,
    /// When the broker takes messages again, publishes are still refused.
    BlockedForEver,
    // The result store's client and its server.
    /// After a reconnect the store is not asked again for results that callers wait for.
    WaitersForgotten,
    /// After a reconnect results that were not answered are not stored again.
    UnstoredForgotten,
    /// The latest state stays, whatever was there.
    PrecedenceIgnored,
    /// A store that is silent is waited for.
    SilentStoreUnnoticed,
    /// A lease is given to whoever asks.
    LeaseGrantedTwice,
    // The producer.
    /// A further try of a publish has a task id of its own.
    RetriedPublishForgetsId,
    /// When the tries of a publish are used up, its caller is told that it is published.
    PublishErrorSwallowed,
    // Beat.
    /// A run counts as done when its publish has failed.
    FailedPublishCounts,
    /// Missed due times are run twice.
    CatchUpDoubles,
    /// A run that was taken when beat died counts as done.
    TakenCountsAsDone,
    /// A step of the wall clock moves the rhythm of intervals.
    ClockStepUnnoticed,
    /// A beat that stands by asks once, and never again.
    StandbyStops,
}

#[cfg(feature = "planted")]
mod switch {
    use super::Fault;
    use std::cell::Cell;

    thread_local! {
        static PLANTED: Cell<Option<Fault>> = const { Cell::new(None) };
    }

    /// Has this fault at work in this thread, and no other.
    pub fn plant(fault: Option<Fault>) {
        PLANTED.set(fault);
    }

    /// The fault that is at work.
    pub(crate) fn at_work() -> Option<Fault> {
        PLANTED.get()
    }

    /// Whether a fault is at work.
    #[inline]
    pub(crate) fn planted(fault: Fault) -> bool {
        PLANTED.get() == Some(fault)
    }
}

#[cfg(feature = "planted")]
pub use switch::plant;
#[cfg(feature = "planted")]
pub(crate) use switch::{at_work, planted};

/// Whether a fault is at work: never, in this build.
#[cfg(not(feature = "planted"))]
#[inline(always)]
pub(crate) const fn planted(_: Fault) -> bool {
    false
}
