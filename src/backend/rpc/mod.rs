//! `rpc://`: results are messages of the broker, and go to the process that made the call.
//!
//! Mirrors Celery's rpc backend. Each process that calls has a queue (`reply_to` of its messages), declared before its first
//! call; workers send there whatever they would store, under the task's id (`correlation_id`). It is consumed from the
//! first time that somebody wants to know of a result, over a connection of its own. What has come is kept here for
//! `result_expires`, at most `embedded_max_result_bytes` of it.
//!
//! Nobody else hears of a result: another process that knows the id waits in vain, and a worker can't ask whether a task has
//! succeeded before.

mod replies;

pub(crate) use replies::Replies;

use super::form::Form;
use super::frame::{Request, Response};
use super::store::{Keep, Store};
use crate::broker::amqp::Delivery;
use crate::broker::{Broker, Consume, FromBroker, PublishError, Settle, Settlement};
use crate::env::{Endpoint, Env, Link};
use crate::events::{Event, State, What};
use crate::producer::{Forward, Producer};
use crate::settings::{Settings, duration};
use actix::{Actor, Addr, AsyncContext, Context, Handler, Message};
use std::collections::VecDeque;
use std::sync::Arc;

/// Whom results are told in this process: the backend actor.
const HERE: u64 = 0;

/// What it takes to send and to hear of results.
#[derive(Clone)]
pub(crate) struct Way {
    pub(crate) replies: Replies,
    /// Where results come from.
    pub(crate) broker: Endpoint,
    /// Through whom they are sent, with his patience.
    pub(crate) producer: Addr<Producer>,
}

/// Serves the link that is returned.
pub(super) fn serve(env: &Env, settings: &Arc<Settings>, way: Way) -> Link<Request, Response> {
    let (ours, theirs) = crate::env::pair();
    let mut store = Store::default();
    store.bound(settings.embedded_max_result_bytes);
    let link = Link::new(theirs);
    env.start(|ctx: &mut Context<Rpc>| {
        link.read_into(0, ctx, Rpc::asked);
        Rpc {
            env: env.clone(),
            form: Form::of_messages(settings),
            settings: settings.clone(),
            way,
            link,
            store,
            listener: None,
            sending: VecDeque::new(),
            sent: 0,
        }
    });
    Link::new(ours)
}

struct Rpc {
    env: Env,
    settings: Arc<Settings>,
    form: Form,
    way: Way,
    /// The backend actor's.
    link: Link<Response, Request>,
    store: Store,
    /// The connection that results come over.
    listener: Option<Addr<Broker>>,
    /// Writes that are not answered, oldest first, each with its answer as soon as it is known.
    sending: VecDeque<Option<Response>>,
    /// How many have been answered.
    sent: u64,
}

/// What became of a message with a result.
#[derive(Message)]
#[rtype(result = "()")]
struct Sent {
    number: u64,
    result: Result<(), PublishError>,
}

impl Rpc {
    fn asked(&mut self, _: u64, request: Option<Request>, ctx: &mut Context<Self>) {
        match request {
            Some(Request::Put { id, state, meta, reply_to, .. }) => self.send(&id, state, meta, reply_to, ctx),
            Some(Request::Forget { id }) => {
                self.store.forget(&id);
                self.env.emit(&Event { id: &id, what: What::Forgotten });
                self.sending.push_back(Some(Response::Stored));
                self.answer();
            }
            Some(Request::Watch { id, every }) => {
                self.listen(ctx);
                let current = self.store.get(&id);
                if !current.as_ref().is_some_and(|(state, _)| state.is_ready()) {
                    self.store.watch(&id, HERE, every, self.env.now());
                }
                self.link.send(Response::Current { id, meta: current });
            }
            Some(Request::Unwatch { id }) => self.store.unwatch(&id, HERE),
            Some(Request::Ping) => self.link.send(Response::Alive),
            // Leases are asked for elsewhere.
            Some(Request::Lease(_)) | None => {}
        }
    }

    fn send(&mut self, id: &Arc<str>, state: State, meta: Arc<[u8]>, to: Option<Arc<str>>, ctx: &mut Context<Self>) {
        let persistent = self.settings.result_persistent.unwrap_or(false);
        // A call that names no queue wants no result.
        let message = to.and_then(|to| Some((to, replies::message(&self.form, id, state, meta, persistent)?)));
        let Some((to, message)) = message else {
            self.sending.push_back(Some(Response::Stored));
            return self.answer();
        };
        let (number, me) = (self.sent + self.sending.len() as u64, ctx.address());
        self.sending.push_back(None);
        self.way.producer.do_send(Forward {
            message: Arc::new(message),
            to: replies::target(to),
            reply: Box::new(move |result| me.do_send(Sent { number, result })),
        });
    }

    /// Answers what can be answered in order.
    fn answer(&mut self) {
        while let Some(Some(_)) = self.sending.front()
            && let Some(Some(answer)) = self.sending.pop_front()
        {
            self.sent += 1;
            self.link.send(answer);
        }
    }

    fn listen(&mut self, ctx: &mut Context<Self>) {
        if self.listener.is_none() {
            let broker = Broker::start(&self.env, self.settings.clone(), self.way.broker.clone());
            let to = ctx.address().recipient();
            broker.do_send(Consume { sources: vec![self.way.replies.source()], prefetch: 0, to });
            self.listener = Some(broker);
        }
    }

    fn heard(&mut self, delivery: &Delivery) {
        let Some((id, (state, meta))) = replies::told(&self.form, delivery) else {
            return tracing::warn!("a result that does not say of which task");
        };
        let lifetime = (self.settings.result_expires > 0.0).then(|| duration(self.settings.result_expires));
        let keep = Keep { lifetime, precedence: self.settings.result_precedence };
        let (kept, told) = self.store.put(&id, state, meta, keep, self.env.now());
        let what = if kept { What::Stored { state } } else { What::StoreIgnored { state } };
        self.env.emit(&Event { id: &id, what });
        if !told.is_empty() {
            self.link.send(Response::Current { meta: self.store.get(&id), id });
        }
        for id in self.store.make_room() {
            self.env.emit(&Event { id: &id, what: What::Forgotten });
        }
    }
}

impl Actor for Rpc {
    type Context = Context<Self>;
}

impl Handler<FromBroker> for Rpc {
    type Result = ();

    fn handle(&mut self, news: FromBroker, _: &mut Context<Self>) {
        match news {
            FromBroker::Delivered(epoch, delivery) => {
                self.heard(&delivery);
                if let Some(listener) = self.listener.as_ref().filter(|_| self.way.replies.acks) {
                    listener.do_send(Settle { epoch, tag: delivery.tag, how: Settlement::Ack });
                }
            }
            // The broker actor connects again by itself.
            FromBroker::Down(_) => {}
            FromBroker::ChannelError => {
                tracing::error!("results are not heard of any more: the broker closed the channel")
            }
            FromBroker::GaveUp => tracing::error!("results are not heard of any more: no connection to the broker"),
        }
    }
}

impl Handler<Sent> for Rpc {
    type Result = ();

    fn handle(&mut self, Sent { number, result }: Sent, _: &mut Context<Self>) {
        let answer = match result {
            Ok(()) => Response::Stored,
            Err(error) => Response::NotStored(error.to_string().into()),
        };
        let place = number.checked_sub(self.sent).and_then(|place| usize::try_from(place).ok());
        if let Some(waiting) = place.and_then(|place| self.sending.get_mut(place)) {
            *waiting = Some(answer);
        }
        self.answer();
    }
}
