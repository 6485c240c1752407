//! A journal at work.
//!
//! Whatever its owner does is one record, sealed at once; what the owner has to say waits in an outbox under the number
//! of the latest record. One task writes all that has gathered with one write, another syncs what was written meanwhile
//! if the policy says so, and each lets out what waited for that. No timer: the slower the disk, the larger the groups.
//!
//! What is said is either a promise, which has to be as safe as the policy asks, or news, which has to be written: then
//! a process that is killed knows afterwards what it said.

use super::JournalError;
use super::log::{Log, Snapshot};
use super::open::{Journaling, file_name};
use crate::env::{Directory, Env};
use crate::settings::Fsync;
use std::cell::{Cell, RefCell, RefMut};
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;
use tokio::sync::Notify;

/// With `everysec`, what is lost with the power is as old as this and one sync.
const SYNC_EVERY: Duration = Duration::from_secs(1);

/// Whose state a journal keeps.
pub(crate) trait Keeper: 'static {
    /// What it says to others.
    type Output;
    /// Writes the whole state.
    fn describe(&self, snapshot: &mut Snapshot<'_>);
    /// Whether it is a promise that the state outlives what the policy guards against; else it is enough that the state
    /// is written.
    fn promises(output: &Self::Output) -> bool;
    /// Says it. Never calls back into the journal.
    fn release(&self, output: Self::Output);
    /// The journal can't be written: nothing may be promised any more.
    fn stop(&self);
}

/// A journal and what waits for it.
pub(crate) struct Journal<T> {
    env: Env,
    directory: Rc<dyn Directory>,
    journaling: Journaling,
    log: RefCell<Log>,
    /// The file that is appended to, and what it holds.
    file: RefCell<(String, u64)>,
    news: Outbox<T>,
    promises: Outbox<T>,
    work: Notify,
    unsynced: Notify,
    /// Bytes of what is kept, as they were when it was written.
    live: Cell<u64>,
    stopped: Cell<bool>,
}

