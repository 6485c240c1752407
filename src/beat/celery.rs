//! The actor of Celery's loop. Like Celery's it does one thing at a time: while a publish is under way, nothing else is
//! sent, be it ever so due.

use super::celery_loop::{CeleryLoop, Tick};
use super::entry::Entry;
use super::state::State;
use super::{Tools, longest_sleep};
use crate::env::Alarm;
use crate::events::{Event, What};
use crate::producer::Send;
use crate::schedule::Zone;
use crate::settings::duration;
use actix::{Actor, ActorFutureExt, AsyncContext, Context, Handler, Message, WrapFuture};
use std::time::Duration;

#[derive(Message)]
#[rtype(result = "()")]
struct Published {
    entry: usize,
    next: Duration,
    error: Option<String>,
}

pub(super) struct CeleryBeat {
    tools: Tools,
    turns: CeleryLoop,
    state: State,
    publishing: bool,
    alarm: Alarm,
}

impl CeleryBeat {
    pub(super) fn start(tools: Tools, entries: Vec<Entry>, zone: Zone) {
        let (env, settings) = (tools.env.clone(), tools.settings.clone());
        let state = State::new(&env, &settings, tools.state_file.clone());
        let deadline = settings.beat_cron_starting_deadline.map(duration);
        let longest = longest_sleep(&settings);
        let turns = CeleryLoop::new(entries, &state.load(), &zone, deadline, longest, env.wall());
        env.start(|_| CeleryBeat { tools, turns, state, publishing: false, alarm: Alarm::default() });
    }

    fn turn(&mut self, ctx: &mut Context<Self>) {
        if self.publishing {
            return;
        }
        let wall = self.tools.env.wall();
        match self.turns.tick(wall) {
            Tick::Send { entry, next } => self.publish(entry, next, ctx),
            Tick::Sleep(sleep) => {
                self.state.sync(0, false, self.turns.progress());
                self.alarm.set(Some(self.tools.env.now() + sleep), &self.tools.env, ctx, |this: &mut Self, ctx| {
                    this.alarm.rang();
                    this.turn(ctx);
                });
            }
        }
    }

    fn publish(&mut self, entry: usize, next: Duration, ctx: &mut Context<Self>) {
        self.publishing = true;
        let scheduled = self.turns.entry(entry);
        let at = self.tools.env.wall();
        self.tools.env.emit(&Event { id: &scheduled.name, what: What::Due { at } });
        let me = ctx.address();
        self.tools.producer.do_send(Send {
            call: Box::new(scheduled.call(None)),
            reply: Box::new(move |result| {
                me.do_send(Published { entry, next, error: result.err().map(|error| error.to_string()) });
            }),
        });
    }
}

impl Actor for CeleryBeat {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let signal = self.tools.env.next_signal();
        ctx.spawn(signal.into_actor(self).map(|_, this, _| {
            this.state.sync(0, true, this.turns.progress());
            this.tools.env.exit(0);
        }));
        self.state.sync(0, true, self.turns.progress());
        self.turn(ctx);
    }
}

impl Handler<Published> for CeleryBeat {
    type Result = ();

    fn handle(&mut self, published: Published, ctx: &mut Self::Context) {
        let Published { entry, next, error } = published;
        self.publishing = false;
        let name = &self.turns.entry(entry).name;
        let wall = self.tools.env.wall();
        match error {
            Some(error) => tracing::error!(entry = name, error, "a scheduled run was not published, and is skipped"),
            None => {
                let what = What::Ticked { at: wall, late: Duration::ZERO };
                self.tools.env.emit(&Event { id: name, what });
            }
        }
        self.turns.sent(entry, next, wall);
        self.state.sync(1, false, self.turns.progress());
        self.turn(ctx);
    }
}
