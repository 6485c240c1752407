//! The prefetch window: how many deliveries a worker may hold unacked.
//!
//! The base is `concurrency × worker_prefetch_multiplier`; 0 is no limit at all. A message that waits for its ETA would
//! block the window, so each adds one to it, until the window is `worker_eta_task_limit`. After a lost connection, tasks that still
//! run are about to be delivered a second time: the window begins smaller and grows back by the multiplier with each
//! settled message (`worker_enable_prefetch_count_reduction`). Not where a queue may be a quorum queue: a window that is
//! each consumer's own does not grow while it consumes.
//!
//! Where results are stored many at a time, a task that has run waits a while to be settled. Its child is free meanwhile,
//! so each of those adds one, too, up to a limit ([`super::WorkerOptions::finishing`]).

use crate::settings::Settings;

/// The window of one worker.
#[derive(Debug)]
pub(super) struct Prefetch {
    base: u32,
    multiplier: u32,
    eta_limit: Option<u32>,
    reduces: bool,
    parked: u32,
    finishing: u32,
    finishing_limit: u32,
    /// The base after a lost connection, until it has grown back.
    reduced: Option<u32>,
}

impl Prefetch {
    pub(super) fn new(settings: &Settings, concurrency: u32, finishing_limit: u32) -> Self {
        Prefetch {
            base: settings.prefetch(concurrency),
            multiplier: settings.worker_prefetch_multiplier,
            eta_limit: settings.worker_eta_task_limit,
            reduces: settings.worker_enable_prefetch_count_reduction && !settings.has_quorum_queues(),
            parked: 0,
            finishing: 0,
            finishing_limit,
            reduced: None,
        }
    }

    /// What to tell the broker.
    pub(super) fn window(&self) -> u32 {
        if self.base == 0 {
            return 0;
        }
        let base = self.reduced.unwrap_or(self.base);
        let grown = base.saturating_add(self.parked);
        let limited = self.eta_limit.map_or(grown, |limit| grown.min(limit.max(base)));
        limited.saturating_add(self.finishing.min(self.finishing_limit))
    }

    /// A message begins to wait for its ETA.
    pub(super) fn park(&mut self) {
        self.parked = self.parked.saturating_add(1);
    }

    /// A message no longer waits.
    pub(super) fn unpark(&mut self) {
        self.parked = self.parked.saturating_sub(1);
    }

    /// A task has run, and its message waits to be settled; false when such messages keep their place in the window.
    pub(super) fn begin_finishing(&mut self) -> bool {
        let counts = self.finishing_limit > 0;
        self.finishing += u32::from(counts);
        counts
    }

    /// Its message is settled, or gone.
    pub(super) fn end_finishing(&mut self) {
        self.finishing = self.finishing.saturating_sub(1);
    }

    /// The connection is lost while `active` tasks run on.
    pub(super) fn connection_lost(&mut self, active: u32) {
        if self.reduces && self.base != 0 {
            let busy = active.saturating_mul(self.multiplier);
            let reduced = self.base.saturating_sub(busy).max(self.multiplier);
            self.reduced = (reduced < self.base).then_some(reduced);
        }
    }

    /// A message was settled.
    pub(super) fn settled(&mut self) {
        self.reduced = self.reduced.map(|reduced| reduced + self.multiplier).filter(|reduced| *reduced < self.base);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Profile, QueueType};

    fn prefetch(multiplier: u32, eta_limit: Option<u32>) -> Prefetch {
        let settings = Settings {
            worker_prefetch_multiplier: multiplier,
            worker_eta_task_limit: eta_limit,
            ..Settings::new(Profile::Celery)
        };
        Prefetch::new(&settings, 2, 0)
    }

    #[test]
    fn what_has_run_makes_room_up_to_a_limit() {
        let settings = Settings {
            worker_prefetch_multiplier: 1,
            worker_eta_task_limit: Some(2),
            ..Settings::new(Profile::Celery)
        };
        let mut prefetch = Prefetch::new(&settings, 2, 3);
        let windows: Vec<u32> = (0..4)
            .map(|_| {
                assert!(prefetch.begin_finishing());
                prefetch.window()
            })
            .collect();
        assert_eq!(windows, [3, 4, 5, 5]);
        (0..4).for_each(|_| prefetch.end_finishing());
        assert_eq!(prefetch.window(), 2);
        let mut celerys = self::prefetch(1, None);
        assert!(!celerys.begin_finishing());
        assert_eq!(celerys.window(), 2);
    }

    /// The rows of the wire sheet, section 7.1.
    #[test]
    fn the_window_is_concurrency_times_multiplier_plus_parked_messages() {
        assert_eq!(prefetch(4, None).window(), 8);
        assert_eq!(prefetch(0, None).window(), 0, "no limit");
        let mut limited = prefetch(1, Some(3));
        (0..10).for_each(|_| limited.park());
        assert_eq!(limited.window(), 3);
        (0..10).for_each(|_| limited.unpark());
        assert_eq!(limited.window(), 2);
        let mut unlimited = prefetch(1, None);
        (0..10).for_each(|_| unlimited.park());
        assert_eq!(unlimited.window(), 12);
    }

    /// celery#9512.
    #[test]
    fn a_window_that_can_t_grow_back_is_not_made_smaller() {
        let settings = Settings { task_default_queue_type: QueueType::Quorum, ..Settings::new(Profile::Celery) };
        let mut prefetch = Prefetch::new(&settings, 2, 0);
        prefetch.connection_lost(2);
        assert_eq!(prefetch.window(), 8);
    }

    #[test]
    fn after_a_lost_connection_it_grows_back_with_each_ack() {
        let mut prefetch = prefetch(4, None);
        prefetch.connection_lost(2);
        let windows: Vec<u32> = (0..3)
            .map(|_| {
                let window = prefetch.window();
                prefetch.settled();
                window
            })
            .collect();
        assert_eq!(windows, [4, 8, 8]);
    }
}
