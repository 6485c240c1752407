//! An execution ends: decide by the ack table, store the state, and only then settle the message.

use super::ack::{AckPolicy, Ending};
use super::pool::{Outcome, ToChild};
use super::request::{CutBy, Phase, Request, RequestId};
use super::retry::{Decision as RetryDecision, RetryRequest};
use super::{Resent, Stored, Worker};
use crate::app::Failure;
use crate::backend::{Meta, NotStored, Put};
use crate::broker::{PublishError, Settle, Settlement};
use crate::env::ChildExit;
use crate::events::{Event, State, What};
use crate::message::TaskMessage;
use crate::producer::Resend;
use actix::{AsyncContext, Context};
use std::sync::Arc;
use std::time::Duration;

/// What to store: a state and its meta.
type StateToStore = (State, Arc<[u8]>);

impl Worker {
    /// A body has ended by itself.
    pub(super) fn finished(&mut self, id: RequestId, outcome: Outcome, ctx: &mut Context<Self>) {
        let Some(request) = self.stop_running(id) else { return };
        let (task, policy) = (request.task.clone(), request.policy);
        let retry = match &outcome {
            Outcome::Retry { request, cause } => Some((request.clone(), cause.clone())),
            Outcome::Failed(failure) => self.autoretry(id, failure).map(|request| (request, Some(failure.clone()))),
            _ => None,
        };
        if let Some((request, cause)) = retry {
            return self.retry(id, &request, cause, ctx);
        }
        match outcome {
            Outcome::Returned(value) => {
                let meta = Meta::encode(&task.id, State::Success, value.get(), self.env.wall());
                self.end(id, policy, Ending::Returned, Some((State::Success, meta)));
            }
            Outcome::Failed(failure) | Outcome::SoftLimit(failure) => {
                let meta = Meta::encode_failure(&task.id, State::Failure, &failure, self.env.wall());
                self.end(id, policy, Ending::Raised, Some((State::Failure, meta)));
            }
            Outcome::Rejected { requeue, reason } => {
                let failure = Failure::new("Reject", reason).in_module("celery.exceptions");
                let meta = Meta::encode_failure(&task.id, State::Failure, &failure, self.env.wall());
                self.end(id, policy, Ending::Rejected { requeue }, Some((State::Failure, meta)));
            }
            Outcome::Ignored | Outcome::Retry { .. } => self.end(id, policy, Ending::Ignored, None),
        }
    }

    /// A child has ended, with or without a task in its hands.
    pub(super) fn child_exited(&mut self, slot: usize, exit: &ChildExit, ctx: &mut Context<Self>) {
        let holds = |request: &Request| matches!(request.phase, Phase::Running { slot: held, .. } if held == slot);
        let held = self.requests.iter().find(|(_, request)| holds(request)).map(|(id, _)| *id);
        if self.shutdown.is_running() {
            self.pool.replace(slot, &ctx.address());
        }
        if let Some(id) = held {
            self.child_lost(id, exit, ctx);
        }
        self.dispatch();
        self.exit_if_idle(ctx);
    }

    fn child_lost(&mut self, id: RequestId, exit: &ChildExit, ctx: &mut Context<Self>) {
        let Some(request) = self.stop_running(id) else { return };
        let (task, policy, cut) = (request.task.clone(), request.policy, request.cut);
        let retries = task.retries;
        let (ending, failure) = match cut {
            None => {
                tracing::error!(id = %task.id, how = exit.how, "a pool child was lost");
                self.env.emit(&Event { id: &task.id, what: What::ChildLost { retries } });
                let text = format!("Worker exited prematurely: {} Job: {id}.", exit.how);
                (Ending::ChildLost, Failure::new("WorkerLostError", text))
            }
            Some(CutBy::HardLimit) => {
                let limit =
                    super::limits::Limits::of(&task, &self.requests[&id].definition.options, &self.settings).hard;
                let seconds = limit.unwrap_or_default().as_secs_f64();
                let failure = Failure { message: vec![seconds.into()], ..Failure::new("TimeLimitExceeded", "") };
                (Ending::HardLimit, failure)
            }
            Some(CutBy::ColdShutdown | CutBy::ConnectionLoss) => (Ending::Cut, Failure::new("Retry", "cut off")),
        };
        if ending == Ending::ChildLost && policy.retry_on_worker_lost {
            return self.retry(id, &RetryRequest::default(), Some(failure), ctx);
        }
        let state = if ending == Ending::Cut { State::Retry } else { State::Failure };
        let failure = failure.in_module("billiard.exceptions");
        let meta = Meta::encode_failure(&task.id, state, &failure, self.env.wall());
        self.end(id, policy, ending, Some((state, meta)));
    }

    /// Applies the ack table to an execution that is not sent again. `state` is what there is to store if the table
    /// stores anything.
    fn end(&mut self, id: RequestId, policy: AckPolicy, ending: Ending, state: Option<StateToStore>) {
        let Some(request) = self.requests.get(&id) else { return };
        let decision = policy.decide(ending, request.last_delivery);
        let ignored = self.ignores(request, decision.store);
        let store = decision.store.and(state).filter(|_| !ignored);
        self.conclude(id, store, decision.settle);
    }

