//! The actor of profile `safe`: looks at clocks, records, publishes. What follows from what is decided in `plan` and
//! `leading`.

use super::entry::Entry;
use super::identity::task_id;
use super::leading::{Leading, Turn};
use super::plan::Plan;
use super::state::State;
use super::{Tools, longest_sleep};
use crate::backend::lease::{Answer, Ask, Change, LeaseClient, Records};
use crate::env::{Alarm, Instant};
use crate::events::{Event, What};
use crate::message::Timestamp;
use crate::producer::Send;
use crate::schedule::Zone;
use crate::settings::duration;
use actix::{Actor, ActorFutureExt, AsyncContext, Context, Handler, Message, WrapFuture};
use std::time::Duration;

/// Shortest sleep.
const SHORTEST: Duration = Duration::from_millis(1);
/// How long the lease's release may hold up an exit.
const FAREWELL: Duration = Duration::from_secs(1);

#[derive(Message)]
#[rtype(result = "()")]
struct Published {
    entry: usize,
    due: Timestamp,
    /// Which time of leading it belongs to.
    term: u64,
    error: Option<String>,
}

/// The lease, where several beats share one schedule.
struct Lease {
    leading: Leading,
    client: LeaseClient,
    /// A question is under way.
    asking: bool,
}

pub(super) struct SafeBeat {
    tools: Tools,
    plan: Plan,
    state: State,
    /// What the state file said at the start.
    known: Records,
    lease: Option<Lease>,
    works: bool,
    term: u64,
    alarm: Alarm,
}

impl SafeBeat {
    pub(super) fn start(tools: Tools, entries: Vec<Entry>, zone: Zone) {
        let (env, settings) = (tools.env.clone(), tools.settings.clone());
        let deadline = settings.beat_cron_starting_deadline.map(duration);
        let plan = Plan::new(entries, &zone, deadline, env.wall(), env.now());
        let state = State::new(&env, &settings, tools.state_file.clone());
        let known = state.load();
        let lease = settings.beat_lease.then(|| Lease {
            leading: Leading::new(
                format!("beat {}", tools.app).into(),
                format!("{} {}", env.name(), env.uuid()).into(),
                duration(settings.beat_lease_ttl),
            ),
            client: LeaseClient::new(&env, tools.backend.clone()),
            asking: false,
        });
        env.start(|_| SafeBeat { tools, plan, state, known, lease, works: false, term: 0, alarm: Alarm::default() });
    }

    fn turn(&mut self, ctx: &mut Context<Self>) {
        let (wall, now) = (self.tools.env.wall(), self.tools.env.now());
        if self.lease.as_mut().is_some_and(|lease| lease.leading.is_over(now)) {
            self.lose();
        }
        if self.works {
            self.plan.look(wall, now);
            self.record(now, ctx);
            for (entry, due) in self.plan.publishes() {
                self.publish(entry, due, ctx);
            }
        } else {
            self.plan.stand_by(wall, now);
        }
        self.ask_for_the_lease(now, ctx);
        self.sleep(ctx);
    }

    fn begin(&mut self, records: &Records) {
        self.term += 1;
        self.works = true;
        let known = std::mem::take(&mut self.known);
        let wall = self.tools.env.wall();
        // New entries count from the clock as it is: a step before now is none of theirs.
        self.plan.stand_by(wall, self.tools.env.now());
        self.plan.begin(&known, records, wall);
        self.state.sync(0, true, self.plan.progress());
    }

    fn lose(&mut self) {
        if std::mem::take(&mut self.works) {
            tracing::warn!("the lease is lost: beat stands by");
            self.term += 1;
            self.plan.stop();
        }
    }

    /// Without a lease the file is the record.
    fn record(&mut self, now: Instant, ctx: &mut Context<Self>) {
        let changes = self.plan.changes();
        if changes.is_empty() {
            return;
        }
        match &mut self.lease {
            None => {
                changes.into_iter().for_each(|(at, change)| self.plan.recorded(at, change.to));
                self.state.sync(1, false, self.plan.progress());
            }
            Some(lease) if lease.asking => {}
            Some(lease) => {
                let Some(fence) = lease.leading.fence(now) else { return };
                let (at, changes): (Vec<usize>, Vec<Change>) = changes.into_iter().unzip();
                let ask = Ask::Advance { lease: lease.leading.lease().clone(), fence, changes: changes.clone() };
                let asked = at.into_iter().zip(changes).collect();
                self.ask(ask, asked, ctx);
            }
        }
    }

    fn ask_for_the_lease(&mut self, now: Instant, ctx: &mut Context<Self>) {
        let Some(lease) = self.lease.as_mut().filter(|lease| !lease.asking) else { return };
        if let Some(ask) = lease.leading.ask(now) {
            self.ask(ask, Vec::new(), ctx);
        }
    }

