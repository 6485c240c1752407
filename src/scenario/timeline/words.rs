//! Reasons and ends, for people.

use crate::broker::amqp::DropReason;
use crate::events::Ended;

pub(super) fn dropped(why: DropReason) -> &'static str {
    match why {
        DropReason::Rejected => "rejected",
        DropReason::Expired => "expired",
        DropReason::MaxLength => "the queue was full",
        DropReason::DeliveryLimit => "delivered too often",
        DropReason::Purged => "purged",
        DropReason::QueueDeleted => "its queue was deleted",
        DropReason::Transient => "lost by the broker's restart",
        DropReason::NoRoute => "no queue was bound for it",
        DropReason::Refused => "refused by a full queue",
        DropReason::TakenAndLost => "popped by a connection that was lost before it was on record",
    }
}

pub(super) fn ended(how: Ended) -> &'static str {
    match how {
        Ended::Returned => "returned",
        Ended::Failed => "raised",
        Ended::AskedRetry => "asked for a retry",
        Ended::Rejected => "rejected its message",
        Ended::Ignored => "asked to be ignored",
        Ended::SoftLimit => "was interrupted by its soft time limit",
    }
}