    fn ignores(&self, request: &Request, state: Option<State>) -> bool {
        let ignores = request.task.ignore_result;
        let ignores = ignores.unwrap_or_else(|| request.definition.options.ignores_result(&self.settings));
        ignores && !(state == Some(State::Failure) && self.settings.task_store_errors_even_if_ignored)
    }

    fn autoretry(&self, id: RequestId, failure: &Failure) -> Option<RetryRequest> {
        let request = self.requests.get(&id)?;
        let options = &request.definition.options;
        let random = |bound| self.env.random_up_to(bound);
        options
            .retries_by_itself(&failure.exc_type)
            .then(|| options.retry_policy().autoretry(request.task.retries, random))
    }

    /// Sends the task again if it has retries left; or else it fails with what caused the retry.
    fn retry(&mut self, id: RequestId, wanted: &RetryRequest, cause: Option<Failure>, ctx: &mut Context<Self>) {
        let Some(request) = self.requests.get(&id) else { return };
        let (task, policy) = (request.task.clone(), request.policy);
        match request.definition.options.retry_policy().next(task.retries, wanted) {
            RetryDecision::Retry { countdown, retries } => {
                let (task, queue, me) = (self.again(&task, countdown, retries), request.queue.clone(), ctx.address());
                let reply = Box::new(move |result| me.do_send(Resent(id, result)));
                self.with.producer.do_send(Resend { task, queue, reply });
            }
            RetryDecision::Exhausted => {
                let exhausted = || Failure::new("MaxRetriesExceededError", format!("Can't retry {}", task.task));
                let failure = cause.unwrap_or_else(|| exhausted().in_module("celery.exceptions"));
                let meta = Meta::encode_failure(&task.id, State::Failure, &failure, self.env.wall());
                self.end(id, policy, Ending::Raised, Some((State::Failure, meta)));
            }
        }
    }

    /// The message of a retry: the same call under the same id. A top-level task becomes its own parent, as in Celery.
    fn again(&self, task: &TaskMessage, countdown: Duration, retries: u32) -> TaskMessage {
        let later = Some(countdown).filter(|countdown| !countdown.is_zero());
        let eta = later.and_then(|countdown| self.env.wall().checked_add(countdown));
        let parent_id = task.parent_id.clone().or_else(|| Some(task.id.clone()));
        TaskMessage { retries, eta, parent_id, ..task.clone() }
    }

    /// The retry is on its way: RETRY, and ack. It could not be sent: the original stays, late acks permitting.
    pub(super) fn resent(&mut self, id: RequestId, result: Result<(), PublishError>, _: &mut Context<Self>) {
        let Some(request) = self.requests.get(&id) else { return };
        let (task, policy) = (request.task.clone(), request.policy);
        match result {
            Ok(()) => {
                let failure = Failure::new("Retry", format!("retry {}", task.retries + 1));
                let failure = failure.in_module("celery.exceptions");
                let meta = Meta::encode_failure(&task.id, State::Retry, &failure, self.env.wall());
                self.end(id, policy, Ending::Retried, Some((State::Retry, meta)));
            }
            Err(error) => {
                tracing::error!(id = %task.id, %error, "a retry was not sent");
                let failure = Failure::new("Reject", error.to_string()).in_module("celery.exceptions");
                let meta = Meta::encode_failure(&task.id, State::Failure, &failure, self.env.wall());
                self.end(id, policy, Ending::Rejected { requeue: policy.late }, Some((State::Failure, meta)));
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
            Some((state, meta)) => {
                let me = self.me.clone();
                self.put(&task.id, state, meta, Box::new(move |result| me.do_send(Stored(id, result))));
            }
            None => self.me.do_send(Stored(id, Ok(()))),
        }
    }

    pub(super) fn put(
        &self,
        id: &Arc<str>,
        state: State,
        meta: Arc<[u8]>,
        reply: Box<dyn FnOnce(Result<(), NotStored>) + Send>,
    ) {
        self.with.backend.do_send(Put { id: id.clone(), state, meta, reply });
    }

    /// The last step of a request.
    pub(super) fn settle(&mut self, id: RequestId, ctx: &mut Context<Self>) {
        let Some(request) = self.requests.swap_remove(&id) else { return };
        self.finishing -= 1;
        if let Some(how) = request.settle_as.filter(|_| !request.settled) {
            self.with.broker.do_send(Settle { epoch: request.epoch, tag: request.delivery.tag, how });
            self.prefetch.settled();
            self.update_window();
        }
        self.exit_if_idle(ctx);
    }

    /// Takes a request out of its child's hands.
    fn stop_running(&mut self, id: RequestId) -> Option<&mut Request> {
        let request = self.requests.get_mut(&id)?;
        let Phase::Running { soft, hard, .. } = request.phase else { return None };
        request.phase = Phase::Finishing;
        self.running -= 1;
        self.finishing += 1;
        soft.into_iter().chain(hard).for_each(|timer| self.timers.cancel(timer));
        Some(request)
    }

    pub(super) fn soft_limit(&mut self, id: RequestId) {
        if let Some(Request { phase: Phase::Running { slot, .. }, .. }) = self.requests.get(&id) {
            self.pool.send(*slot, ToChild::SoftLimit);
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
