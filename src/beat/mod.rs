//! The beat actor: publishes entries when they are due.
//!
//! What ran last is in a state file, so that a restart keeps the phase. In profile `celery` an entry counts as run
//! before it is published, and a failed publish skips the run; in profile `safe` it counts when the broker has it, and
//! is published again until then.

mod state;

use crate::app::CallOptions;
use crate::env::{Alarm, Env};
use crate::events::{Event, What};
use crate::message::Timestamp;
use crate::producer::{Call, Producer, Send};
use crate::schedule::{Schedule, Zone};
use crate::settings::{Settings, duration};
use actix::{Actor, Addr, AsyncContext, Context, Handler, Message};
use serde_json::value::RawValue;
use state::State;
use std::sync::Arc;
use std::time::Duration;

/// Longest sleep where the settings name none.
const MAX_SLEEP: Duration = Duration::from_secs(300);
/// Wait before a failed publish is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// Something to be run again and again.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its name, unique among the entries.
    pub name: String,
    /// The task's name.
    pub task: Arc<str>,
    /// Its arguments, a JSON array.
    pub args: Box<RawValue>,
    /// Its keyword arguments, a JSON object.
    pub kwargs: Box<RawValue>,
    /// When.
    pub schedule: Schedule,
    /// How it is called.
    pub options: CallOptions,
}

#[derive(Message)]
#[rtype(result = "()")]
struct Published {
    entry: usize,
    due: Timestamp,
    ok: bool,
}

struct Scheduled {
    entry: Entry,
    last: Timestamp,
    /// Being published.
    busy: bool,
    /// After a failed publish: not before.
    not_before: Timestamp,
}

/// A scheduler.
pub struct Beat {
    env: Env,
    settings: Arc<Settings>,
    producer: Addr<Producer>,
    entries: Vec<Scheduled>,
    state: State,
    alarm: Alarm,
}

impl Beat {
    /// Starts the actor. Entries that ran before keep their phase; new ones run first after one period.
    pub fn start(env: &Env, settings: Arc<Settings>, producer: Addr<Producer>, entries: Vec<Entry>) -> Addr<Beat> {
        let now = env.wall();
        let state = State::load(env, &settings);
        let entries = entries
            .into_iter()
            .map(|entry| {
                let last = state.last(&entry.name).unwrap_or(now);
                Scheduled { entry, last, busy: false, not_before: Timestamp::MIN }
            })
            .collect();
        env.start(|_| Beat { env: env.clone(), settings, producer, entries, state, alarm: Alarm::default() })
    }

    fn tick(&mut self, ctx: &mut Context<Self>) {
        let now = self.env.wall();
        for at in 0..self.entries.len() {
            let scheduled = &mut self.entries[at];
            let due = scheduled.entry.schedule.due_after(scheduled.last, &Zone::utc()).unwrap_or(Timestamp::MAX);
            if scheduled.busy || due > now || scheduled.not_before > now {
                continue;
            }
            if !self.settings.beat_retry_failed {
                scheduled.last = now;
            }
            scheduled.busy = true;
            let name = scheduled.entry.name.clone();
            self.env.emit(&Event { id: &name, what: What::Due { at: due.as_micros() as u64 } });
            self.publish(at, due, ctx);
        }
        self.sleep(ctx);
    }

    fn publish(&self, entry: usize, due: Timestamp, ctx: &mut Context<Self>) {
        let scheduled = &self.entries[entry].entry;
        let call = Call {
            task: scheduled.task.clone(),
            args: scheduled.args.clone(),
            kwargs: scheduled.kwargs.clone(),
            options: scheduled.options.clone(),
            parent: None,
        };
        let me = ctx.address();
        self.producer.do_send(Send {
            call,
            reply: Box::new(move |result| me.do_send(Published { entry, due, ok: result.is_ok() })),
        });
    }

    /// Sleeps until something is due, but never so long that a step of the wall clock goes unnoticed for long.
    fn sleep(&mut self, ctx: &mut Context<Self>) {
        let now = self.env.wall();
        let idle = self.entries.iter().filter(|scheduled| !scheduled.busy);
        let next = idle
            .map(|scheduled| {
                scheduled
                    .entry
                    .schedule
                    .due_after(scheduled.last, &Zone::utc())
                    .unwrap_or(Timestamp::MAX)
                    .max(scheduled.not_before)
            })
            .min();
        let longest = match self.settings.beat_max_loop_interval {
            0.0 => MAX_SLEEP,
            seconds => duration(seconds),
        };
        let sleep = next.map_or(longest, |next| next.saturating_since(now)).clamp(Duration::from_millis(1), longest);
        let wake = self.env.now() + sleep;
        self.alarm.set(Some(wake), &self.env, ctx, |this: &mut Self, ctx| {
            this.alarm.rang();
            this.tick(ctx);
        });
    }
}

impl Actor for Beat {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.tick(ctx);
    }
}

impl Handler<Published> for Beat {
    type Result = ();

    fn handle(&mut self, published: Published, ctx: &mut Self::Context) {
        let now = self.env.wall();
        let scheduled = &mut self.entries[published.entry];
        scheduled.busy = false;
        let name = scheduled.entry.name.clone();
        if published.ok {
            if self.settings.beat_retry_failed {
                // Counted from the due time, so that publishing slowly does not shift the phase; a whole period late
                // or more, from now: missed periods are one run.
                let next = scheduled.entry.schedule.due_after(published.due, &Zone::utc()).unwrap_or(Timestamp::MAX);
                scheduled.last = if next <= now { now } else { published.due };
            }
            self.env.emit(&Event { id: &name, what: What::Ticked { at: published.due.as_micros() as u64 } });
        } else {
            tracing::error!(entry = name, "a scheduled run was not published");
            if self.settings.beat_retry_failed {
                scheduled.not_before = now.checked_add(RETRY).unwrap_or(Timestamp::MAX);
            }
        }
        let last = scheduled.last;
        self.state.ran(&self.env, &name, last);
        self.sleep(ctx);
    }
}
