//! The faults a plan can name, and what each does to the world.

mod words;

use crate::choices::Stream;
use crate::effect::Point;
use crate::life::{Exit, Host, HostId, State};
use crate::process::{ProcessId, Signal};
use crate::shared::Shared;
use crate::timer::nanos;
use std::rc::Rc;
use std::time::Duration;

/// Something that goes wrong.
///
/// Faults that are `lasting` may overlap: each takes back only its own part, so two partitions of the same hosts keep
/// them apart until both are over, and of two latencies the one that came last counts. Without `lasting` they hold for
/// good. `between` names hosts.
#[allow(missing_docs, reason = "each variant's line speaks of its fields")]
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// SIGKILL to a process and its children; the kernel closes their connections.
    Kill { process: String },
    /// The host of this process loses power: as a kill, but nobody is told that the connections are gone, not even when
    /// the host is back; and until then a connect to it hangs instead of being refused.
    Vanish { process: String },
    /// Starts the host's program again, with what its disk had synced.
    Restart { process: String },
    /// Wipes the host's disk; strikes only while the process is down.
    WipeDisk { process: String },
    /// SIGSTOP: not polled until resumed, nor are its children. Its connections stay, and fill. When it strikes before an
    /// effect, that message goes out after the pause, and so does all that the process sends in the same step.
    Pause { process: String, lasting: Option<Duration> },
    /// SIGCONT: ends every pause, however long it was to last.
    Resume { process: String },
    /// A signal, to the process alone or to its whole group, and SIGKILL after a grace period if it still lives.
    Signal { process: String, signal: Signal, group: bool, grace: Option<Duration> },
    /// SIGKILL to one child of a process: the n-th from 1, or a random one.
    KillChild { process: String, child: Option<usize> },
    /// The kernel's out-of-memory killer takes the process, or one child of it.
    OutOfMemory { process: String, child: bool },
    /// Resets every connection between two hosts.
    Reset { between: [String; 2] },
    /// Every connection between two hosts goes silent for good, in both directions; neither side is told.
    HalfOpen { between: [String; 2] },
    /// Nothing gets from the first host to the second; with `both`, nor back. Held until healed, as TCP would resend.
    Partition { between: [String; 2], both: bool, lasting: Option<Duration> },
    /// Lifts all partitions between two hosts, in both directions.
    Heal { between: [String; 2] },
    /// Messages between two hosts travel this long, plus up to `jitter`.
    Latency { between: [String; 2], base: Duration, jitter: Duration, lasting: Option<Duration> },
    /// The host takes at most one message per `pace` from each connection.
    SlowConsumer { process: String, pace: Duration, lasting: Option<Duration> },
    /// The host's wall clock jumps by this many nanoseconds, and stays so.
    StepClock { process: String, by_nanos: i64 },
    /// One fault, and if it struck, another one some time later. Neither can be one that acts on a message.
    Then { first: Box<Fault>, after: Duration, next: Box<Fault> },
    /// Only before or after an effect that sends: the peer gets the message and acts on it, but its reply is lost with
    /// the connection.
    LoseReply,
    /// Only before an effect that sends: the peer gets the message twice.
    Duplicate,
}

