//! How messages travel, and how connections end.

use super::table::Item;
use super::{EndKey, Payload};
use crate::effect::Point;
use crate::fault::Fault;
use crate::life::{Exit, State};
use crate::process::ProcessId;
use crate::shared::Shared;
use crate::timer::Event;
use crate::trace::What;
use std::rc::Rc;
use std::task::Waker;

/// What a process did to others after it was paused, in the same step; it gets out in this order when it is resumed.
pub(crate) enum Unsaid {
    /// Sent after the pause.
    Send(EndKey, Box<dyn Payload>),
    /// The pause struck before this very message; the faults on the message itself are known.
    Say(EndKey, Box<dyn Payload>, Vec<(usize, Fault)>),
    /// Closed an end.
    Close(EndKey),
    /// Ended itself.
    Exit(Exit),
}

impl Shared {
    #[inline]
    pub(super) fn send(self: &Rc<Self>, key: EndKey, payload: Box<dyn Payload>) {
        let (state, watched) = {
            let processes = self.processes.borrow();
            let life = processes.life(key.process);
            (life.state, life.watched)
        };
        match state {
            State::Running if watched => self.send_watched(key, payload),
            State::Running => self.send_one(key, payload),
            State::Paused => self.hold_back(key.process, Unsaid::Send(key, payload)),
            State::Dead => {}
        }
    }

    /// A message is about to go out; what waits for that strikes first.
    #[cold]
    fn send_watched(self: &Rc<Self>, key: EndKey, payload: Box<dyn Payload>) {
        let on_message = self.set_off(key.process, Point::Before, payload.label());
        let state = self.processes.borrow().life(key.process).state;
        match state {
            State::Running => self.say(key, payload, on_message),
            State::Paused => {
                let said = Unsaid::Say(key, payload, on_message);
                self.processes.borrow_mut().life_mut(key.process).unsaid.push_front(said);
            }
            State::Dead => self.missed(on_message),
        }
    }

    /// A message goes out, with whatever befalls it, and sets off what waits for that.
    fn say(self: &Rc<Self>, key: EndKey, payload: Box<dyn Payload>, on_message: Vec<(usize, Fault)>) {
        let label = payload.label();
        let carried = self.net.borrow_mut().get(key.slot, key.generation).is_some_and(|conn| {
            let end = &conn.ends[key.side as usize];
            !end.closed && !end.finished
        });
        let doubled = carried && on_message.iter().any(|(_, fault)| *fault == Fault::Duplicate);
        let twin = doubled.then(|| payload.duplicate()).flatten();
        let mut loses_reply = false;
        for (plan, fault) in &on_message {
            let is_loss = *fault == Fault::LoseReply;
            loses_reply |= is_loss;
            self.struck(*plan, fault, carried && (is_loss || twin.is_some()));
        }
        self.send_one(key, payload);
        if let Some(twin) = twin {
            self.send_one(key, twin);
        }
        if loses_reply {
            self.lose_reply(key);
        }
        for (plan, fault) in self.set_off(key.process, Point::After, label) {
            let strikes = carried && fault == Fault::LoseReply;
            self.struck(plan, &fault, strikes);
            if strikes {
                self.lose_reply(key);
            }
        }
    }

    fn lose_reply(self: &Rc<Self>, key: EndKey) {
        if let Some(conn) = self.net.borrow_mut().get(key.slot, key.generation) {
            conn.ends[key.side as usize].deaf = true;
        }
        self.fly(key.slot, key.generation, 1 - key.side, Item::Break);
    }

    fn hold_back(&self, id: ProcessId, unsaid: Unsaid) {
        self.processes.borrow_mut().life_mut(id).unsaid.push_back(unsaid);
    }

    /// Lets out what a process was kept from saying by a pause, until something stops it again.
    pub(crate) fn say_unsaid(self: &Rc<Self>, id: ProcessId) {
        loop {
            let next = {
                let mut processes = self.processes.borrow_mut();
                let life = processes.life_mut(id);
                if life.state != State::Running {
                    return;
                }
                life.unsaid.pop_front()
            };
            match next {
                Some(Unsaid::Send(key, payload)) => self.send_watched(key, payload),
                Some(Unsaid::Say(key, payload, on_message)) => self.say(key, payload, on_message),
                Some(Unsaid::Close(key)) => self.close(key),
                Some(Unsaid::Exit(exit)) => {
                    self.end(id, exit, false);
                }
                None => return,
            }
        }
    }

    fn send_one(self: &Rc<Self>, key: EndKey, payload: Box<dyn Payload>) {
        let digest = payload.digest();
        let number = match self.net.borrow_mut().get(key.slot, key.generation) {
            Some(conn) if !conn.ends[key.side as usize].closed => conn.number,
            _ => return,
        };
        let label = payload.label();
        self.record(key.process, What::Sent { connection: number, label, digest, payload: &*payload });
        self.fly(key.slot, key.generation, 1 - key.side, Item::Message(payload, digest));
    }

