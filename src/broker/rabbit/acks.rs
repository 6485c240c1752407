//! Acks that have gathered, as few frames.
//!
//! Delivery tags of a channel are dense from 1. `basic.ack` with `multiple` settles everything up to its tag, also what
//! has been delivered and not been seen here yet; so it is only used for a tag before which everything is settled.

use crate::broker::amqp::DeliveryTag;
use crate::planted::{Fault as Planted, planted};
use std::collections::BTreeMap;

/// What has been settled on a channel.
#[derive(Debug, Default)]
pub(super) struct Acks {
    /// Everything through this tag is settled.
    through: DeliveryTag,
    /// What is settled beyond, and whether its ack is still to be sent.
    beyond: BTreeMap<DeliveryTag, bool>,
    waiting: bool,
}

impl Acks {
    /// An ack is to be sent.
    pub(super) fn ack(&mut self, tag: DeliveryTag) {
        self.beyond.insert(tag, true);
        self.waiting = true;
    }

    /// Settled without an ack.
    pub(super) fn settled(&mut self, tag: DeliveryTag) {
        self.beyond.insert(tag, false);
    }

    /// The acks to send now: tag, and whether it is `multiple`.
    pub(super) fn gather(&mut self) -> Vec<(DeliveryTag, bool)> {
        let (mut last, mut count) = (None, 0);
        while let Some(entry) = self.beyond.first_entry()
            && (*entry.key() == self.through + 1 || planted(Planted::AckPastAGap))
        {
            self.through = *entry.key();
            if entry.remove() {
                (last, count) = (Some(self.through), count + 1);
            }
        }
        let mut acks: Vec<(DeliveryTag, bool)> = last.map(|tag| (tag, count > 1)).into_iter().collect();
        if std::mem::take(&mut self.waiting) {
            for (tag, waits) in &mut self.beyond {
                if std::mem::take(waits) {
                    acks.push((*tag, false));
                }
            }
        }
        acks
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_in_order_is_one_frame() {
        let mut acks = Acks::default();
        (1..=100).for_each(|tag| acks.ack(tag));
        assert_eq!(acks.gather(), [(100, true)]);
        acks.ack(101);
        assert_eq!(acks.gather(), [(101, false)]);
        assert_eq!(acks.gather(), []);
    }

    #[test]
    fn a_tag_that_nobody_has_seen_is_not_acked_with_others() {
        let mut acks = Acks::default();
        acks.ack(1);
        acks.ack(3);
        assert_eq!(acks.gather(), [(1, false), (3, false)]);
        acks.settled(2);
        acks.ack(4);
        assert_eq!(acks.gather(), [(4, false)]);
    }

    proptest! {
        /// A server that applies the frames has every ack once, and nothing that was not acked.
        #[test]
        fn a_server_hears_each_ack_once(steps in prop::collection::vec((any::<prop::sample::Index>(), 0..3u8), 0..200)) {
            let mut acks = Acks::default();
            let mut open: Vec<DeliveryTag> = (1..=50).collect();
            let mut server: std::collections::BTreeSet<DeliveryTag> = open.iter().copied().collect();
            let mut wanted = server.clone();
            let send = |acks: &mut Acks, server: &mut std::collections::BTreeSet<DeliveryTag>| {
                for (tag, multiple) in acks.gather() {
                    assert!(server.remove(&tag), "RabbitMQ closes the channel on an unknown tag");
                    if multiple {
                        *server = server.split_off(&tag);
                    }
                }
            };
            for (which, what) in steps {
                if what == 2 || open.is_empty() {
                    send(&mut acks, &mut server);
                    prop_assert_eq!(&server, &wanted);
                    continue;
                }
                let tag = open.swap_remove(which.index(open.len()));
                wanted.remove(&tag);
                match what {
                    0 => acks.ack(tag),
                    _ => {
                        server.remove(&tag);
                        acks.settled(tag);
                    }
                }
            }
            send(&mut acks, &mut server);
            prop_assert_eq!(&server, &wanted);
        }
    }
}
