//! Dead letters of quorum queues with the strategy `at-least-once`: they stay in their queue until others have taken them.
//!
//! A letter is published to every queue that it is routed to, and leaves its own when all of them have taken it. Where there
//! is none, or one refuses it, it is routed anew at each tick, for as long as it takes; whoever has taken it is not given it
//! again, unless the server was restarted meanwhile. At most [`ON_THE_WAY`] are tried; the others wait behind them. Letters
//! count against the length limit of their queue.

use super::kept::tell_gone;
use super::lost::Was;
use super::output::DeathReason;
use super::queue::{Queue, QueueId};
use super::stored::{NEVER, Origin, StoredMessage};
use super::{ChannelId, Engine, Movement, Name, Output, Overflow};
use crate::message::Message;
use std::collections::VecDeque;
use std::sync::Arc;

/// `dead_letter_worker_consumer_prefetch`.
const ON_THE_WAY: usize = 32;

#[derive(Clone, Debug)]
struct Letter {
    /// As it was in its queue.
    copy: StoredMessage,
    reason: DeathReason,
    /// As it is published, once it has been routed.
    message: Option<Arc<Message>>,
    /// When there last was a queue for it.
    published_at: Option<u64>,
    /// Queues that have it.
    taken: Vec<QueueId>,
}

/// The dead letters of a queue, oldest first.
#[derive(Clone, Debug)]
pub(super) struct Letters {
    all: VecDeque<Letter>,
    /// So many at the front have been tried.
    tried: usize,
    /// When they are looked at again; [`NEVER`] if there are none.
    pub(super) tick: u64,
}

impl Letters {
    /// The copies in their queue.
    pub(super) fn iter(&self) -> impl Iterator<Item = &StoredMessage> {
        self.all.iter().map(|letter| &letter.copy)
    }

    /// What a restarted server knows of them: that they are there.
    pub(super) fn begin_again(&mut self) {
        self.all.iter_mut().for_each(|letter| {
            *letter = Letter::new(letter.copy.clone(), letter.reason);
        });
        (self.tried, self.tick) = (0, 0);
    }

    pub(super) fn forget(&mut self, gone: impl Fn(&StoredMessage) -> bool) {
        self.all.retain(|letter| !gone(&letter.copy));
        self.tried = self.tried.min(self.all.len());
    }
}

impl Letter {
    fn new(copy: StoredMessage, reason: DeathReason) -> Self {
        Letter { copy, reason, message: None, published_at: None, taken: Vec::new() }
    }
}

impl Queue {
    /// Whether dead letters stay until they were taken: not in a queue that drops its head.
    pub(super) fn keeps_letters(&self) -> bool {
        let options = &self.options;
        options.dead_letter_at_least_once
            && options.overflow == Overflow::RejectPublish
            && options.dead_letter_exchange.is_some()
    }

    pub(super) fn keep(&mut self, copy: StoredMessage, reason: DeathReason) {
        let none = || Box::new(Letters { all: VecDeque::new(), tried: 0, tick: NEVER });
        self.letters.get_or_insert_with(none).all.push_back(Letter::new(copy, reason));
    }

    /// Letters, and the bytes of their bodies.
    pub(super) fn letters_size(&self) -> (usize, u64) {
        let bodies = self.letters.iter().flat_map(|letters| letters.iter()).map(|copy| copy.message.body.len() as u64);
        bodies.fold((0, 0), |(letters, bytes), body| (letters + 1, bytes + body))
    }
}

impl Engine {
    pub(super) fn keep_letter(
        &mut self,
        id: QueueId,
        copy: StoredMessage,
        reason: DeathReason,
        now: u64,
        out: &mut impl Output,
    ) {
        let Some(queue) = self.queues.get_mut(id.0) else { return };
        queue.keep(copy, reason);
        self.send_letters(id, now, out);
        self.mark_dirty(id);
    }