    /// Puts an item on its way to `side`.
    fn fly(self: &Rc<Self>, slot: u32, generation: u32, side: u8, item: Item) {
        let mut net = self.net.borrow_mut();
        let Some(conn) = net.get(slot, generation) else { return };
        let (base, jitter) = (conn.base, conn.jitter);
        let end = &mut conn.ends[side as usize];
        if end.finished || end.closed || end.deaf {
            drop(net);
            return;
        }
        let link = u64::from(slot) << 1 | u64::from(side);
        let mut choices = self.choices.borrow_mut();
        let more = choices.delay(link, jitter);
        let at = self.now().saturating_add(base).saturating_add(more).max(end.last_arrival);
        if jitter > 0 && choices.notes_alternatives() {
            choices.note_message(end.process, link, at, jitter - more);
        }
        drop(choices);
        end.last_arrival = at;
        end.flying.push_back(item);
        drop(net);
        self.agenda.borrow_mut().plan(at, Event::Arrival { connection: slot, side, generation });
    }

    /// The front item of a direction arrives.
    #[inline]
    pub(crate) fn arrive(self: &Rc<Self>, slot: u32, generation: u32, side: u8) {
        let mut net = self.net.borrow_mut();
        let Some(conn) = net.get(slot, generation) else { return };
        let number = conn.number;
        let end = &mut conn.ends[side as usize];
        if end.blocked || end.silenced || self.now() < end.busy_until {
            end.held += 1;
            return;
        }
        if end.pace > 0 {
            end.busy_until = self.now().saturating_add(end.pace);
            self.agenda.borrow_mut().plan(end.busy_until, Event::Pace { connection: slot, side, generation });
        }
        let process = end.process;
        match end.flying.pop_front() {
            Some(Item::Message(payload, digest)) if !end.closed && !end.finished => {
                let label = payload.label();
                end.inbox.push_back(payload);
                let waker = end.waker.take();
                drop(net);
                self.record(process, What::Arrived { connection: number, label, digest });
                waker.into_iter().for_each(Waker::wake);
                if self.processes.borrow().life(process).watched {
                    let on_message = self.set_off(process, Point::Receiving, label);
                    self.missed(on_message);
                }
            }
            Some(Item::Close) => {
                drop(net);
                self.finish(slot, generation, side, false);
            }
            Some(Item::Break) => {
                drop(net);
                self.reset(slot, generation);
            }
            lost => {
                drop(net);
                drop(lost);
            }
        }
    }

    /// A slow host can take the next of what has arrived meanwhile.
    pub(crate) fn take_next(self: &Rc<Self>, slot: u32, generation: u32, side: u8) {
        let mut net = self.net.borrow_mut();
        let Some(conn) = net.get(slot, generation) else { return };
        let end = &mut conn.ends[side as usize];
        if self.now() >= end.busy_until && end.held > 0 {
            end.held -= 1;
            self.agenda.borrow_mut().plan(self.now(), Event::Arrival { connection: slot, side, generation });
        }
    }

    /// One end learns that nothing more will come; false when it knew.
    fn finish(self: &Rc<Self>, slot: u32, generation: u32, side: u8, reset: bool) -> bool {
        let mut net = self.net.borrow_mut();
        let Some(conn) = net.get(slot, generation) else { return false };
        let number = conn.number;
        let end = &mut conn.ends[side as usize];
        if std::mem::replace(&mut end.finished, true) {
            return false;
        }
        end.held = 0;
        let (process, waker, told) = (end.process, end.waker.take(), !end.closed);
        let lost = std::mem::take(&mut end.flying);
        drop(net);
        drop(lost);
        if told {
            self.record(process, What::Closed { connection: number, reset });
        }
        waker.into_iter().for_each(Waker::wake);
        told
    }

    /// Both ends learn at once that the connection is gone; false when neither had to.
    pub(super) fn reset(self: &Rc<Self>, slot: u32, generation: u32) -> bool {
        let first = self.finish(slot, generation, 0, true);
        self.finish(slot, generation, 1, true) || first
    }

    /// Closes an end on behalf of its owner.
    pub(super) fn close(self: &Rc<Self>, key: EndKey) {
        if self.processes.borrow().life(key.process).state == State::Paused {
            self.hold_back(key.process, Unsaid::Close(key));
            return;
        }
        let (unread, reader) = {
            let mut net = self.net.borrow_mut();
            let Some(end) = net.close(key) else { return };
            (std::mem::take(&mut end.inbox), end.waker.take())
        };
        drop(unread);
        reader.into_iter().for_each(Waker::wake);
        self.fly(key.slot, key.generation, 1 - key.side, Item::Close);
        self.free_if_done(key);
    }

    fn free_if_done(&self, key: EndKey) {
        let done = self.net.borrow_mut().free_if_done(key.slot, key.generation);
        drop(done);
    }

    /// What the kernel does for a process that is gone; `silent` when the whole machine is.
    pub(crate) fn close_connections(self: &Rc<Self>, id: ProcessId, silent: bool) {
        let ends = self.net.borrow().open_ends(id);
        for key in ends {
            let unread = {
                let mut net = self.net.borrow_mut();
                let Some(end) = net.close(key) else { continue };
                end.finished = true;
                (std::mem::take(&mut end.inbox), std::mem::take(&mut end.flying), end.waker.take())
            };
            drop(unread);
            if !silent {
                self.fly(key.slot, key.generation, 1 - key.side, Item::Close);
            }
            self.free_if_done(key);
        }
        let backlog = {
            let mut net = self.net.borrow_mut();
            let host = self.processes.borrow().life(id).host;
            let ours = net.listeners.get(&host).is_some_and(|backlog| backlog.process == id);
            ours.then(|| net.listeners.remove(&host))
        };
        drop(backlog);
    }
}
