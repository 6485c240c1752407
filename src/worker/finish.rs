//! An execution ends: decide by the ack table, store the state, and only then settle the message.

use super::ack::Ending;
use super::controlled::revoked_failure;
use super::limits::Limits;
use super::pool::{Outcome, ToChild};
use super::request::{CutBy, Phase, Request, RequestId};
use super::retry::{Decision as RetryDecision, RetryRequest};
use super::states::{StateToStore, Told};
use super::{Resent, Stored, Worker};
use crate::app::Failure;
use crate::broker::{PublishError, Settle, Settlement, Target};
use crate::env::ChildExit;
use crate::events::{Event, State, What};
use crate::message::TaskMessage;
use crate::planted::{Fault as Planted, planted};
use crate::producer::Resend;
use actix::{AsyncContext, Context};
use std::time::Duration;

impl Worker {
    /// A body has ended by itself.
    pub(super) fn finished(&mut self, id: RequestId, outcome: Outcome, ctx: &mut Context<Self>) {
        if !self.stop_running(id) {
            return;
        }
        let retry = match &outcome {
            Outcome::Retry { request, cause } => Some((request.clone(), cause.clone())),
            Outcome::Failed(failure) => self.autoretry(id, failure).map(|request| (request, Some(failure.clone()))),
            _ => None,
        };
        if let Some((request, cause)) = retry {
            return self.retry(id, &request, cause, ctx);
        }
        let Some(request) = self.requests.get(&id) else { return };
        match outcome {
            Outcome::Returned(value) => {
                let state = self.state_of(request, State::Success, &Told::Value(value.get()));
                if let Some(request) = self.requests.get_mut(&id) {
                    request.returned = true;
                    if planted(Planted::DoneBeforeStored) {
                        self.succeeded.add(request.task.id.clone(), self.env.wall());
                    }
                }
                self.end(id, Ending::Returned, Some(state));
            }
            Outcome::Failed(failure) | Outcome::SoftLimit(failure) => {
                let state = self.failure_of(request, State::Failure, &failure);
                self.end(id, Ending::Raised, Some(state));
            }
            Outcome::Rejected { requeue, reason } => {
                let failure = rejection(reason, requeue);
                let state = self.failure_of(request, State::Failure, &failure);
                self.end(id, Ending::Rejected { requeue }, Some(state));
            }
            Outcome::Ignored | Outcome::Retry { .. } => {
                let ignored = self.state_of(request, State::Ignored, &Told::Value("null"));
                self.end(id, Ending::Ignored, Some(ignored).filter(|_| self.settings.result_store_ignored));
            }
        }
    }

    /// A child has ended, with or without a task in its hands.
    pub(super) fn child_exited(&mut self, slot: usize, exit: &ChildExit, ctx: &mut Context<Self>) {
        let holds = |request: &Request| matches!(request.phase, Phase::Running { slot: held, .. } if held == slot);
        let held = self.requests.iter().find(|(_, request)| holds(request)).map(|(id, _)| *id);
        let by_limit =
            held.and_then(|id| self.requests.get(&id)).is_some_and(|held| held.cut == Some(CutBy::HardLimit));
        if self.shutdown.is_running() && !(planted(Planted::ChildNotReplaced) && by_limit) {
            self.pool.replace(slot, &ctx.address());
        }
        if let Some(id) = held {
            self.child_lost(id, exit, ctx);
        }
        self.dispatch();
        self.exit_if_idle(ctx);
    }

    fn child_lost(&mut self, id: RequestId, exit: &ChildExit, ctx: &mut Context<Self>) {
        if !self.stop_running(id) {
            return;
        }
        let Some(request) = self.requests.get(&id) else { return };
        let (task, retries) = (&request.task, request.task.retries);
        let (ending, failure) = match request.cut {
            None => {
                tracing::error!(id = %task.id, how = exit.how, "a pool child was lost");
                self.env.emit(&Event { id: &task.id, what: What::ChildLost { retries } });
                let text = format!("Worker exited prematurely: {} Job: {id}.", exit.how);
                (Ending::ChildLost, Failure::new("WorkerLostError", text))
            }
            Some(CutBy::HardLimit) => {
                let limit = Limits::of(task, &request.definition.options, &self.settings).hard.unwrap_or_default();
                let message = vec![whole_or_not(limit.as_secs_f64())];
                (Ending::HardLimit, Failure { message, ..Failure::new("TimeLimitExceeded", "") })
            }
            Some(CutBy::ColdShutdown | CutBy::ConnectionLoss) => (Ending::Cut, Failure::new("Retry", "cut off")),
            Some(CutBy::Revoke) => (Ending::Terminated, revoked_failure("terminated")),
        };
        if ending == Ending::ChildLost && request.policy.retry_on_worker_lost {
            return self.retry(id, &RetryRequest::default(), Some(failure), ctx);
        }
        let (state, failure) = match ending {
            Ending::Terminated => (State::Revoked, failure),
            Ending::Cut => (State::Retry, failure.in_module("billiard.exceptions")),
            _ => (State::Failure, failure.in_module("billiard.exceptions")),
        };
        let state = self.failure_of(request, state, &failure);
        self.end(id, ending, Some(state));
    }

