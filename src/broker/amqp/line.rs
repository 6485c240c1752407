//! The line in which the consumers of a queue of RabbitMQ wait for their turn.
//!
//! | a consumer of a classic queue is | and is found in |
//! |---|---|
//! | believed to be able to receive | `turns` |
//! | seen without room when its turn came | `blocked` |
//!
//! Whoever was served goes to the end of its priority, and so does whoever has room again. A quorum queue knows at once
//! that a consumer has no room left: it is in no list then. With a single active consumer, a classic queue's others
//! stay in `turns` and are passed over, and a quorum queue's are `waiting`.

use super::consumers::ConsumerId;
use super::{ChannelId, ConsumeOptions, Name};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// What a quorum queue grants to a consumer without a limit.
const QUORUM_CREDIT: u32 = 2000;

/// One consumer.
#[derive(Clone, Debug)]
pub(super) struct Served {
    pub(super) channel: ChannelId,
    pub(super) tag: Name,
    pub(super) options: ConsumeOptions,
    /// Deliveries that it may still be given; `None` without a limit of its own.
    credit: Option<u32>,
    held: u32,
    /// Of a quorum queue that waits for the rest of its acks.
    cancelled: bool,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Line {
    pub(super) quorum: bool,
    single: bool,
    all: BTreeMap<ConsumerId, Served>,
    turns: VecDeque<ConsumerId>,
    blocked: Vec<ConsumerId>,
    /// Channels whose window was full when one of their consumers had its turn.
    suspended: BTreeSet<ChannelId>,
    /// The single active or the exclusive consumer.
    active: Option<ConsumerId>,
    waiting: VecDeque<ConsumerId>,
    /// Of a classic queue: cancelled consumers whose deliveries are not all settled. What they get back is the next
    /// consumer's of that name.
    ended: BTreeMap<ConsumerId, Served>,
}

impl Line {
    pub(super) fn new(quorum: bool, single: bool) -> Self {
        Line { quorum, single, ..Line::default() }
    }

    /// Consumers as `queue.declare` counts them.
    pub(super) fn len(&self) -> usize {
        self.all.len() - self.waiting.len()
    }

    pub(super) fn is_unused(&self) -> bool {
        self.all.is_empty()
    }

    pub(super) fn get(&self, id: ConsumerId) -> Option<&Served> {
        self.all.get(&id)
    }

    /// Those who were not cancelled.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Served> {
        self.all.values().filter(|served| !served.cancelled)
    }

    /// Whether exclusive use, wanted or taken, keeps a new consumer out.
    pub(super) fn refuses(&self, exclusive: bool) -> bool {
        match (self.quorum, self.single) {
            (true, _) => false,
            (false, true) => exclusive,
            (false, false) => self.active.is_some() || exclusive && !self.all.is_empty(),
        }
    }

    /// A consumer of this name on this channel that still has deliveries to settle.
    pub(super) fn leftover(&self, channel: ChannelId, tag: &Name) -> Option<ConsumerId> {
        let same = |served: &Served| served.cancelled && served.channel == channel && served.tag == *tag;
        self.all.iter().find(|(_, served)| same(served)).map(|(id, _)| *id)
    }

    /// Adds a consumer, or takes on again a leftover one.
    pub(super) fn add(
        &mut self,
        id: ConsumerId,
        channel: ChannelId,
        tag: Name,
        options: ConsumeOptions,
        prefetch: u32,
    ) {
        let held = self.all.get(&id).map_or(0, |served| served.held);
        let credit = match (options.no_ack, prefetch, self.quorum) {
            (true, ..) | (_, 0, false) => None,
            (_, 0, true) => Some(QUORUM_CREDIT.saturating_sub(held)),
            _ => Some(prefetch.saturating_sub(held)),
        };
        self.all.insert(id, Served { channel, tag, options, credit, held, cancelled: false });
        if self.single || options.exclusive && !self.quorum {
            if self.quorum && self.active.is_some() {
                self.waiting.push_back(id);
                return;
            }
            self.active.get_or_insert(id);
        }
        self.join(id);
    }

    /// A delivery of `basic.get` by a quorum queue: it counts as a consumer until it is settled.
    pub(super) fn add_getter(&mut self, id: ConsumerId, channel: ChannelId, tag: Name) {
        let options = ConsumeOptions::default();
        self.all.insert(id, Served { channel, tag, options, credit: Some(0), held: 1, cancelled: true });
    }

    /// Whose turn it is.
    pub(super) fn next(&self) -> Option<ConsumerId> {
        if self.single && !self.quorum {
            return self.active.filter(|active| !self.blocked.contains(active));
        }
        self.turns.front().copied()
    }

    /// Whether it has to wait for an ack, its own or its channel's.
    pub(super) fn has_no_room(&self, id: ConsumerId) -> bool {
        let Some(served) = self.all.get(&id) else { return true };
        served.credit == Some(0) || !self.quorum && self.suspended.contains(&served.channel)
    }

