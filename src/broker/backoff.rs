//! How long to wait before the next connect.

use std::time::Duration;

/// First wait, and what each further one adds.
const STEP: Duration = Duration::from_secs(2);
/// Longest wait.
const MAX: Duration = Duration::from_secs(30);

/// The wait after `failures` failed connects in a row, as kombu counts: 2 s, 4 s, ... up to 30 s. None before the first.
pub fn wait(failures: u32) -> Duration {
    STEP.saturating_mul(failures).min(MAX)
}

/// Whether a process that failed so often gives up; a limit of 0 never does (`broker_connection_max_retries`).
pub fn gives_up(failures: u32, max_retries: u32) -> bool {
    max_retries != 0 && failures > max_retries
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_half_a_minute() {
        let waits: Vec<u64> = [0, 1, 2, 15, 16, u32::MAX].map(|n| wait(n).as_secs()).into();
        assert_eq!(waits, [0, 2, 4, 30, 30, 30]);
    }

    #[test]
    fn zero_retries_is_for_ever() {
        assert!(!gives_up(u32::MAX, 0));
        assert!(!gives_up(100, 100));
        assert!(gives_up(101, 100));
    }
}
