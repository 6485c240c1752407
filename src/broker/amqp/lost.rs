//! What a disk loses with the power: changes that it had not synced are taken back.

use super::change::{Change, Kind};
use super::channel::Channel;
use super::output::DeathReason;
use super::queue::QueueId;
use super::stored::StoredMessage;
use super::unacked::Held;
use super::{DeliveryTag, Engine};
use std::collections::{BTreeMap, BTreeSet};

/// A change of one message, so that it can be taken back.
#[derive(Clone, Debug)]
pub(crate) struct Undo(pub(super) Undone);

#[derive(Clone, Debug)]
pub(super) enum Undone {
    /// It came into the queue.
    Stored { queue: QueueId, number: u32 },
    /// It left the queue.
    Gone { queue: QueueId, copy: StoredMessage, was: Was },
}

/// Where a message was before it was gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Was {
    /// Nobody had it.
    Ready,
    /// A client had it.
    Held,
    /// It was a dead letter that no queue had taken.
    Dying(DeathReason),
}

impl Change<'_> {
    /// How it is taken back where a disk loses it; `None` for what is on the disk at once. `number` is what
    /// [`super::Output::changed`] will return.
    pub(crate) fn undo(&self, number: u32) -> Option<Undo> {
        match self.0 {
            Kind::Stored { queue, .. } => Some(Undo(Undone::Stored { queue: QueueId(queue), number })),
            Kind::Gone { queue, copy, was } => {
                Some(Undo(Undone::Gone { queue: QueueId(queue), copy: copy.clone(), was }))
            }
            _ => None,
        }
    }
}

impl Engine {
    /// Takes back what was not on the disk, before the restart of a server that lost power: messages that were not
    /// stored are gone, and what was settled is not.
    ///
    /// The clients of the server must be gone; what they had settled is held by a channel that nobody listens to, for
    /// [`Engine::restart`] to return it.
    pub(crate) fn take_back(&mut self, changes: Vec<Undo>, now: u64) {
        let mut lost: BTreeMap<QueueId, BTreeSet<u32>> = BTreeMap::new();
        for change in &changes {
            if let Undo(Undone::Stored { queue, number }) = change {
                lost.entry(*queue).or_default().insert(*number);
            }
        }
        for (id, numbers) in &lost {
            self.forget_copies(*id, numbers);
        }
        let (mut ghost, mut tag) = (Channel::default(), 0);
        for change in changes {
            let Undo(Undone::Gone { queue: id, copy, was }) = change else { continue };
            if lost.get(&id).is_some_and(|numbers| numbers.contains(&copy.journaled)) {
                continue;
            }
            let Some(queue) = self.queues.get_mut(id.0) else { continue };
            match was {
                Was::Ready => queue.ready.put_back(copy),
                Was::Dying(reason) => queue.keep(copy, reason),
                Was::Held => {
                    tag += 1;
                    queue.unacked += 1;
                    ghost.hold(tag, as_held(id, copy, now));
                }
            }
        }
        self.channels.insert(ghost);
    }

    fn forget_copies(&mut self, id: QueueId, numbers: &BTreeSet<u32>) {
        let Some(queue) = self.queues.get_mut(id.0) else { return };
        queue.ready.remove_if(|copy| numbers.contains(&copy.journaled));
        if let Some(letters) = &mut queue.letters {
            letters.forget(|copy| numbers.contains(&copy.journaled));
        }
        for channel in self.channels.values_mut() {
            let of_queue = |held: &Held| held.queue == id && numbers.contains(&held.message.journaled);
            let tags: Vec<DeliveryTag> =
                channel.unacked().iter().filter(|(_, held)| of_queue(held)).map(|(tag, _)| tag).collect();
            for tag in tags {
                queue.unacked -= usize::from(channel.settle_one(tag).is_some());
            }
        }
    }
}

fn as_held(queue: QueueId, message: StoredMessage, now: u64) -> Held {
    Held { queue, message, in_window: true, consumer: 0, holder: None, delivered_at: now }
}

#[cfg(test)]
mod tests {
    use super::super::{ChannelId, Event, Method, Movement, Output, QueueOptions, RabbitConfig};
    use super::*;
    use crate::message::{DeliveryMode, Message};