    /// Applies the ack table to an execution that is not sent again. `state` is what there is to store if the table
    /// stores anything.
    fn end(&mut self, id: RequestId, ending: Ending, state: Option<StateToStore>) {
        let Some(request) = self.requests.get(&id) else { return };
        let decision = request.policy.decide(ending, request.last_delivery);
        let ignored = self.ignores(request, decision.store);
        let store = decision.store.and(state).filter(|_| !ignored);
        self.conclude(id, store, decision.settle);
    }

    fn autoretry(&self, id: RequestId, failure: &Failure) -> Option<RetryRequest> {
        let request = self.requests.get(&id)?;
        let options = &request.definition.options;
        let random = |bound| self.env.random_up_to(bound);
        options.retries_by_itself(failure).then(|| options.retry_policy().autoretry(request.task.retries, random))
    }

    /// Sends the task again if it has retries left; or else it fails with what caused the retry.
    fn retry(&mut self, id: RequestId, wanted: &RetryRequest, cause: Option<Failure>, ctx: &mut Context<Self>) {
        let Some(request) = self.requests.get_mut(&id) else { return };
        match request.definition.options.retry_policy().next(request.task.retries, wanted) {
            RetryDecision::Retry { countdown, retries } => {
                request.cause = cause;
                let (task, queue, me) = (request.task.clone(), request.queue.clone(), ctx.address());
                let (task, to) = (self.again(&task, countdown, retries), self.way_back(id));
                let reply = Box::new(move |result| me.do_send(Resent(id, result)));
                self.with.producer.do_send(Resend { task, queue, to, reply });
            }
            RetryDecision::Exhausted => {
                let task = &request.task.task;
                let exhausted = || Failure::new("MaxRetriesExceededError", format!("Can't retry {task}"));
                let failure = cause.unwrap_or_else(|| exhausted().in_module("celery.exceptions"));
                if let Some(request) = self.requests.get(&id) {
                    let state = self.failure_of(request, State::Failure, &failure);
                    self.end(id, Ending::Raised, Some(state));
                }
            }
        }
    }

    /// A retry goes where its delivery came from: to the same queue, or to the same exchange with the same key.
    fn way_back(&self, id: RequestId) -> Target {
        let Some(request) = self.requests.get(&id) else { return Target::queue("".into()) };
        let source = self.sources.as_ref().ok().and_then(|sources| sources.get(&request.queue));
        let Some(source) = source else { return Target::queue(request.queue.clone()) };
        let (entities, broadcast, delays) = (source.entities.clone(), source.broadcast, source.delays);
        let delivery = &request.delivery;
        if delivery.exchange.is_empty() {
            return Target { entities, ..Target::queue(request.queue.clone()) };
        }
        let (exchange, routing_key) = (delivery.exchange.clone(), delivery.routing_key.clone());
        Target { exchange, routing_key, entities, broadcast, delays }
    }

    /// The message of a retry: the same call under the same id. A top-level task becomes its own parent, as in Celery.
    fn again(&self, task: &TaskMessage, countdown: Duration, retries: u32) -> TaskMessage {
        let later = Some(countdown).filter(|countdown| !countdown.is_zero());
        let eta = later.and_then(|countdown| self.env.wall().checked_add(countdown));
        let parent_id = task.parent_id.clone().or_else(|| Some(task.id.clone()));
        let retries = if planted(Planted::RetryCountNotCarried) { task.retries } else { retries };
        TaskMessage { retries, eta, parent_id, ..task.clone() }
    }

