//! What a worker hears, and to which part of it each piece of news goes.

use super::Worker;
use super::pool::{self, ChildEvent};
use super::request::RequestId;
use crate::backend::{Meta, NotStored};
use crate::broker::{Epoch, FromBroker, PublishError};
use crate::env::Signal;
use actix::{Context, Handler, Message};

/// When the backend was asked about a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// When its message came.
    First,
    /// When its ETA had come.
    AfterEta,
}

/// The backend says what it has of a task, if anything.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Answered {
    pub(super) id: RequestId,
    pub(super) asked: Asked,
    pub(super) meta: Option<Meta>,
}

#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct FromPool {
    pub(super) slot: usize,
    pub(super) generation: u64,
    pub(super) event: ChildEvent,
}

/// The state of a finished task is stored, or is not to be.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Stored(pub(super) RequestId, pub(super) Result<(), NotStored>);

/// The retry of a finished task is sent, or could not be.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Resent(pub(super) RequestId, pub(super) Result<(), PublishError>);

/// A message that is no task is among the dead letters, or could not be put there.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Buried {
    pub(super) epoch: Epoch,
    pub(super) tag: u64,
    pub(super) result: Result<(), PublishError>,
}

/// A signal came, or somebody asks for what it would bring about.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct ShutDown(pub(crate) Signal);

#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Exit(pub(super) i32);

impl Handler<FromBroker> for Worker {
    type Result = ();

    fn handle(&mut self, news: FromBroker, ctx: &mut Context<Self>) {
        match news {
            FromBroker::Delivered(epoch, delivery) => self.receive(epoch, delivery, ctx),
            FromBroker::Down(epoch) => self.connection_lost(epoch, ctx),
            FromBroker::ChannelError => {
                tracing::error!("the broker closed the channel; the worker exits when what it runs is done");
                let actions = self.shutdown.fail(self.running + self.finishing);
                self.act(actions, ctx);
            }
            FromBroker::GaveUp => {
                tracing::error!("no connection to the broker; the worker exits");
                self.env.exit(1);
            }
        }
    }
}

impl Handler<FromPool> for Worker {
    type Result = ();

    fn handle(&mut self, news: FromPool, ctx: &mut Context<Self>) {
        if !self.pool.is_current(news.slot, news.generation) {
            return;
        }
        match news.event {
            ChildEvent::Heard(pool::FromChild::Accepted { request }) => self.accepted(request, ctx),
            ChildEvent::Heard(pool::FromChild::Finished { request, outcome, children }) => {
                self.pool.release(news.slot);
                if let Some(request) = self.requests.get_mut(&request) {
                    request.children = children;
                }
                self.finished(request, outcome, ctx);
                self.dispatch();
            }
            ChildEvent::Exited(exit) => self.child_exited(news.slot, &exit, ctx),
        }
    }
}

impl Handler<Stored> for Worker {
    type Result = ();

    fn handle(&mut self, Stored(id, result): Stored, ctx: &mut Context<Self>) {
        if let Err(error) = result {
            tracing::error!(%error, "a result is lost");
        }
        self.settle(id, ctx);
    }
}

impl Handler<Answered> for Worker {
    type Result = ();

    fn handle(&mut self, answer: Answered, ctx: &mut Context<Self>) {
        self.answered(answer.id, answer.asked, answer.meta, ctx);
    }
}

impl Handler<Resent> for Worker {
    type Result = ();

    fn handle(&mut self, Resent(id, result): Resent, ctx: &mut Context<Self>) {
        self.resent(id, result, ctx);
    }
}

impl Handler<Buried> for Worker {
    type Result = ();

    fn handle(&mut self, buried: Buried, _: &mut Context<Self>) {
        self.buried(&buried);
    }
}

impl Handler<ShutDown> for Worker {
    type Result = ();

    fn handle(&mut self, ShutDown(signal): ShutDown, ctx: &mut Context<Self>) {
        let actions = self.shutdown.signal(signal, self.running + self.finishing);
        self.act(actions, ctx);
    }
}

impl Handler<Exit> for Worker {
    type Result = ();

    fn handle(&mut self, Exit(status): Exit, _: &mut Context<Self>) {
        self.env.exit(status);
    }
}
