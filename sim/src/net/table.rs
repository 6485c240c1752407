//! The table of connections, listeners and link states.

use super::{Connection, EndKey, Payload};
use crate::layers::Layers;
use crate::life::HostId;
use crate::process::ProcessId;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::task::Waker;

/// A pipe between a process and its child is this slow.
const PIPE_NANOS: u64 = 20_000;

pub(super) enum Item {
    Message(Box<dyn Payload>, u64),
    /// The peer closed.
    Close,
    /// The connection breaks here, after the message before it was delivered: a lost reply.
    Break,
}

/// Who has one end of a connection: the process, its host, and how slowly that takes messages.
#[derive(Clone, Copy)]
pub(super) struct Party {
    pub(super) process: ProcessId,
    pub(super) host: HostId,
    pub(super) pace: u64,
}

pub(super) struct End {
    pub(super) process: ProcessId,
    pub(super) host: HostId,
    pub(super) inbox: VecDeque<Box<dyn Payload>>,
    pub(super) flying: VecDeque<Item>,
    /// Nothing may overtake what was sent before.
    pub(super) last_arrival: u64,
    pub(super) waker: Option<Waker>,
    /// The peer closed, or the connection broke: nothing more will come.
    pub(super) finished: bool,
    /// Its own handle is gone.
    pub(super) closed: bool,
    /// A partition holds back what flies towards this end.
    pub(super) blocked: bool,
    /// Nothing that flies towards this end gets there any more.
    pub(super) silenced: bool,
    /// Everything sent towards this end from now on is lost.
    pub(super) deaf: bool,
    /// Least time between two messages, nanoseconds.
    pub(super) pace: u64,
    /// A slow host takes nothing from here before.
    pub(super) busy_until: u64,
    /// Arrivals that came due while held back.
    pub(super) held: u32,
}

impl End {
    fn new(Party { process, host, pace }: Party, blocked: bool) -> Self {
        End {
            process,
            host,
            inbox: VecDeque::new(),
            flying: VecDeque::new(),
            last_arrival: 0,
            waker: None,
            finished: false,
            closed: false,
            blocked,
            silenced: false,
            deaf: false,
            pace,
            busy_until: 0,
            held: 0,
        }
    }
}

pub(super) struct Conn {
    pub(super) number: u64,
    pub(super) ends: [End; 2],
    pub(super) base: u64,
    pub(super) jitter: u64,
    pub(super) pipe: bool,
}

pub(super) struct Backlog {
    pub(super) number: u64,
    pub(super) process: ProcessId,
    pub(super) waiting: VecDeque<Connection>,
    pub(super) waker: Option<Waker>,
}

/// All connections, listeners and link states of a world.
pub(crate) struct Net {
    conns: Vec<(u32, Option<Conn>)>,
    free: Vec<u32>,
    made: u64,
    /// The open ends of each process, by slot and side.
    open_ends: BTreeSet<(ProcessId, u32, u8)>,
    pub(super) listeners: BTreeMap<HostId, Backlog>,
    listens: u64,
    /// Directions in which nothing gets through, and which partitions see to that.
    pub(super) blocked: BTreeMap<(HostId, HostId), Vec<u64>>,
    pub(super) latencies: BTreeMap<(HostId, HostId), Layers<(u64, u64)>>,
    pub(super) default_latency: (u64, u64),
}

impl Net {
    pub(crate) fn new(default_latency: (u64, u64)) -> Self {
        Net {
            conns: Vec::new(),
            free: Vec::new(),
            made: 0,
            open_ends: BTreeSet::new(),
            listeners: BTreeMap::new(),
            listens: 0,
            blocked: BTreeMap::new(),
            latencies: BTreeMap::new(),
            default_latency,
        }
    }

    pub(super) fn latency(&self, a: HostId, b: HostId) -> (u64, u64) {
        self.latencies.get(&(a.min(b), a.max(b))).map_or(self.default_latency, Layers::get)
    }