impl Shared {
    /// Carries out a fault. False when there was nothing to strike.
    pub(crate) fn strike(self: &Rc<Self>, fault: &Fault) -> bool {
        let living = |name: &str| self.processes.borrow().named(name);
        match fault {
            Fault::Kill { process } => living(process).is_some_and(|id| self.end(id, Exit::Killed, false)),
            Fault::Vanish { process } => living(process).is_some_and(|id| self.lose_power(id)),
            Fault::Restart { process } => self.start(process),
            Fault::WipeDisk { process } => self.wipe_disk(process),
            Fault::Pause { process, lasting } => {
                let Some(id) = living(process) else { return false };
                let pause = self.lasting(*lasting, move |world, pause| {
                    world.resume(id, Some(pause));
                });
                self.pause(id, pause);
                true
            }
            Fault::Resume { process } => living(process).is_some_and(|id| self.resume(id, None)),
            Fault::Signal { process, signal, group, grace } => {
                let Some(id) = living(process) else { return false };
                self.kill_after_grace(id, *grace);
                if *group {
                    let children = self.processes.borrow().children(id).to_vec();
                    for child in children {
                        self.signal(child, *signal);
                    }
                }
                self.signal(id, *signal)
            }
            Fault::KillChild { process, child } => {
                self.pick_child(process, *child).is_some_and(|id| self.end(id, Exit::Killed, false))
            }
            Fault::OutOfMemory { process, child } => {
                let victim = if *child { self.pick_child(process, None) } else { living(process) };
                victim.is_some_and(|id| self.end(id, Exit::OutOfMemory, false))
            }
            Fault::Reset { between } => self.with_hosts(between, |a, b| self.reset_between(a, b)),
            Fault::HalfOpen { between } => self.with_hosts(between, |a, b| self.silence_between(a, b)),
            Fault::Partition { between, both, lasting } => {
                self.with_hosts(between, |a, b| self.partition(a, b, *both, *lasting))
            }
            Fault::Heal { between } => self.with_hosts(between, |a, b| {
                let there = self.unblock(a, b, None);
                self.unblock(b, a, None) || there
            }),
            Fault::Latency { between, base, jitter, lasting } => {
                self.with_hosts(between, |a, b| self.slow_link(a, b, (nanos(*base), nanos(*jitter)), *lasting))
            }
            Fault::SlowConsumer { process, pace, lasting } => self.slow_host(process, nanos(*pace), *lasting),
            Fault::StepClock { process, by_nanos } => {
                self.with_host(process, |host| host.wall_offset = host.wall_offset.saturating_add(*by_nanos))
            }
            Fault::Then { first, after, next } => {
                let struck = self.strike(first);
                if struck {
                    self.strike_later(*after, (**next).clone());
                }
                struck
            }
            // These two act on the message whose effect set them off; see `Shared::send`.
            Fault::LoseReply | Fault::Duplicate => false,
        }
    }

    fn with_host(&self, name: &str, change: impl FnOnce(&mut Host)) -> bool {
        let mut processes = self.processes.borrow_mut();
        let Some(host) = processes.host_named(name) else { return false };
        change(&mut processes.hosts[host as usize]);
        true
    }

    fn with_hosts(&self, [a, b]: &[String; 2], strike: impl FnOnce(HostId, HostId) -> bool) -> bool {
        let hosts = {
            let processes = self.processes.borrow();
            processes.host_named(a).zip(processes.host_named(b))
        };
        hosts.is_some_and(|(a, b)| strike(a, b))
    }

    fn wipe_disk(&self, name: &str) -> bool {
        let down = self.processes.borrow().named(name).is_none();
        let mut wiped = None;
        // The old disk is dropped when nothing is borrowed: what was kept there has destructors.
        down && self.with_host(name, |host| wiped = Some(std::mem::take(&mut host.disk)))
    }

    fn pick_child(&self, parent: &str, nth: Option<usize>) -> Option<ProcessId> {
        let processes = self.processes.borrow();
        let children = processes.children(processes.named(parent)?);
        match nth {
            Some(nth) => children.get(nth.checked_sub(1)?).copied(),
            None => {
                let at = self.choices.borrow_mut().stream(Stream::Faults).below(children.len() as u64);
                children.get(at as usize).copied()
            }
        }
    }

    fn lose_power(self: &Rc<Self>, id: ProcessId) -> bool {
        let host = {
            let processes = self.processes.borrow();
            processes.hosts[processes.life(id).host as usize].current
        };
        host.is_some_and(|id| self.end(id, Exit::Killed, true))
    }

    fn strike_later(self: &Rc<Self>, after: Duration, fault: Fault) {
        let strike = move |world: &Rc<Shared>| {
            let struck = world.strike(&fault);
            world.follow_up(&fault, struck);
        };
        self.plan(self.now().saturating_add(nanos(after)), Box::new(strike));
    }