    /// Tries those that have not been tried, as long as not too many are on their way.
    fn send_letters(&mut self, id: QueueId, now: u64, out: &mut impl Output) {
        while let Some(letters) = self.queues.get(id.0).and_then(|queue| queue.letters.as_ref())
            && letters.tried < ON_THE_WAY.min(letters.all.len())
        {
            let at = letters.tried;
            let stays = !self.send_letter(id, at, now, out);
            if let Some(letters) = self.letters_of(id) {
                letters.tried += usize::from(stays);
            }
        }
        let retry = self.rabbit.map_or(0, |config| config.dead_letter_retry).max(1).saturating_mul(1_000_000);
        if let Some(letters) = self.letters_of(id) {
            letters.tick = match letters.tried {
                0 => NEVER,
                _ if letters.tick == NEVER => now.saturating_add(retry),
                _ => letters.tick,
            };
        }
    }

    /// At a tick: those that nobody took, and those whose last try is long enough ago.
    pub(super) fn try_letters_again(&mut self, id: QueueId, now: u64, out: &mut impl Output) {
        let retry = self.rabbit.map_or(0, |config| config.dead_letter_retry).saturating_mul(1_000_000);
        let Some(letters) = self.letters_of(id).filter(|letters| letters.tick <= now) else { return };
        letters.tick = NEVER;
        let mut at = 0;
        while let Some(letters) = self.letters_of(id).filter(|letters| at < letters.tried) {
            let due = letters.all[at].published_at.is_none_or(|published| published.saturating_add(retry) <= now);
            if due && self.send_letter(id, at, now, out) {
                self.letters_of(id).into_iter().for_each(|letters| letters.tried -= 1);
            } else {
                at += 1;
            }
        }
        self.send_letters(id, now, out);
    }

    fn letters_of(&mut self, id: QueueId) -> Option<&mut Letters> {
        self.queues.get_mut(id.0)?.letters.as_deref_mut()
    }

    /// Publishes a letter to the queues that do not have it yet. `true`: all have it now, and it is gone.
    fn send_letter(&mut self, id: QueueId, at: usize, now: u64, out: &mut impl Output) -> bool {
        let Some(queue) = self.queues.get(id.0) else { return false };
        let Some(letter) = queue.letters.as_ref().and_then(|letters| letters.all.get(at)) else { return false };
        let exchange = queue.options.dead_letter_exchange.clone().unwrap_or_default();
        let own_key = || letter.copy.origin.routing_key.clone();
        let routing_key = queue.options.dead_letter_routing_key.clone().unwrap_or_else(own_key);
        let (name, reason, taken) = (queue.name.clone(), letter.reason, letter.taken.clone());
        let message = letter.message.clone();
        let message = message.unwrap_or_else(|| self.with_death(&letter.copy, &name, reason, now).0.into());

        let mut targets = Vec::new();
        // An exchange that is not there may come.
        let _ = self.route(&exchange, &routing_key, &message, &mut targets);
        let nowhere_else = targets.is_empty() && !taken.is_empty();
        targets.retain(|target| !taken.contains(target));
        self.break_cycles(&message, None, reason, &mut targets);
        let published = !targets.is_empty();
        let origin = Origin { exchange, routing_key };
        let worker = ChannelId(!id.0);
        let refused = self.split_refusing(Some(worker), &message, &origin, &mut targets);
        let complete = nowhere_else || published && refused.is_empty();
        self.refuse(&refused, &message, out);
        let Some(letters) = self.letters_of(id) else { return false };
        if complete {
            if let Some(Letter { copy, .. }) = letters.all.remove(at) {
                let names: Vec<Name> =
                    targets.iter().filter_map(|id| Some(self.queues.get(id.0)?.name.clone())).collect();
                out.moved(Movement::DeadLettered { queue: &name, message: &copy.message, reason, to: &names });
                self.deliver_letter(&targets, &message, &origin, now, out);
                tell_gone(id, &copy, Was::Dying(reason), out);
            }
        } else if let Some(letter) = letters.all.get_mut(at) {
            letter.taken.extend(&targets);
            letter.message = Some(message.clone());
            letter.published_at = if published { Some(now) } else { letter.published_at };
            self.deliver_letter(&targets, &message, &origin, now, out);
        }
        complete
    }

    fn deliver_letter(
        &mut self,
        targets: &[QueueId],
        message: &Arc<Message>,
        origin: &Origin,
        now: u64,
        out: &mut impl Output,
    ) {
        for target in targets {
            self.enqueue(*target, message.clone(), origin.clone(), None, now, out);
        }
    }
}
