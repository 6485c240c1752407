//! What an event follows from.
//!
//! A message that arrives follows from its being sent; what befalls a process or a connection, from a fault of the same
//! instant or from the end of a peer; and whatever a process does, from the last thing that reached it or, if that is
//! later, from what last happened to the task that it is about.

use super::record::{Happened, Replay, Sort};

impl Replay {
    /// An event and its causes backwards, the first one being the event itself; `most` of them.
    pub fn why(&self, number: usize, most: usize) -> Vec<&Happened> {
        let mut chain = Vec::new();
        let mut at = self.events.binary_search_by_key(&number, |event| event.number).ok();
        while let Some(now) = at.filter(|_| chain.len() < most) {
            chain.push(&self.events[now]);
            at = self.cause(now);
        }
        chain
    }

    fn cause(&self, at: usize) -> Option<usize> {
        let event = &self.events[at];
        match event.sort {
            Sort::Fault => None,
            Sort::Arrived(connection, digest) => self.sent(at, connection, digest),
            Sort::Started | Sort::Exited => self.fault(at).or_else(|| self.reached(at)),
            Sort::Closed(_) => self.fault(at).or_else(|| self.end_of_peer(at)),
            _ => self.reached(at).max(self.of_task(at)),
        }
    }

    fn before(&self, at: usize) -> impl Iterator<Item = (usize, &Happened)> {
        self.events[..at].iter().enumerate().rev()
    }

    fn sent(&self, at: usize, connection: u64, digest: u64) -> Option<usize> {
        let receiver = &self.events[at].process;
        let is_it = |event: &Happened| event.sort == Sort::Sent(connection, digest) && event.process != *receiver;
        self.before(at).find(|(_, event)| is_it(event)).map(|(at, _)| at)
    }

    /// A fault of the same instant.
    fn fault(&self, at: usize) -> Option<usize> {
        let now = self.events[at].at;
        let around = self.events[at..].iter().enumerate().map(|(more, event)| (at + more, event));
        // A fault is recorded when it has struck: after what it did.
        let after = around.take_while(|(_, event)| event.at == now).find(|(_, event)| event.sort == Sort::Fault);
        let before =
            || self.before(at).take_while(|(_, event)| event.at == now).find(|(_, event)| event.sort == Sort::Fault);
        after.or_else(before).map(|(at, _)| at)
    }

    fn end_of_peer(&self, at: usize) -> Option<usize> {
        self.before(at).find(|(_, event)| event.sort == Sort::Exited).map(|(at, _)| at)
    }

    /// The last thing that reached the process of an event, its start at the latest.
    fn reached(&self, at: usize) -> Option<usize> {
        let process = &self.events[at].process;
        let reaches = |sort: &Sort| matches!(sort, Sort::Arrived(..) | Sort::Closed(_) | Sort::Started);
        self.before(at).find(|(_, event)| event.process == *process && reaches(&event.sort)).map(|(at, _)| at)
    }

    fn of_task(&self, at: usize) -> Option<usize> {
        let task = self.events[at].task?;
        self.before(at).find(|(_, event)| event.task == Some(task)).map(|(at, _)| at)
    }
}