    /// A number for a condition, and its end when it is to last only so long.
    fn lasting(self: &Rc<Self>, lasting: Option<Duration>, lift: impl FnOnce(&Rc<Shared>, u64) + 'static) -> u64 {
        let condition = self.next_condition();
        if let Some(lasting) = lasting {
            let at = self.now().saturating_add(nanos(lasting));
            self.plan(at, Box::new(move |world| lift(world, condition)));
        }
        condition
    }

    fn partition(self: &Rc<Self>, a: HostId, b: HostId, both: bool, lasting: Option<Duration>) -> bool {
        if a == b {
            return false;
        }
        let partition = self.lasting(lasting, move |world, partition| {
            world.unblock(a, b, Some(partition));
            world.unblock(b, a, Some(partition));
        });
        self.block(a, b, partition);
        if both {
            self.block(b, a, partition);
        }
        true
    }

    fn slow_link(self: &Rc<Self>, a: HostId, b: HostId, latency: (u64, u64), lasting: Option<Duration>) -> bool {
        let condition = self.lasting(lasting, move |world, condition| {
            world.change_latency(a, b, |layers| {
                layers.lift(condition);
            });
        });
        self.change_latency(a, b, |layers| match lasting {
            Some(_) => layers.lay(condition, latency),
            None => layers.set(latency),
        });
        true
    }

    fn slow_host(self: &Rc<Self>, name: &str, pace: u64, lasting: Option<Duration>) -> bool {
        let Some(host) = self.processes.borrow().host_named(name) else { return false };
        let condition = self.lasting(lasting, move |world, condition| {
            world.change_pace(host, |layers| {
                layers.lift(condition);
            });
        });
        self.change_pace(host, |layers| match lasting {
            Some(_) => layers.lay(condition, pace),
            None => layers.set(pace),
        });
        true
    }

    fn kill_after_grace(self: &Rc<Self>, id: ProcessId, grace: Option<Duration>) {
        if let Some(grace) = grace {
            let kill = move |world: &Rc<Shared>| {
                world.end(id, Exit::Killed, false);
            };
            self.plan(self.now().saturating_add(nanos(grace)), Box::new(kill));
        }
    }

    /// Counts an effect that is about to happen. False when it must not: the process has ended.
    pub(crate) fn before_effect(self: &Rc<Self>, id: ProcessId, effect: &'static str) -> bool {
        let on_message = self.set_off(id, Point::Before, effect);
        self.missed(on_message);
        self.processes.borrow().alive(id)
    }

    /// Counts an effect that has happened.
    pub(crate) fn after_effect(self: &Rc<Self>, id: ProcessId, effect: &'static str) {
        let on_message = self.set_off(id, Point::After, effect);
        self.missed(on_message);
    }

    /// Sets off what waits for this effect; returns the faults that act on the message itself, for the caller to carry
    /// out and report.
    pub(crate) fn set_off(self: &Rc<Self>, id: ProcessId, point: Point, effect: &str) -> Vec<(usize, Fault)> {
        let name = {
            let processes = self.processes.borrow();
            let life = processes.life(id);
            if !life.watched || life.state == State::Dead {
                return Vec::new();
            }
            life.name.clone()
        };
        let due = self.effects.borrow_mut().happen(&name, point, effect);
        let mut on_message = Vec::new();
        for (plan, fault) in due {
            if matches!(fault, Fault::LoseReply | Fault::Duplicate) {
                on_message.push((plan, fault));
            } else {
                let struck = self.strike(&fault);
                self.struck(plan, &fault, struck);
            }
        }
        on_message
    }

    /// Reports faults that wanted a message to act on, and there was none.
    pub(crate) fn missed(&self, on_message: Vec<(usize, Fault)>) {
        on_message.iter().for_each(|(plan, fault)| self.struck(*plan, fault, false));
    }
}
