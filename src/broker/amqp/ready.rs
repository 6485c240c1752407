//! The messages of a queue that wait for a consumer, in delivery order.

use super::packed::Waiting;
use super::stored::{NEVER, StoredMessage};
use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::{BTreeMap, VecDeque};

/// A lane that held more than this and ran empty gives its memory back.
const KEEP_CAPACITY: usize = 4096;

/// So many at the front of a lane are kept whole. Queues that are served in time never have more; what is behind them
/// is packed: it takes less memory, and costs an encoding and a decoding.
const WHOLE: usize = 1024;

/// Ready messages: higher priority first, then by position.
///
/// New messages always have the highest position, so each priority's lane is sorted by construction. Messages that
/// were returned go to their own ordered map: a return costs O(log n) wherever it belongs, and the head is the lesser
/// of the two fronts.
#[derive(Clone, Debug)]
pub(super) struct Ready {
    lanes: Vec<VecDeque<Waiting>>,
    /// Every lane above is empty; this one only if all are.
    top: usize,
    returned: BTreeMap<(Reverse<u8>, u64), StoredMessage>,
    len: usize,
    /// Bytes of all bodies, if somebody wants to know.
    bytes: Option<u64>,
    /// Room for the bytes of the message that is being packed.
    scratch: Vec<u8>,
}

impl Ready {
    /// Room for priorities 0 to `max_priority`.
    pub(super) fn new(max_priority: u8) -> Self {
        let lanes = (0..=max_priority).map(|_| VecDeque::new()).collect();
        Ready { lanes, top: 0, returned: BTreeMap::new(), len: 0, bytes: None, scratch: Vec::new() }
    }

    /// Counts the bytes of bodies, or does not.
    pub(super) fn counting(self, bytes: bool) -> Self {
        Ready { bytes: bytes.then_some(0), ..self }
    }

    /// Bytes of all bodies; 0 if they are not counted.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes.unwrap_or(0)
    }

    fn add_bytes(&mut self, message: &StoredMessage) {
        if let Some(bytes) = &mut self.bytes {
            *bytes += message.message.body.len() as u64;
        }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Appends a message whose position is higher than any before.
    pub(super) fn push(&mut self, message: StoredMessage) {
        self.add_bytes(&message);
        self.top = self.top.max(usize::from(message.priority));
        let lane = &mut self.lanes[usize::from(message.priority)];
        debug_assert!(lane.back().is_none_or(|last| last.position() < message.position));
        lane.push_back(match lane.len() {
            ..WHOLE => Waiting::Whole(message),
            _ => Waiting::pack(message, &mut self.scratch),
        });
        self.len += 1;
    }

    /// Puts a message back where it was.
    pub(super) fn put_back(&mut self, message: StoredMessage) {
        self.add_bytes(&message);
        self.returned.insert((Reverse(message.priority), message.position), message);
        self.len += 1;
    }

    /// When the head expires.
    pub(super) fn head_deadline(&self) -> u64 {
        let head = if self.head_is_returned() {
            self.returned.values().next().map(|message| message.expires_at)
        } else {
            self.lanes[self.top].front().map(Waiting::expires_at)
        };
        head.unwrap_or(NEVER)
    }

    /// Takes the next message to be delivered.
    pub(super) fn pop(&mut self) -> Option<StoredMessage> {
        let message = if self.head_is_returned() {
            self.returned.pop_first().map(|(_, message)| message)
        } else {
            self.pop_lane()
        }?;
        self.len -= 1;
        if let Some(bytes) = &mut self.bytes {
            *bytes -= message.message.body.len() as u64;
        }
        Some(message)
    }

    /// Takes everything, in delivery order.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = StoredMessage> {
        std::iter::from_fn(|| self.pop())
    }

    /// Takes out what `gone` says, in delivery order; the others keep their places.
    pub(super) fn remove_if(&mut self, gone: impl Fn(&StoredMessage) -> bool) -> Vec<StoredMessage> {
        if !self.iter().any(|message| gone(&message)) {
            return Vec::new();
        }
        let (removed, kept) = self.drain().partition(gone);
        for message in Vec::into_iter(kept) {
            self.push(message);
        }
        removed
    }

    /// The messages in delivery order.
    pub(super) fn iter(&self) -> impl Iterator<Item = Cow<'_, StoredMessage>> {
        (0..self.lanes.len()).rev().flat_map(|lane| self.iter_priority(lane))
    }

    fn iter_priority(&self, lane: usize) -> impl Iterator<Item = Cow<'_, StoredMessage>> {
        let priority = Reverse(lane as u8);
        let mut new = self.lanes[lane].iter().peekable();
        let mut returned = self.returned.range((priority, 0)..=(priority, u64::MAX)).map(|(_, m)| m).peekable();
        std::iter::from_fn(move || match (new.peek(), returned.peek()) {
            (Some(a), Some(b)) if a.position() < b.position => new.next().map(shown),
            (_, Some(_)) => returned.next().map(Cow::Borrowed),
            (_, None) => new.next().map(shown),
        })
    }

    fn pop_lane(&mut self) -> Option<StoredMessage> {
        let lane = &mut self.lanes[self.top];
        let message = lane.pop_front();
        if lane.is_empty() && lane.capacity() > KEEP_CAPACITY {
            *lane = VecDeque::new();
        }
        while self.top > 0 && self.lanes[self.top].is_empty() {
            self.top -= 1;
        }
        message.map(Waiting::unpack)
    }

    /// Whether the head is among the returned messages, not in the top lane.
    fn head_is_returned(&self) -> bool {
        match (self.returned.keys().next(), self.lanes[self.top].front()) {
            (Some(returned), Some(new)) => *returned < (Reverse(new.priority()), new.position()),
            (returned, _) => returned.is_some(),
        }
    }
}

fn shown(waiting: &Waiting) -> Cow<'_, StoredMessage> {
    match waiting {
        Waiting::Whole(message) => Cow::Borrowed(message),
        packed @ Waiting::Packed(_) => Cow::Owned(packed.clone().unpack()),
    }
}