impl<T: 'static> Journal<T> {
    pub(super) fn new(env: &Env, directory: Rc<dyn Directory>, journaling: Journaling, log: Log, file: String) -> Self {
        let live = Cell::new(log.written);
        Journal {
            env: env.clone(),
            directory,
            journaling,
            file: RefCell::new((file, log.written)),
            news: Outbox::new(log.ticket),
            promises: Outbox::new(log.ticket),
            log: RefCell::new(log),
            work: Notify::new(),
            unsynced: Notify::new(),
            live,
            stopped: Cell::new(false),
        }
    }

    /// Where the current record is written.
    pub(crate) fn log(&self) -> RefMut<'_, Log> {
        self.log.borrow_mut()
    }

    /// Accounts for what was written and what is of no use any more.
    pub(crate) fn account(&self, more: u64, less: u64) {
        self.live.set((self.live.get() + more).saturating_sub(less));
    }

    /// Whether nothing more should be taken in.
    pub(crate) fn is_full(&self) -> bool {
        self.live.get() >= self.journaling.max_bytes
    }

    /// Ends the current record, and says what was said meanwhile: now if nothing has to be written before it, or else
    /// afterwards.
    pub(crate) fn settle<K: Keeper<Output = T>>(&self, keeper: &K, said: &mut Vec<T>) {
        let ticket = self.log.borrow_mut().seal();
        if self.stopped.get() {
            return said.clear();
        }
        if ticket > self.news.through.get() {
            self.work.notify_one();
        }
        let written_is_safe = self.journaling.fsync != Fsync::Always;
        for output in said.drain(..) {
            let outbox = if written_is_safe || !K::promises(&output) { &self.news } else { &self.promises };
            outbox.put(ticket, output, keeper);
        }
    }

    /// Starts writing.
    pub(crate) fn start(self: &Rc<Self>, keeper: Rc<impl Keeper<Output = T>>) {
        let (writing, keeping) = (self.clone(), keeper.clone());
        self.env.spawn(async move {
            let error = writing.write_on(&*keeping).await;
            writing.give_up(&*keeping, &error);
        });
        if self.journaling.fsync != Fsync::Never {
            let syncing = self.clone();
            self.env.spawn(async move {
                let error = syncing.sync_on(&*keeper).await;
                syncing.give_up(&*keeper, &error);
            });
        }
    }

    /// A disk that failed once is not believed again: what it was given may be gone, whatever it says later.
    fn give_up(&self, keeper: &impl Keeper<Output = T>, error: &JournalError) {
        tracing::error!(%error, "the journal can't be written; the embedded queue stops");
        self.stopped.set(true);
        self.news.waiting.take();
        self.promises.waiting.take();
        keeper.stop();
    }

    async fn write_on(&self, keeper: &impl Keeper<Output = T>) -> JournalError {
        loop {
            self.work.notified().await;
            if let Err(error) = self.write_gathered(keeper).await {
                return error;
            }
        }
    }

    async fn write_gathered(&self, keeper: &impl Keeper<Output = T>) -> Result<(), JournalError> {
        while let Some((batch, ticket)) = self.take() {
            self.append(&batch)?;
            self.log.borrow_mut().give_back(batch);
            self.news.let_out(ticket, keeper);
            if self.journaling.fsync != Fsync::Never {
                self.unsynced.notify_one();
            }
            if self.log.borrow().outgrown() {
                self.compact(keeper).await?;
            }
        }
        Ok(())
    }

    fn take(&self) -> Option<(Vec<u8>, u64)> {
        self.log.borrow_mut().take()
    }

    fn append(&self, batch: &[u8]) -> Result<(), JournalError> {
        let (file, length) = &mut *self.file.borrow_mut();
        self.directory.append(file, batch)?;
        *length += batch.len() as u64;
        Ok(())
    }

    /// Syncs what the file holds by now.
    async fn sync(&self, file: &str) -> Result<(), JournalError> {
        let length = self.file.borrow().1;
        self.directory.sync(file).await?;
        // While a new file is begun, what gathers is for that one.
        let mut log = self.log.borrow_mut();
        if file_name(log.generation) == file {
            log.synced(length);
        }
        Ok(())
    }

    async fn sync_on(&self, keeper: &impl Keeper<Output = T>) -> JournalError {
        loop {
            self.unsynced.notified().await;
            if self.journaling.fsync == Fsync::EverySecond {
                self.env.sleep(SYNC_EVERY).await;
            }
            let (file, written) = (self.file.borrow().0.clone(), self.news.through.get());
            if let Err(error) = self.sync(&file).await {
                return error;
            }
            self.promises.let_out(written, keeper);
        }
    }

    /// Begins a new file with the state as it is now. What gathers meanwhile goes there, too, once it is complete; a
    /// process that is killed before finds the old one.
    async fn compact(&self, keeper: &impl Keeper<Output = T>) -> Result<(), JournalError> {
        let (ticket, content, generation) = {
            let mut log = self.log.borrow_mut();
            let marks = self.journaling.fsync != Fsync::Never;
            // What has gathered is part of the snapshot already, and is not written again.
            let (next, content) =
                Log::begin(log.generation + 1, marks, self.journaling.max_bytes, log.ticket, |snapshot| {
                    keeper.describe(snapshot)
                });
            *log = next;
            (log.ticket, content, log.generation)
        };
        let (file, length) = (file_name(generation), content.len() as u64);
        self.live.set(length);
        self.directory.replace(&file, content).await?;
        let (old, _) = self.file.replace((file, length));
        self.news.let_out(ticket, keeper);
        self.promises.let_out(ticket, keeper);
        Ok(self.directory.remove(&old)?)
    }

    /// Leaves a compact and synced file behind. The tasks that write must have ended.
    ///
    /// # Errors
    ///
    /// When the disk does not take it; the file is as a kill would have left it then.
    pub(crate) async fn close(&self, keeper: &impl Keeper<Output = T>) -> Result<(), JournalError> {
        if self.stopped.replace(true) { Ok(()) } else { self.compact(keeper).await }
    }
}

/// Outputs that wait for their record.
struct Outbox<T> {
    waiting: RefCell<VecDeque<(u64, T)>>,
    /// The latest record that nothing waits for any more.
    through: Cell<u64>,
}

impl<T> Outbox<T> {
    fn new(through: u64) -> Self {
        Outbox { waiting: RefCell::default(), through: Cell::new(through) }
    }

    fn put(&self, ticket: u64, output: T, keeper: &impl Keeper<Output = T>) {
        if ticket > self.through.get() {
            self.waiting.borrow_mut().push_back((ticket, output));
        } else {
            keeper.release(output);
        }
    }

    /// Nothing has to wait for the records through `ticket`.
    fn let_out(&self, ticket: u64, keeper: &impl Keeper<Output = T>) {
        // A sync of the old file may end after the new one has taken its place, which is later still.
        self.through.set(self.through.get().max(ticket));
        loop {
            let mut waiting = self.waiting.borrow_mut();
            if waiting.front().is_none_or(|(waits_for, _)| *waits_for > ticket) {
                return;
            }
            let next = waiting.pop_front();
            drop(waiting);
            next.into_iter().for_each(|(_, output)| keeper.release(output));
        }
    }
}
