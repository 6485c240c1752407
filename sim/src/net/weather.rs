//! What faults do to the links between hosts. New rules hold for old connections too.

use super::table::{Conn, Net};
use crate::layers::Layers;
use crate::life::HostId;
use crate::shared::Shared;
use crate::timer::Event;
use std::rc::Rc;

impl Shared {
    /// Resets every connection between two hosts; false when there was none.
    pub(crate) fn reset_between(self: &Rc<Self>, a: HostId, b: HostId) -> bool {
        let conns = self.net.borrow().between(a, b);
        conns.iter().fold(false, |any, (slot, generation)| self.reset(*slot, *generation) || any)
    }

    /// Makes every connection between two hosts go silent for good; false when there was none.
    pub(crate) fn silence_between(&self, a: HostId, b: HostId) -> bool {
        let mut net = self.net.borrow_mut();
        let conns = net.between(a, b);
        for (slot, generation) in &conns {
            let ends = net.get(*slot, *generation).into_iter().flat_map(|conn| &mut conn.ends);
            ends.for_each(|end| (end.deaf, end.silenced) = (true, true));
        }
        !conns.is_empty()
    }

    /// Blocks one direction on behalf of `partition`.
    pub(crate) fn block(&self, from: HostId, to: HostId, partition: u64) {
        let mut net = self.net.borrow_mut();
        net.blocked.entry((from, to)).or_default().push(partition);
        for (slot, generation, side) in directions(&mut net, from, to) {
            if let Some(conn) = net.get(slot, generation) {
                conn.ends[side as usize].blocked = true;
            }
        }
    }

    /// Lifts one partition from a direction, or all of them; false when there was nothing to lift.
    pub(crate) fn unblock(&self, from: HostId, to: HostId, only: Option<u64>) -> bool {
        let mut net = self.net.borrow_mut();
        let Some(partitions) = net.blocked.get_mut(&(from, to)) else { return false };
        let before = partitions.len();
        partitions.retain(|partition| only.is_some_and(|only| only != *partition));
        let left = partitions.len();
        if left == 0 {
            net.blocked.remove(&(from, to));
            for (slot, generation, side) in directions(&mut net, from, to) {
                let Some(conn) = net.get(slot, generation) else { continue };
                conn.ends[side as usize].blocked = false;
                // What was held travels anew: TCP sends it again.
                self.replan_held(conn, (slot, generation, side), conn.base);
            }
        }
        left < before
    }

    fn replan_held(&self, conn: &mut Conn, (connection, generation, side): (u32, u32, u8), travel: u64) {
        let end = &mut conn.ends[side as usize];
        let at = self.now().saturating_add(travel);
        let held = std::mem::take(&mut end.held);
        if held > 0 {
            end.last_arrival = end.last_arrival.max(at);
        }
        for _ in 0..held {
            self.agenda.borrow_mut().plan(at, Event::Arrival { connection, side, generation });
        }
    }

    /// Changes how long messages between two hosts travel.
    pub(crate) fn change_latency(&self, a: HostId, b: HostId, change: impl FnOnce(&mut Layers<(u64, u64)>)) {
        let mut net = self.net.borrow_mut();
        let usual = net.default_latency;
        change(net.latencies.entry((a.min(b), a.max(b))).or_insert_with(|| Layers::new(usual)));
        let latency = net.latency(a, b);
        for (slot, generation) in net.between(a, b) {
            if let Some(conn) = net.get(slot, generation) {
                (conn.base, conn.jitter) = latency;
            }
        }
    }

    /// Changes how slowly a host takes messages. What has arrived and waits is looked at again.
    pub(crate) fn change_pace(&self, host: HostId, change: impl FnOnce(&mut Layers<u64>)) {
        let pace = {
            let layers = &mut self.processes.borrow_mut().hosts[host as usize].pace;
            change(layers);
            layers.get()
        };
        let mut net = self.net.borrow_mut();
        for (slot, generation) in net.of_host(host) {
            let Some(conn) = net.get(slot, generation) else { continue };
            for side in [0_u8, 1] {
                let end = &mut conn.ends[side as usize];
                if end.host != host {
                    continue;
                }
                end.pace = pace;
                if end.busy_until <= self.now() {
                    continue;
                }
                end.busy_until = 0;
                // What a partition holds is planned anew when that is lifted.
                if !end.blocked && !end.silenced {
                    self.replan_held(conn, (slot, generation, side), 0);
                }
            }
        }
    }
}

/// The ends that messages from one host to the other fly to.
fn directions(net: &mut Net, from: HostId, to: HostId) -> Vec<(u32, u32, u8)> {
    let mut ends = Vec::new();
    for (slot, generation) in net.between(from, to) {
        let Some(conn) = net.get(slot, generation) else { continue };
        let sides = [0_u8, 1].into_iter();
        let towards = |side: &u8| conn.ends[1 - *side as usize].host == from && conn.ends[*side as usize].host == to;
        ends.extend(sides.filter(towards).map(|side| (slot, generation, side)));
    }
    ends
}
