//! Who reads a run while it happens: the ledger, whoever else wants its facts, and whoever reads the trace.

use super::ledger::{Ledger, Nanos};
use crate::events::Event;
use simq_sim::{Record, Sink, What};
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

/// Reads the facts of a run beside the ledger. It draws no random numbers and sends nothing.
pub(crate) trait Observer {
    /// One fact, from the process that reported it.
    fn fact(&mut self, now: Nanos, process: &Arc<str>, event: &Event<'_>);
    /// A process began.
    fn started(&mut self, _now: Nanos, _process: &str) {}
    /// A process ended, in words.
    fn ended(&mut self, _now: Nanos, _process: &str, _how: &str) {}
    /// A fault, in words, and whether it found something to strike.
    fn fault(&mut self, _now: Nanos, _fault: &str, _struck: bool) {}
    /// Any record of the trace; that of a fact comes before the fact itself.
    fn record(&mut self, _record: &Record<'_>) {}
}

/// An observer that its owner reads after the run.
impl<T: Observer> Observer for Rc<RefCell<T>> {
    fn fact(&mut self, now: Nanos, process: &Arc<str>, event: &Event<'_>) {
        self.borrow_mut().fact(now, process, event);
    }

    fn started(&mut self, now: Nanos, process: &str) {
        self.borrow_mut().started(now, process);
    }

    fn ended(&mut self, now: Nanos, process: &str, how: &str) {
        self.borrow_mut().ended(now, process, how);
    }

    fn fault(&mut self, now: Nanos, fault: &str, struck: bool) {
        self.borrow_mut().fault(now, fault, struck);
    }

    fn record(&mut self, record: &Record<'_>) {
        self.borrow_mut().record(record);
    }
}

/// Who looks on at a run. None of it changes the run.
#[derive(Default)]
pub(crate) struct Look {
    /// Reads the trace as it is made.
    pub(crate) sink: Option<Box<dyn Sink>>,
    /// Reads facts and records.
    pub(crate) observer: Option<Box<dyn Observer>>,
    /// Record the choices.
    pub(crate) record: bool,
    /// Note choices that could have been others.
    pub(crate) alternatives: bool,
}

/// Feeds the ledger with what only the world knows, and passes records on.
pub(super) struct Watch {
    pub(super) ledger: Rc<RefCell<Ledger>>,
    pub(super) last_fault: Rc<RefCell<Option<Nanos>>>,
    pub(super) next: Option<Box<dyn Sink>>,
}

impl Sink for Watch {
    fn record(&mut self, record: &Record<'_>) {
        match record.what {
            What::Started { .. } => self.ledger.borrow_mut().process_started(record.at, record.process),
            What::Exited { .. } => self.ledger.borrow_mut().process_ended(record.at, record.process),
            What::Fault { struck: true, .. } => *self.last_fault.borrow_mut() = Some(record.at),
            _ => {}
        }
        self.tell(record);
        if let Some(next) = &mut self.next {
            next.record(record);
        }
    }
}

impl Watch {
    /// Tells the ledger's observer what no fact says.
    fn tell(&self, record: &Record<'_>) {
        let mut ledger = self.ledger.borrow_mut();
        let Some(observer) = &mut ledger.observer else { return };
        observer.record(record);
        match record.what {
            What::Started { .. } => observer.started(record.at, record.process),
            What::Exited { how, .. } => observer.ended(record.at, record.process, &how.to_string()),
            What::Fault { fault, struck } => observer.fault(record.at, &fault.to_string(), struck),
            _ => {}
        }
    }
}