    /// Takes it out of the line until there is room again.
    pub(super) fn block(&mut self, id: ConsumerId) {
        self.leave(id);
        self.blocked.push(id);
    }

    /// Its channel's window is full: so are all consumers of that channel, whether they ack or not.
    pub(super) fn suspend(&mut self, channel: ChannelId) {
        self.suspended.insert(channel);
    }

    /// The channel's window has opened.
    pub(super) fn resume(&mut self, channel: ChannelId) {
        self.suspended.remove(&channel);
        self.unblock(channel);
    }

    /// It was served.
    pub(super) fn delivered(&mut self, id: ConsumerId) {
        let quorum = self.quorum;
        let Some(served) = self.all.get_mut(&id) else { return };
        served.held += u32::from(!served.options.no_ack);
        served.credit = served.credit.map(|credit| credit.saturating_sub(1));
        let stays = !quorum || served.credit != Some(0);
        if quorum || !self.single {
            self.leave(id);
            if stays {
                self.join(id);
            }
        }
    }

    /// One of its deliveries was settled.
    pub(super) fn settled(&mut self, id: ConsumerId) {
        let id = self.heir(id);
        let Some(served) = self.all.get_mut(&id) else { return };
        served.held = served.held.saturating_sub(1);
        if served.cancelled {
            if served.held == 0 {
                self.all.remove(&id);
            }
            return;
        }
        let was_full = served.credit == Some(0);
        served.credit = served.credit.map(|credit| credit.saturating_add(1));
        let channel = served.channel;
        if was_full && !self.quorum {
            self.unblock(channel);
        } else if was_full && !self.waiting.contains(&id) {
            self.join(id);
        }
    }

    /// The consumer that has this one's name now.
    fn heir(&mut self, id: ConsumerId) -> ConsumerId {
        let Some(ended) = self.ended.get_mut(&id) else { return id };
        ended.held = ended.held.saturating_sub(1);
        let same = |served: &Served| served.channel == ended.channel && served.tag == ended.tag;
        let heir = self.all.iter().find(|(_, served)| same(served)).map_or(id, |(heir, _)| *heir);
        if ended.held == 0 {
            self.ended.remove(&id);
        }
        heir
    }

    /// It takes no more.
    pub(super) fn cancel(&mut self, id: ConsumerId) {
        let Some(served) = self.all.get_mut(&id) else { return };
        if self.quorum && served.held > 0 {
            served.cancelled = true;
            self.leave(id);
            self.waiting.retain(|waiting| *waiting != id);
        } else {
            if served.held > 0 {
                let ended = served.clone();
                self.ended.insert(id, ended);
            }
            self.remove(id);
        }
        self.succeed();
    }

    /// A channel is gone, with its consumers.
    pub(super) fn down(&mut self, channel: ChannelId) {
        self.suspended.remove(&channel);
        self.ended.retain(|_, ended| ended.channel != channel);
        let gone: Vec<ConsumerId> =
            self.all.iter().filter(|(_, served)| served.channel == channel).map(|(id, _)| *id).collect();
        gone.into_iter().for_each(|id| self.remove(id));
        self.succeed();
    }

    pub(super) fn clear(&mut self) {
        *self = Line::new(self.quorum, self.single);
    }

    fn remove(&mut self, id: ConsumerId) {
        self.all.remove(&id);
        self.leave(id);
        self.blocked.retain(|blocked| *blocked != id);
        self.waiting.retain(|waiting| *waiting != id);
    }

    /// Finds a successor for an active consumer that is gone.
    fn succeed(&mut self) {
        let serves = |active: &ConsumerId| self.all.get(active).is_some_and(|served| !served.cancelled);
        if self.active.as_ref().is_some_and(serves) {
            return;
        }
        self.active = match (self.single, self.quorum) {
            (false, _) => None,
            (true, false) => self.turns.front().copied(),
            (true, true) => self.waiting.pop_front().inspect(|next| self.turns.push_back(*next)),
        };
    }

    fn join(&mut self, id: ConsumerId) {
        let priority = |id: &ConsumerId| self.all.get(id).map_or(0, |served| served.options.priority);
        if self.turns.contains(&id) {
            return;
        }
        let own = priority(&id);
        let at = self.turns.iter().rposition(|other| priority(other) >= own).map_or(0, |at| at + 1);
        self.turns.insert(at, id);
    }

    fn leave(&mut self, id: ConsumerId) {
        if let Some(at) = self.turns.iter().position(|other| *other == id) {
            self.turns.remove(at);
        }
    }

    /// Those of a channel that have room by their own limit come back.
    fn unblock(&mut self, channel: ChannelId) {
        let has_room = |id: &ConsumerId| {
            self.all.get(id).is_some_and(|served| served.channel == channel && served.credit != Some(0))
        };
        let (free, blocked) = self.blocked.iter().partition(|id| has_room(id));
        self.blocked = blocked;
        let free: Vec<ConsumerId> = free;
        free.into_iter().for_each(|id| self.join(id));
    }
}
