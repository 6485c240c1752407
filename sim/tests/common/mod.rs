//! What all stories share: a message, a log, and programs in one line.
#![allow(dead_code, reason = "each test binary uses a part")]

use simq_sim::{Config, Connection, Fault, Payload, Point, Process, Record, Sink, Trigger, World};
use std::any::Any;
use std::cell::RefCell;
use std::fmt;
use std::future::Future;
use std::rc::Rc;
use std::time::Duration;

pub(crate) const MS: u64 = 1_000_000;

pub(crate) fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub(crate) fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A world in which every message travels exactly 1 ms.
pub(crate) fn steady(seed: u64) -> World {
    let mut config = Config::new(seed);
    config.latency = (ms(1), Duration::ZERO);
    World::new(config).expect("a world")
}

/// A world with the usual latencies.
pub(crate) fn world(seed: u64) -> World {
    World::new(Config::new(seed)).expect("a world")
}

/// A numbered message.
pub(crate) struct Message {
    pub(crate) label: &'static str,
    pub(crate) number: u64,
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.label, self.number)
    }
}

impl Payload for Message {
    fn label(&self) -> &'static str {
        self.label
    }

    fn digest(&self) -> u64 {
        self.number
    }

    fn duplicate(&self) -> Option<Box<dyn Payload>> {
        Some(Box::new(Message { ..*self }))
    }
}

/// What programs do with messages.
pub(crate) trait Talk {
    fn say(&self, label: &'static str, number: u64);
    fn hear(&self) -> impl Future<Output = Option<u64>>;
}

impl Talk for Connection {
    fn say(&self, label: &'static str, number: u64) {
        self.send(Box::new(Message { label, number }));
    }

    async fn hear(&self) -> Option<u64> {
        let payload: Box<dyn Any> = self.recv().await?;
        Some(payload.downcast::<Message>().expect("a message").number)
    }
}

/// What was seen, in order.
#[derive(Clone, Default)]
pub(crate) struct Log(Rc<RefCell<Vec<String>>>);

impl Log {
    pub(crate) fn add(&self, line: impl fmt::Display) {
        self.0.borrow_mut().push(line.to_string());
    }

    /// With the virtual time in front, in milliseconds and what is left of one.
    pub(crate) fn at(&self, process: &Process, line: impl fmt::Display) {
        let now = process.now();
        let rest = match now % MS {
            0 => String::new(),
            rest => format!("+{rest}ns"),
        };
        self.add(format!("{}ms{rest} {line}", now / MS));
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.borrow().clone()
    }
}

/// Defines a host whose program is one future.
pub(crate) fn host<F: Future<Output = ()> + 'static>(world: &World, name: &str, main: impl Fn(Process) -> F + 'static) {
    world.define(name, move |process| process.spawn(main(process.clone())));
}

/// A server that logs every message of every connection, and answers each with its own number.
pub(crate) fn echo(world: &World, name: &str, log: &Log) {
    let log = log.clone();
    host(world, name, move |process| {
        let log = log.clone();
        async move {
            let listener = process.listen();
            loop {
                let connection = listener.accept().await;
                let (log, inner) = (log.clone(), process.clone());
                process.spawn(async move {
                    while let Some(number) = connection.hear().await {
                        log.at(&inner, number);
                        connection.say("reply", number);
                    }
                    log.at(&inner, "end");
                });
            }
        }
    });
}

pub(crate) fn kill(process: &str) -> Fault {
    Fault::Kill { process: process.into() }
}

pub(crate) fn restart(process: &str) -> Fault {
    Fault::Restart { process: process.into() }
}

pub(crate) fn between(a: &str, b: &str) -> [String; 2] {
    [a.into(), b.into()]
}

pub(crate) fn partition(a: &str, b: &str, both: bool, lasting: Option<Duration>) -> Fault {
    Fault::Partition { between: between(a, b), both, lasting }
}

pub(crate) fn on(process: &str, point: Point, effect: impl Into<Option<&'static str>>, nth: u64) -> Trigger {
    Trigger { process: process.into(), point, effect: effect.into().map(str::to_owned), nth }
}

/// Runs to the end; whoever is left then waits for ever.
pub(crate) fn run(world: &World) {
    let stop = world.run(secs(100_000), 1_000_000);
    assert!(matches!(stop, simq_sim::Stop::Idle | simq_sim::Stop::Time), "{stop:?}");
    assert_eq!(world.leak(), None);
}

/// A sink that keeps each record as a line.
pub(crate) struct Lines(pub(crate) Log);

impl Sink for Lines {
    fn record(&mut self, record: &Record<'_>) {
        use simq_sim::What;
        let what = match record.what {
            What::Started { incarnation } => format!("started {incarnation}"),
            What::Exited { how, .. } => format!("exited {how}"),
            What::Connected { connection, peer } => format!("connected {connection} {peer}"),
            What::Refused { peer } => format!("refused {peer}"),
            What::Sent { connection, payload, .. } => format!("sent {connection} {payload}"),
            What::Arrived { connection, label, digest } => format!("arrived {connection} {label} {digest}"),
            What::Closed { connection, reset } => format!("closed {connection} {reset}"),
            What::Fault { fault, struck } => format!("fault {fault} {struck}"),
            What::Disk { path, .. } => format!("disk {path}"),
            What::Note { kind, text, .. } => format!("note {kind} {text}"),
        };
        self.0.add(format!("{} {} {what}", record.at, record.process));
    }
}