    #[inline]
    pub(super) fn get(&mut self, slot: u32, generation: u32) -> Option<&mut Conn> {
        match self.conns.get_mut(slot as usize) {
            Some((now, conn)) if *now == generation => conn.as_mut(),
            _ => None,
        }
    }

    /// A new connection: its slot, generation and number.
    pub(super) fn open(&mut self, a: Party, b: Party, pipe: bool) -> (u32, u32, u64) {
        let (base, jitter) = if pipe { (PIPE_NANOS, 0) } else { self.latency(a.host, b.host) };
        self.made += 1;
        let number = self.made;
        let blocked = |from: HostId, to: HostId| !pipe && self.blocked.contains_key(&(from, to));
        let ends = [End::new(a, blocked(b.host, a.host)), End::new(b, blocked(a.host, b.host))];
        let slot = self.free.pop().unwrap_or_else(|| {
            self.conns.push((0, None));
            (self.conns.len() - 1) as u32
        });
        self.open_ends.extend([(a.process, slot, 0), (b.process, slot, 1)]);
        let (generation, tenant) = &mut self.conns[slot as usize];
        *tenant = Some(Conn { number, ends, base, jitter, pipe });
        (slot, *generation, number)
    }

    /// Connections between two hosts, whoever made them; pipes are none.
    pub(super) fn between(&self, a: HostId, b: HostId) -> Vec<(u32, u32)> {
        self.which(|conn| {
            let hosts = (conn.ends[0].host, conn.ends[1].host);
            hosts == (a, b) || hosts == (b, a)
        })
    }

    /// Connections of one host.
    pub(super) fn of_host(&self, host: HostId) -> Vec<(u32, u32)> {
        self.which(|conn| conn.ends.iter().any(|end| end.host == host))
    }

    fn which(&self, wanted: impl Fn(&Conn) -> bool) -> Vec<(u32, u32)> {
        let numbered = self.conns.iter().enumerate();
        numbered
            .filter(|(_, (_, conn))| conn.as_ref().is_some_and(|conn| !conn.pipe && wanted(conn)))
            .map(|(slot, (generation, _))| (slot as u32, *generation))
            .collect()
    }

    /// The ends that a process has not closed.
    pub(super) fn open_ends(&self, process: ProcessId) -> Vec<EndKey> {
        let ends = self.open_ends.range((process, 0, 0)..=(process, u32::MAX, u8::MAX));
        let key = |&(process, slot, side): &_| EndKey { slot, generation: self.conns[slot as usize].0, side, process };
        ends.map(key).collect()
    }

    /// Marks an end closed; false when it was.
    pub(super) fn close(&mut self, key: EndKey) -> Option<&mut End> {
        let end = &mut self.get(key.slot, key.generation)?.ends[key.side as usize];
        if std::mem::replace(&mut end.closed, true) {
            return None;
        }
        self.open_ends.remove(&(key.process, key.slot, key.side));
        self.get(key.slot, key.generation).map(|conn| &mut conn.ends[key.side as usize])
    }

    /// Frees the slot when both ends are closed. The caller drops what comes back once nothing is borrowed.
    #[must_use = "messages have destructors that may come back to the network"]
    pub(super) fn free_if_done(&mut self, slot: u32, generation: u32) -> Option<Conn> {
        if !self.get(slot, generation)?.ends.iter().all(|end| end.closed) {
            return None;
        }
        let (generation, tenant) = &mut self.conns[slot as usize];
        *generation = generation.wrapping_add(1);
        self.free.push(slot);
        tenant.take()
    }

    pub(super) fn next_listener(&mut self) -> u64 {
        self.listens += 1;
        self.listens
    }

    /// The backlog of a listener, as long as no later one has replaced it.
    pub(super) fn backlog(&mut self, host: HostId, number: u64) -> Option<&mut Backlog> {
        self.listeners.get_mut(&host).filter(|backlog| backlog.number == number)
    }
}