    /// The retry is on its way: RETRY, and ack. It could not be sent: the original stays, late acks permitting.
    pub(super) fn resent(&mut self, id: RequestId, result: Result<(), PublishError>, _: &mut Context<Self>) {
        let Some(request) = self.requests.get(&id) else { return };
        match result {
            Ok(()) => {
                let asked = || Failure::new("Retry", format!("retry {}", request.task.retries + 1));
                let failure = request.cause.clone().unwrap_or_else(|| asked().in_module("celery.exceptions"));
                let state = self.failure_of(request, State::Retry, &failure);
                self.end(id, Ending::Retried, Some(state));
            }
            Err(error) => {
                tracing::error!(id = %request.task.id, %error, "a retry was not sent");
                let requeue = request.policy.late;
                let state = self.failure_of(request, State::Failure, &rejection(error.to_string(), requeue));
                self.end(id, Ending::Rejected { requeue }, Some(state));
            }
        }
    }

    /// Stores a state, if any, and settles the message when that is done: never the other way round.
    pub(super) fn conclude(&mut self, id: RequestId, store: Option<StateToStore>, settle: Option<Settlement>) {
        let Some(request) = self.requests.get_mut(&id) else { return };
        if !matches!(request.phase, Phase::Finishing) {
            request.phase = Phase::Finishing;
            self.finishing += 1;
        }
        request.settle_as = settle;
        let task = request.task.clone();
        match store {
            Some(state) => {
                request.makes_room = !request.settled && self.prefetch.begin_finishing();
                if request.makes_room {
                    self.update_window();
                }
                let me = self.me.clone();
                let reply_to = task.reply_to.as_ref();
                if planted(Planted::AckBeforeStore) {
                    self.put(&task.id, reply_to, state, Box::new(drop));
                    return me.do_send(Stored(id, Ok(())));
                }
                self.put(&task.id, reply_to, state, Box::new(move |result| me.do_send(Stored(id, result))));
            }
            None => self.me.do_send(Stored(id, Ok(()))),
        }
    }

    /// The last step of a request. Only now does it count as done: a copy that is skipped before the result is stored may
    /// be the last one.
    pub(super) fn settle(&mut self, id: RequestId, ctx: &mut Context<Self>) {
        let Some(request) = self.requests.swap_remove(&id) else { return };
        self.finishing -= 1;
        self.unsettled_ids.remove(&request.task.id);
        if request.returned && self.settings.worker_deduplicate_successful_tasks {
            self.succeeded.add(request.task.id.clone(), self.env.wall());
        }
        if request.makes_room {
            // Before the ack, which else would make room a second time.
            self.prefetch.end_finishing();
            self.update_window();
        }
        if let Some(how) = request.settle_as.filter(|_| !request.settled) {
            self.with.broker.do_send(Settle { epoch: request.epoch, tag: request.delivery.tag, how });
            self.prefetch.settled();
            self.update_window();
        }
        self.dispatch();
        self.exit_if_idle(ctx);
    }

    /// Takes a request out of its child's hands; false when it is in no child's.
    fn stop_running(&mut self, id: RequestId) -> bool {
        let Some(request) = self.requests.get_mut(&id) else { return false };
        let Phase::Running { soft, hard, .. } = request.phase else { return false };
        request.phase = Phase::Finishing;
        self.running -= 1;
        self.finishing += 1;
        soft.into_iter().chain(hard).for_each(|timer| self.timers.cancel(timer));
        true
    }

    pub(super) fn soft_limit(&mut self, id: RequestId) {
        if let Some(Phase::Running { slot, .. }) = self.requests.get(&id).map(|request| request.phase) {
            self.pool.send(slot, ToChild::SoftLimit);
        }
    }

    /// Kills the child that runs a request; what follows comes with the news of its end.
    pub(super) fn cut(&mut self, id: RequestId, by: CutBy) {
        let Some(request) = self.requests.get_mut(&id) else { return };
        if let Phase::Running { slot, .. } = request.phase
            && request.cut.is_none()
        {
            request.cut = Some(by);
            let what = What::Cut { retries: request.task.retries, why: by.name() };
            self.env.emit(&Event { id: &request.task.id, what });
            self.pool.kill(slot);
        }
    }
}

/// What Celery stores of a rejected task.
fn rejection(reason: String, requeue: bool) -> Failure {
    let failure = Failure::new("Reject", "").in_module("celery.exceptions");
    Failure { message: vec![reason.into(), requeue.into()], ..failure }
}

/// Whole seconds as an integer, as Python users write their limits.
fn whole_or_not(seconds: f64) -> serde_json::Value {
    if seconds.fract() == 0.0 { (seconds as u64).into() } else { seconds.into() }
}
