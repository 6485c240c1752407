//! What other actors ask of the producer actor.

use super::{Kind, Producer};
use crate::app::{CallOptions, Error, Parent};
use crate::broker::amqp::Name;
use crate::broker::{PublishError, Target};
use crate::control;
use crate::events::{Event, What};
use crate::message::{Message, TaskMessage};
use crate::routing::Route;
use actix::{Context, Handler};
use serde_json::value::RawValue;
use std::sync::Arc;
use std::time::Duration;

/// A call to be made a message of.
pub(crate) struct Call {
    pub(crate) task: Arc<str>,
    pub(crate) args: Box<RawValue>,
    pub(crate) kwargs: Box<RawValue>,
    pub(crate) options: CallOptions,
    /// Where its task's calls go if neither this one nor a router says so.
    pub(crate) own: Route,
    /// The task that makes the call.
    pub(crate) parent: Option<Parent>,
}

/// Sends a call; answers with its id.
#[derive(actix::Message)]
#[rtype(result = "()")]
pub(crate) struct Send {
    /// In a box: it is large, and passed on several times.
    pub(crate) call: Box<Call>,
    pub(crate) reply: Box<dyn FnOnce(Result<Arc<str>, Error>) + std::marker::Send>,
}

/// Sends a message that is already built: a retry.
#[derive(actix::Message)]
#[rtype(result = "()")]
pub(crate) struct Resend {
    pub(crate) task: TaskMessage,
    /// Where its delivery came from.
    pub(crate) queue: Name,
    pub(crate) to: Target,
    pub(crate) reply: Box<dyn FnOnce(Result<(), PublishError>) + std::marker::Send>,
}

/// Sends a message as it is: a dead letter, a request of remote control.
#[derive(actix::Message)]
#[rtype(result = "()")]
pub(crate) struct Forward {
    pub(crate) message: Arc<Message>,
    pub(crate) to: Target,
    pub(crate) reply: Box<dyn FnOnce(Result<(), PublishError>) + std::marker::Send>,
}

/// Asks all workers not to run these tasks.
#[derive(actix::Message)]
#[rtype(result = "()")]
pub(crate) struct Revoke {
    pub(crate) ids: Vec<Arc<str>>,
    pub(crate) terminate: bool,
    pub(crate) reply: Box<dyn FnOnce(Result<(), PublishError>) + std::marker::Send>,
}

impl Handler<Send> for Producer {
    type Result = ();

    fn handle(&mut self, send: Send, ctx: &mut Context<Self>) {
        let kind = Kind::Call { retry: send.call.options.retry, policy: send.call.options.retry_policy };
        let (task, way) = match self.build(send.call) {
            Ok(built) => built,
            Err(error) => return (send.reply)(Err(error.into())),
        };
        let delay = task.eta.map_or(Duration::ZERO, |eta| eta.saturating_since(self.env.wall()));
        let (id, reply) = (task.id.clone(), send.reply);
        let message = match task.encode(self.env.wall()) {
            Ok(message) => Arc::new(message),
            Err(error) => return reply(Err(Error::Arguments(error.to_string()))),
        };
        self.report_call(&task, &way.name, delay, way.to.broadcast);
        let told = Box::new(move |result: Result<(), PublishError>| reply(result.map(|()| id).map_err(Error::from)));
        self.publish(self.routing.delays.to(way.to, delay), message, kind, told, ctx);
    }
}

impl Handler<Resend> for Producer {
    type Result = ();

    fn handle(&mut self, resend: Resend, ctx: &mut Context<Self>) {
        let now = self.env.wall();
        let delay = resend.task.eta.map_or(Duration::ZERO, |eta| eta.saturating_since(now));
        let message = match resend.task.encode(now) {
            Ok(message) => Arc::new(message),
            Err(error) => return (resend.reply)(Err(error.into())),
        };
        self.report_call(&resend.task, &resend.queue, delay, resend.to.broadcast);
        self.publish(self.routing.delays.to(resend.to, delay), message, Kind::Retry, resend.reply, ctx);
    }
}

impl Handler<Forward> for Producer {
    type Result = ();

    fn handle(&mut self, forward: Forward, ctx: &mut Context<Self>) {
        self.publish(forward.to, forward.message, Kind::Forwarded, forward.reply, ctx);
    }
}

impl Handler<Revoke> for Producer {
    type Result = ();

    fn handle(&mut self, revoke: Revoke, ctx: &mut Context<Self>) {
        revoke.ids.iter().for_each(|id| self.env.emit(&Event { id, what: What::Revoking }));
        let ids: Vec<&str> = revoke.ids.iter().map(|id| &**id).collect();
        let message = Arc::new(control::Request::revoke(&ids, revoke.terminate).encode());
        let to = Target::broadcast(&control::exchange(&self.settings.control_exchange), false);
        self.publish(to, message, Kind::Forwarded, revoke.reply, ctx);
    }
}
