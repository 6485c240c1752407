//! The producer actor: builds messages, publishes them with a bounded retry policy, and never blocks a caller for ever.
//!
//! In profile `celery` there is no bound on connecting, and callers of a broker that is down wait: that is Celery's
//! default, and `task_publish_timeout` is the cure.

mod build;
mod policy;
mod requests;
mod routing;

use crate::app::{PublishRetry, Routers};
use crate::backend::rpc::Replies;
use crate::broker::delayed::Delays;
use crate::broker::{Broker, Publish, PublishError, Target};
use crate::collections::Map;
use crate::env::{Alarm, Env, Instant};
use crate::events::{Event, What};
use crate::message::{Message, TaskMessage};
use crate::planted::{Fault as Planted, planted};
use crate::settings::Settings;
use actix::{Actor, Addr, AsyncContext, Context, Handler};
use policy::PublishPolicy;
pub(crate) use requests::{Call, Forward, Resend, Revoke, Send};
use routing::Routing;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// Publishes under way in one process; one more is refused.
const MAX_UNDER_WAY: usize = 100_000;

#[derive(actix::Message)]
#[rtype(result = "()")]
struct Tried {
    number: u64,
    attempt: u32,
    result: Result<(), PublishError>,
}

struct UnderWay {
    to: Target,
    message: Arc<Message>,
    /// Tries so far; an answer to an earlier one is stale.
    attempt: u32,
    give_up_at: Instant,
    /// What is due next: the next try, or the end of patience with this one.
    due: Instant,
    waiting_to_retry: bool,
    last_error: PublishError,
    policy: PublishPolicy,
    /// Somebody's call, and not a message that simq moves by itself.
    is_call: bool,
    reply: Box<dyn FnOnce(Result<(), PublishError>) + std::marker::Send>,
}

/// What is published, and how hard it is to be tried.
enum Kind {
    Call {
        retry: Option<bool>,
        policy: Option<PublishRetry>,
    },
    Retry,
    /// Nobody's call: a message that simq moves by itself.
    Forwarded,
}

impl Kind {
    fn policy(&self, usual: &PublishPolicy) -> PublishPolicy {
        match self {
            Kind::Call { retry, policy } => usual.for_call(*retry, *policy),
            Kind::Retry | Kind::Forwarded => *usual,
        }
    }
}

/// A process's way to publish.
pub struct Producer {
    env: Env,
    settings: Arc<Settings>,
    policy: PublishPolicy,
    broker: Addr<Broker>,
    routing: Routing,
    origin: Arc<str>,
    /// The queue of this process's results.
    reply_to: Option<Arc<str>>,
    under_way: Map<u64, Box<UnderWay>>,
    due: BTreeSet<(Instant, u64)>,
    next: u64,
    alarm: Alarm,
}

impl Producer {
    /// Starts the actor.
    pub(crate) fn start(
        env: &Env,
        settings: Arc<Settings>,
        routers: Arc<Routers>,
        broker: Addr<Broker>,
        replies: Option<Replies>,
        delays: Delays,
    ) -> Addr<Producer> {
        env.start(|_| Producer {
            env: env.clone(),
            policy: PublishPolicy::new(&settings),
            broker,
            routing: Routing::new(settings.clone(), routers, replies.as_ref(), delays),
            origin: format!("gen@{}", env.name()).into(),
            settings,
            reply_to: replies.map(|replies| replies.queue),
            under_way: Map::default(),
            due: BTreeSet::new(),
            next: 0,
            alarm: Alarm::default(),
        })
    }

    fn publish(
        &mut self,
        to: Target,
        message: Arc<Message>,
        kind: Kind,
        reply: Box<dyn FnOnce(Result<(), PublishError>) + std::marker::Send>,
        ctx: &mut Context<Self>,
    ) {
        if self.under_way.len() >= MAX_UNDER_WAY {
            return reply(Err(PublishError::Overloaded(MAX_UNDER_WAY)));
        }
        self.next += 1;
        let number = self.next;
        let give_up_at = self.policy.timeout.map_or(Instant::NEVER, |timeout| self.env.now() + timeout);
        let under_way = UnderWay {
            to,
            message,
            attempt: 0,
            give_up_at,
            due: Instant::NEVER,
            waiting_to_retry: false,
            last_error: PublishError::NotConfirmed,
            policy: kind.policy(&self.policy),
            is_call: !matches!(kind, Kind::Forwarded),
            reply,
        };
        self.under_way.insert(number, Box::new(under_way));
        self.try_now(number, ctx);
    }

