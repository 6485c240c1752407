//! W2, ping-pong: one node sends a frame, the other answers it, the next trip starts when the answer is there.

use std::time::Duration;

use crate::{Lcg, Tally};

pub const ROUND_TRIPS: u64 = 100_000;
pub const LATENCY: Duration = Duration::from_millis(1);
pub const FRAME: usize = 64;

pub type Frame = [u8; FRAME];

/// The node that asks: makes the frames and records the answers.
#[derive(Debug)]
pub struct Pinger {
    frame: Frame,
    next: u64,
    done: Tally,
}

impl Pinger {
    pub fn new(seed: u64) -> Self {
        let mut lcg = Lcg::new(seed, 0);
        Self { frame: std::array::from_fn(|_| lcg.next_u32() as u8), next: 0, done: Tally::default() }
    }

    /// The next frame to send, or `None` after the last round trip.
    pub fn ping(&mut self) -> Option<&Frame> {
        if self.next == ROUND_TRIPS {
            return None;
        }
        self.frame[..8].copy_from_slice(&self.next.to_le_bytes());
        self.next += 1;
        Some(&self.frame)
    }

    /// Records the answer to the last frame.
    ///
    /// # Panics
    /// If it is not the answer to that frame.
    pub fn pong(&mut self, answer: &Frame) {
        let word = word(answer);
        assert_eq!(!word + 1, self.next, "answer to another frame");
        assert_eq!(answer[8..], self.frame[8..], "payload changed on the way");
        self.done.record(word);
    }

    pub fn done(&self) -> Tally {
        self.done
    }
}

/// The node that answers: turns a frame into its answer.
pub fn answer(frame: &mut Frame) {
    let word = !word(frame);
    frame[..8].copy_from_slice(&word.to_le_bytes());
}

fn word(frame: &Frame) -> u64 {
    frame[..8].iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte))
}

/// The tally of a port that made every round trip.
pub fn expected() -> Tally {
    let mut tally = Tally::default();
    for trip in 0..ROUND_TRIPS {
        tally.record(!trip);
    }
    tally
}
