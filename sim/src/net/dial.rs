//! How connections come to be: listen, connect, and the pipe between a process and its child.

use super::table::{Backlog, Party};
use super::{ConnectError, Connection, EndKey, Handle, Listener};
use crate::life::HostId;
use crate::process::{Process, ProcessId};
use crate::shared::Shared;
use crate::timer::Sleep;
use crate::trace::What;
use std::collections::VecDeque;
use std::rc::Rc;
use std::task::Waker;

/// A connect that nobody answers is tried again after this many nanoseconds, as TCP does with a lost SYN.
const SYN_RETRY: u64 = 1_000_000_000;
/// Connections that nobody has accepted yet, as Linux bounds them.
const BACKLOG: usize = 4_096;

impl Shared {
    pub(crate) fn listen(self: &Rc<Self>, id: ProcessId) -> Listener {
        let (host, alive) = {
            let processes = self.processes.borrow();
            (processes.life(id).host, processes.alive(id))
        };
        let number = self.net.borrow_mut().next_listener();
        if alive {
            let backlog = Backlog { number, process: id, waiting: VecDeque::new(), waker: None };
            let old = self.net.borrow_mut().listeners.insert(host, backlog);
            drop(old);
        }
        Listener { process: Process { world: self.clone(), id }, number }
    }

    pub(super) fn stop_listening(&self, id: ProcessId, number: u64) {
        let host = self.processes.borrow().life(id).host;
        let backlog = {
            let mut net = self.net.borrow_mut();
            net.backlog(host, number).is_some().then(|| net.listeners.remove(&host))
        };
        drop(backlog);
    }

    fn handle(self: &Rc<Self>, end: EndKey, number: u64) -> Connection {
        Connection(Rc::new(Handle { world: self.clone(), end, number }))
    }

    /// The two ends of a pipe; of none, when the child was not born.
    pub(crate) fn pipe(self: &Rc<Self>, parent: ProcessId, child: ProcessId, born: bool) -> (Connection, Connection) {
        let host = self.processes.borrow().life(parent).host;
        let (slot, generation, number) = match born {
            true => {
                let party = |process| Party { process, host, pace: 0 };
                self.net.borrow_mut().open(party(parent), party(child), true)
            }
            false => (u32::MAX, 0, 0),
        };
        let end = |side, process| self.handle(EndKey { slot, generation, side, process }, number);
        (end(0, parent), end(1, child))
    }

    pub(crate) async fn connect(self: Rc<Self>, from: ProcessId, to: String) -> Result<Connection, ConnectError> {
        let (here, there) = {
            let processes = self.processes.borrow();
            (processes.life(from).host, processes.host_named(&to))
        };
        while self.alive(from) {
            let Some(there) = there else { return self.refuse(from, &to) };
            let trip = self.trip(here, there);
            Sleep::until(self.clone(), self.now().saturating_add(trip.saturating_mul(2))).await;
            if !self.reaches(here, there) {
                Sleep::until(self.clone(), self.now().saturating_add(SYN_RETRY)).await;
            } else if self.alive(from) {
                let Some(listener) = self.listens_at(there) else { return self.refuse(from, &to) };
                return Ok(self.join(self.party(from, here), self.party(listener, there), &to));
            }
        }
        // Polled by a destructor: the process has ended, and nothing happens to it any more.
        std::future::pending().await
    }

    fn alive(&self, id: ProcessId) -> bool {
        self.processes.borrow().alive(id)
    }

    fn refuse(&self, from: ProcessId, to: &str) -> Result<Connection, ConnectError> {
        self.record(from, What::Refused { peer: to });
        Err(ConnectError)
    }

    fn trip(&self, here: HostId, there: HostId) -> u64 {
        let (base, jitter) = self.net.borrow().latency(here, there);
        let link = 1 << 63 | u64::from(here) << 32 | u64::from(there);
        let more = self.choices.borrow_mut().delay(link, jitter);
        base.saturating_add(more)
    }

    /// Whether the other host would answer a SYN, be it with a refusal.
    fn reaches(&self, here: HostId, there: HostId) -> bool {
        let net = self.net.borrow();
        let blocked = net.blocked.contains_key(&(here, there)) || net.blocked.contains_key(&(there, here));
        let full = net.listeners.get(&there).is_some_and(|backlog| backlog.waiting.len() >= BACKLOG);
        !blocked && !full && !self.processes.borrow().hosts[there as usize].dark
    }

    fn listens_at(&self, host: HostId) -> Option<ProcessId> {
        self.net.borrow().listeners.get(&host).map(|backlog| backlog.process)
    }

    fn party(&self, process: ProcessId, host: HostId) -> Party {
        Party { process, host, pace: self.processes.borrow().hosts[host as usize].pace.get() }
    }

    fn join(self: &Rc<Self>, from: Party, to: Party, peer: &str) -> Connection {
        let (slot, generation, number) = self.net.borrow_mut().open(from, to, false);
        self.record(from.process, What::Connected { connection: number, peer });
        let theirs = self.handle(EndKey { slot, generation, side: 1, process: to.process }, number);
        let waker = self.net.borrow_mut().listeners.get_mut(&to.host).and_then(|backlog| {
            backlog.waiting.push_back(theirs);
            backlog.waker.take()
        });
        waker.into_iter().for_each(Waker::wake);
        self.handle(EndKey { slot, generation, side: 0, process: from.process }, number)
    }
}