    fn ask(&mut self, ask: Ask, changes: Vec<(usize, Change)>, ctx: &mut Context<Self>) {
        let Some(lease) = &mut self.lease else { return };
        lease.asking = true;
        let (client, patience, term) = (lease.client.clone(), lease.leading.patience(), self.term);
        let asking = async move { client.ask(ask, patience).await };
        ctx.spawn(asking.into_actor(self).map(move |answer, this, ctx| {
            let answer = answer.inspect_err(|error| tracing::warn!(%error, "the lease's store")).ok();
            this.answered(answer, changes, term);
            this.turn(ctx);
        }));
    }

    fn answered(&mut self, answer: Option<Answer>, changes: Vec<(usize, Change)>, term: u64) {
        let Some(lease) = &mut self.lease else { return };
        lease.asking = false;
        match lease.leading.answered(answer.as_ref(), self.tools.env.now()) {
            Turn::Leads(records) => self.begin(&records),
            Turn::Lost => self.lose(),
            Turn::Nothing => {}
        }
        let Some(Answer::Advanced(recorded)) = answer else { return };
        if term != self.term || !self.works {
            return;
        }
        if !recorded.iter().all(|recorded| *recorded) {
            // The record is not what this beat left there: read it anew.
            tracing::error!("the record of the schedule was changed by somebody else");
            if let Some(lease) = &mut self.lease {
                lease.leading.forget();
            }
            return self.lose();
        }
        let ran = changes.iter().filter(|(_, change)| change.to.taken.is_none()).count();
        changes.into_iter().for_each(|(at, change)| self.plan.recorded(at, change.to));
        self.state.sync(u32::try_from(ran).unwrap_or(u32::MAX), false, self.plan.progress());
    }

    fn publish(&self, entry: usize, due: Timestamp, ctx: &mut Context<Self>) {
        let planned = self.plan.entry(entry);
        self.tools.env.emit(&Event { id: &planned.name, what: What::Due { at: due } });
        let id = task_id(&self.tools.app, &planned.name, &planned.task, due);
        let (me, term) = (ctx.address(), self.term);
        self.tools.producer.do_send(Send {
            call: Box::new(planned.call(Some(id))),
            reply: Box::new(move |result| {
                me.do_send(Published { entry, due, term, error: result.err().map(|error| error.to_string()) });
            }),
        });
    }

    /// Sleeps until something is to be done, but never so long that a step of the wall clock goes unnoticed for long.
    fn sleep(&mut self, ctx: &mut Context<Self>) {
        let (wall, now) = (self.tools.env.wall(), self.tools.env.now());
        let longest = longest_sleep(&self.tools.settings);
        let rest = self.works.then(|| self.plan.rest(wall, now)).flatten();
        let asks = self.lease.as_ref().filter(|lease| !lease.asking).map(|lease| lease.leading.next().since(now));
        let sleep = rest.into_iter().chain(asks).min().map_or(longest, |sleep| sleep.clamp(SHORTEST, longest));
        self.alarm.set(Some(now + sleep), &self.tools.env, ctx, |this: &mut Self, ctx| {
            this.alarm.rang();
            this.turn(ctx);
        });
    }

    /// Leaves in good order: with its state written, and the lease free for the next one at once.
    fn shut_down(&mut self, ctx: &mut Context<Self>) {
        self.alarm = Alarm::default();
        if self.works {
            self.state.sync(0, true, self.plan.progress());
        }
        let env = self.tools.env.clone();
        let fence = self.lease.as_ref().and_then(|lease| lease.leading.fence(env.now()));
        let release = self.lease.as_ref().zip(fence).map(|(lease, fence)| {
            // The lease's link may be in use.
            let client = LeaseClient::new(&env, self.tools.backend.clone());
            (client, Ask::Release { lease: lease.leading.lease().clone(), fence })
        });
        self.works = false;
        self.lease = None;
        let leave = async move {
            if let Some((client, ask)) = release {
                // It ends by itself if the store doesn't hear.
                let _ = client.ask(ask, FAREWELL).await;
            }
            env.exit(0);
        };
        ctx.spawn(leave.into_actor(self));
    }
}

impl Actor for SafeBeat {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let signal = self.tools.env.next_signal();
        ctx.spawn(signal.into_actor(self).map(|_, this, ctx| this.shut_down(ctx)));
        if self.lease.is_none() {
            self.begin(&Records::new());
        }
        self.turn(ctx);
    }
}

impl Handler<Published> for SafeBeat {
    type Result = ();

    fn handle(&mut self, published: Published, ctx: &mut Self::Context) {
        let Published { entry, due, term, error } = published;
        let env = self.tools.env.clone();
        if term != self.term || !self.plan.published(entry, due, error.is_none(), env.now()) {
            return;
        }
        let name = &self.plan.entry(entry).name;
        match error {
            Some(error) => {
                tracing::error!(entry = name, %due, error, "a scheduled run was not published; it is tried again")
            }
            None => {
                let late = env.wall().saturating_since(due);
                env.emit(&Event { id: name, what: What::Ticked { at: due, late } });
            }
        }
        self.turn(ctx);
    }
}
