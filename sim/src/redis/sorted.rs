//! A sorted set: members ordered by score and, among equal scores, by their bytes.

use super::data::ELEMENT;
use indexmap::IndexMap;
use rustc_hash::FxBuildHasher;
use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::ops::Bound;
use std::sync::Arc;

/// A score, which is never NaN.
#[derive(Clone, Copy, Debug)]
pub(super) struct Score(pub(super) f64);

impl PartialEq for Score {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Score {}

impl PartialOrd for Score {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Score {
    /// -0 and 0 are the same score.
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.partial_cmp(&other.0).unwrap_or(Ordering::Equal)
    }
}

pub(super) type Member = Arc<[u8]>;
type Scored = (Score, Member);

/// Scores from one bound to the other.
#[derive(Clone, Copy, Debug)]
pub(super) struct ScoreRange {
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) low_open: bool,
    pub(super) high_open: bool,
}

impl ScoreRange {
    fn is_empty(&self) -> bool {
        self.low > self.high || (self.low == self.high && (self.low_open || self.high_open))
    }

    fn holds_all(&self) -> bool {
        let open = self.low_open || self.high_open;
        !open && self.low == f64::NEG_INFINITY && self.high == f64::INFINITY
    }
}

/// A bound of a lexicographic range; the bytes decide, whatever the scores.
#[derive(Clone, Debug)]
pub(super) enum LexBound {
    Lowest,
    Highest,
    Closed(Vec<u8>),
    Open(Vec<u8>),
}

impl LexBound {
    pub(super) fn admits_from_below(&self, member: &[u8]) -> bool {
        match self {
            LexBound::Lowest => true,
            LexBound::Highest => false,
            LexBound::Closed(bound) => member >= bound.as_slice(),
            LexBound::Open(bound) => member > bound.as_slice(),
        }
    }

    pub(super) fn admits_from_above(&self, member: &[u8]) -> bool {
        match self {
            LexBound::Lowest => false,
            LexBound::Highest => true,
            LexBound::Closed(bound) => member <= bound.as_slice(),
            LexBound::Open(bound) => member < bound.as_slice(),
        }
    }
}

#[derive(Clone, Debug, Default)]
pub(super) struct Sorted {
    scores: IndexMap<Member, Score, FxBuildHasher>,
    order: BTreeSet<Scored>,
    bytes: usize,
}

impl Sorted {
    pub(super) fn len(&self) -> usize {
        self.scores.len()
    }

    pub(super) fn size(&self) -> usize {
        self.bytes + self.len() * 4 * ELEMENT
    }

    pub(super) fn score(&self, member: &[u8]) -> Option<f64> {
        self.scores.get(member).map(|score| score.0)
    }

    /// Whether the member is new.
    pub(super) fn set(&mut self, member: &[u8], score: f64) -> bool {
        let score = Score(score);
        if let Some((_, member, old)) = self.scores.get_full_mut(member) {
            if *old != score {
                self.order.remove(&(*old, member.clone()));
                self.order.insert((score, member.clone()));
                *old = score;
            }
            return false;
        }
        let member: Member = member.into();
        self.bytes += member.len();
        self.order.insert((score, member.clone()));
        self.scores.insert(member, score);
        true
    }

    pub(super) fn remove(&mut self, member: &[u8]) -> bool {
        let Some((member, score)) = self.scores.swap_remove_entry(member) else { return false };
        self.bytes -= member.len();
        self.order.remove(&(score, member));
        true
    }

    /// All members, lowest first.
    pub(super) fn ascending(&self) -> impl DoubleEndedIterator<Item = (&Member, f64)> + ExactSizeIterator {
        self.order.iter().map(|(score, member)| (member, score.0))
    }

    /// Members in no order that clients may rely on.
    pub(super) fn at(&self, index: usize) -> Option<(&Member, f64)> {
        self.scores.get_index(index).map(|(member, score)| (member, score.0))
    }

    pub(super) fn rank(&self, member: &[u8]) -> Option<usize> {
        let (_, member, score) = self.scores.get_full(member)?;
        Some(self.order.range(..(*score, member.clone())).count())
    }

    pub(super) fn by_score(&self, range: ScoreRange) -> impl DoubleEndedIterator<Item = (&Member, f64)> {
        // The empty text is the least member of a score, so every bound is one just below a score's members.
        let edge = |score: f64| -> Scored { (Score(score), Arc::from([].as_slice())) };
        let low = edge(if range.low_open { range.low.next_up() } else { range.low });
        let high = match (range.high_open, range.high) {
            (true, high) => Bound::Excluded(edge(high)),
            (false, f64::INFINITY) => Bound::Unbounded,
            (false, high) => Bound::Excluded(edge(high.next_up())),
        };
        let found = (!range.is_empty()).then(|| self.order.range((Bound::Included(low), high)));
        found.into_iter().flatten().map(|(score, member)| (member, score.0))
    }

    pub(super) fn count_by_score(&self, range: ScoreRange) -> usize {
        if range.holds_all() { self.len() } else { self.by_score(range).count() }
    }

    /// Members from one bound to the other, from the last one down if `reverse`. This means something only while all
    /// scores are equal; when they are not, the walk ends at the first member beyond the range, as the server's does.
    pub(super) fn by_lex<'a>(
        &'a self,
        low: &'a LexBound,
        high: &'a LexBound,
        reverse: bool,
    ) -> Box<dyn Iterator<Item = (&'a Member, f64)> + 'a> {
        let above = |(_, member): &(Score, Member)| low.admits_from_below(member);
        let below = |(_, member): &(Score, Member)| high.admits_from_above(member);
        if !self.order.last().is_some_and(above) || !self.order.first().is_some_and(below) {
            return Box::new(std::iter::empty());
        }
        let members = self.ascending();
        let above = move |(member, _): &(&Member, f64)| low.admits_from_below(member);
        let below = move |(member, _): &(&Member, f64)| high.admits_from_above(member);
        if reverse {
            Box::new(members.rev().skip_while(move |scored| !below(scored)).take_while(above))
        } else {
            Box::new(members.skip_while(move |scored| !above(scored)).take_while(below))
        }
    }

    pub(super) fn pop(&mut self, highest: bool) -> Option<(Member, f64)> {
        let (score, member) = if highest { self.order.pop_last() } else { self.order.pop_first() }?;
        self.scores.swap_remove(&member);
        self.bytes -= member.len();
        Some((member, score.0))
    }
}