    /// A disk that syncs nothing.
    #[derive(Default)]
    struct Disk {
        changes: Vec<Undo>,
        last: u32,
    }

    impl Output for Disk {
        fn send(&mut self, _: ChannelId, _: Event) {}

        fn moved(&mut self, _: Movement<'_>) {}

        fn changed(&mut self, change: Change<'_>) -> u32 {
            self.last += 1;
            self.changes.extend(change.undo(self.last));
            self.last
        }
    }

    fn declare(quorum: bool) -> (Engine, Disk, ChannelId) {
        let (mut engine, mut disk) = (Engine::rabbit(RabbitConfig::default()), Disk::default());
        let ch = engine.open();
        let options = QueueOptions { durable: true, quorum, ..QueueOptions::default() };
        let declare = Method::QueueDeclare { queue: "q".into(), passive: false, options };
        engine.apply(ch, declare, 0, &mut disk);
        (engine, disk, ch)
    }

    fn publish(body: &str, delivery_mode: DeliveryMode) -> Method {
        let mut message = Message { body: body.as_bytes().into(), ..Message::default() };
        message.properties.delivery_mode = delivery_mode;
        Method::Publish { exchange: "".into(), routing_key: "q".into(), mandatory: false, message: message.into() }
    }

    /// What is in the queue after a loss of power: bodies, whether they were delivered before, how often returned.
    fn after_power_off(mut engine: Engine, disk: &mut Disk, synced: usize) -> Vec<(String, bool, u32)> {
        let lost = disk.changes.split_off(synced);
        engine.take_back(lost, 0);
        engine.restart(0, disk);
        let ready = engine.ready_messages("q");
        let shown = |body: &[u8]| String::from_utf8_lossy(body).into_owned();
        ready.map(|ready| (shown(&ready.message.body), ready.redelivered, ready.delivery_count)).collect()
    }

    #[test]
    fn what_was_not_stored_is_gone_wherever_it_is() {
        for quorum in [false, true] {
            let (mut engine, mut disk, ch) = declare(quorum);
            for body in ["a", "b", "c", "d"] {
                engine.apply(ch, publish(body, DeliveryMode::Persistent), 0, &mut disk);
            }
            let get = Method::Get { queue: "q".into(), no_ack: false };
            (0..3).for_each(|_| engine.apply(ch, get.clone(), 0, &mut disk));
            // The first comes back to its queue, the third is settled.
            engine.apply(ch, Method::Nack { tag: 1, multiple: false, requeue: true }, 0, &mut disk);
            engine.apply(ch, Method::Ack { tag: 3, multiple: false }, 0, &mut disk);
            for (synced, left) in [(0, ""), (1, "a"), (2, "ab"), (3, "abc"), (4, "abcd"), (5, "abd")] {
                let mut disk = Disk { changes: disk.changes.clone(), ..Disk::default() };
                let after = after_power_off(engine.clone(), &mut disk, synced);
                let mut bodies: Vec<&str> = after.iter().map(|(body, ..)| body.as_str()).collect();
                bodies.sort_unstable();
                assert_eq!(bodies.concat(), left, "{synced} changes are synced, quorum: {quorum}");
            }
        }
    }

    #[test]
    fn what_was_settled_comes_back_as_what_was_not() {
        for (quorum, no_ack) in [(false, false), (false, true), (true, false), (true, true)] {
            let (mut engine, mut disk, ch) = declare(quorum);
            engine.apply(ch, publish("a", DeliveryMode::Persistent), 0, &mut disk);
            engine.apply(ch, Method::Get { queue: "q".into(), no_ack }, 0, &mut disk);
            if !no_ack {
                engine.apply(ch, Method::Ack { tag: 1, multiple: false }, 0, &mut disk);
            }
            assert_eq!(after_power_off(engine, &mut disk, 1), [("a".to_owned(), true, 1)]);
        }
    }

    #[test]
    fn only_a_quorum_queue_keeps_transient_messages() {
        for (quorum, changes) in [(false, 0), (true, 1)] {
            let (mut engine, mut disk, ch) = declare(quorum);
            engine.apply(ch, publish("a", DeliveryMode::Transient), 0, &mut disk);
            assert_eq!(disk.changes.len(), changes);
        }
    }
}