    fn try_now(&mut self, number: u64, ctx: &mut Context<Self>) {
        let now = self.env.now();
        let Some(publish) = self.under_way.get_mut(&number) else { return };
        publish.attempt += 1;
        publish.waiting_to_retry = false;
        let (attempt, me) = (publish.attempt, ctx.address());
        if planted(Planted::RetriedPublishForgetsId) && attempt > 1 {
            let id = self.env.uuid();
            let message = Arc::make_mut(&mut publish.message);
            message.headers.set("id", &*id);
            message.properties.correlation_id = Some(id);
        }
        self.broker.do_send(Publish {
            to: publish.to.clone(),
            message: publish.message.clone(),
            reply: Box::new(move |result| me.do_send(Tried { number, attempt, result })),
        });
        let patience = self.policy.patience.map_or(Instant::NEVER, |patience| now + patience);
        let due = patience.min(publish.give_up_at);
        self.set_due(number, due, ctx);
    }

    fn set_due(&mut self, number: u64, due: Instant, ctx: &mut Context<Self>) {
        if let Some(publish) = self.under_way.get_mut(&number) {
            let before = std::mem::replace(&mut publish.due, due);
            if before != Instant::NEVER {
                self.due.remove(&(before, number));
            }
            if due != Instant::NEVER {
                self.due.insert((due, number));
            }
        }
        self.set_alarm(ctx);
    }

    fn set_alarm(&mut self, ctx: &mut Context<Self>) {
        let next = self.due.first().map(|(at, _)| *at);
        self.alarm.set(next, &self.env, ctx, |this: &mut Self, ctx| this.ring(ctx));
    }

    fn ring(&mut self, ctx: &mut Context<Self>) {
        self.alarm.rang();
        let now = self.env.now();
        while let Some((_, number)) = self.due.first().copied().filter(|(at, _)| *at <= now) {
            let Some(publish) = self.under_way.get(&number) else {
                self.due.pop_first();
                continue;
            };
            if publish.give_up_at <= now {
                let error = publish.last_error.clone();
                self.finish(number, Err(error), ctx);
            } else if publish.waiting_to_retry {
                self.try_now(number, ctx);
            } else {
                self.failed(number, PublishError::NotConfirmed, ctx);
            }
        }
        self.set_alarm(ctx);
    }

    fn failed(&mut self, number: u64, error: PublishError, ctx: &mut Context<Self>) {
        let Some(publish) = self.under_way.get_mut(&number) else { return };
        publish.last_error = error.clone();
        match publish.policy.wait_after(publish.attempt).filter(|_| error.is_connection_lost()) {
            Some(wait) => {
                publish.waiting_to_retry = true;
                let due = (self.env.now() + wait).min(publish.give_up_at);
                self.set_due(number, due, ctx);
            }
            None if planted(Planted::PublishErrorSwallowed) => self.finish(number, Ok(()), ctx),
            None => self.finish(number, Err(error), ctx),
        }
    }

    fn finish(&mut self, number: u64, result: Result<(), PublishError>, ctx: &mut Context<Self>) {
        self.set_due(number, Instant::NEVER, ctx);
        let Some(publish) = self.under_way.swap_remove(&number) else { return };
        if let (true, Some(id)) = (publish.is_call, &publish.message.properties.correlation_id) {
            match &result {
                Ok(()) => self.env.emit(&Event { id, what: What::Called }),
                Err(error) => self.env.emit(&Event { id, what: What::CallFailed { why: &error.to_string() } }),
            }
        }
        (publish.reply)(result);
    }

    fn report_call(&self, task: &TaskMessage, queue: &str, delay: Duration, broadcast: bool) {
        let what = What::Calling {
            task: &task.task,
            queue,
            retries: task.retries,
            delay_nanos: u64::try_from(delay.as_nanos()).unwrap_or(u64::MAX),
            broadcast,
        };
        self.env.emit(&Event { id: &task.id, what });
    }
}

impl Actor for Producer {
    type Context = Context<Self>;
}

impl Handler<Tried> for Producer {
    type Result = ();

    fn handle(&mut self, tried: Tried, ctx: &mut Self::Context) {
        let current = self.under_way.get(&tried.number).is_some_and(|publish| publish.attempt == tried.attempt);
        match tried.result {
            // A confirm is good news whichever try it answers.
            Ok(()) => self.finish(tried.number, Ok(()), ctx),
            Err(error) if current => self.failed(tried.number, error, ctx),
            Err(_) => {}
        }
    }
}
