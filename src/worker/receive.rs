//! A delivery comes in: decode it, have it screened, hand it to a child.

use super::limits::Limits;
use super::pool::{Job, ToChild};
use super::request::{Phase, Request, RequestId};
use super::states::Told;
use super::{Buried, Due, Worker};
use crate::app::Failure;
use crate::backend::Draft;
use crate::broker::amqp::{Delivery, DeliveryTag};
use crate::broker::{Epoch, Settle, Settlement, Target};
use crate::events::{Event, State, What};
use crate::message::{Malformed, Message, TaskMessage};
use crate::planted::{Fault as Planted, planted};
use crate::producer::Forward;
use crate::settings::duration;
use actix::{AsyncContext, Context};
use std::sync::Arc;

/// Header of a dead letter that says why it is one.
pub(super) const REASON_HEADER: &str = "simq-reason";

impl Worker {
    pub(super) fn receive(&mut self, epoch: Epoch, delivery: Delivery, ctx: &mut Context<Self>) {
        if self.pidbox.as_ref() == Some(&delivery.consumer) {
            return self.controlled(&delivery.message, ctx);
        }
        match TaskMessage::decode(&delivery.message, &self.accept) {
            Ok(task) => self.receive_task(epoch, delivery, task, ctx),
            Err(malformed) => self.refuse(epoch, &delivery, &malformed, ctx),
        }
    }

    fn receive_task(&mut self, epoch: Epoch, delivery: Delivery, task: TaskMessage, ctx: &mut Context<Self>) {
        self.env.emit(&Event { id: &task.id, what: What::Received { redelivered: delivery.redelivered } });
        if !self.shutdown.is_running() {
            return self.return_late(epoch, delivery.tag);
        }
        let definition = self.app.definition(&task.task);
        let Some(definition) = definition.filter(|definition| definition.body.is_some()) else {
            return self.unknown(epoch, &delivery, &task, ctx);
        };
        let limit = self.settings.task_delivery_limit;
        let off = u32::from(planted(Planted::DeliveryLimitOffByOne));
        let request = Request {
            epoch,
            queue: delivery.consumer.clone(),
            last_delivery: limit.is_some_and(|limit| delivery.delivery_count >= limit.saturating_add(off)),
            policy: definition.options.ack_policy(&self.settings),
            delivery,
            task: Arc::new(task),
            definition,
            phase: Phase::Reserved,
            cut: None,
            settled: false,
            children: Vec::new(),
            cause: None,
            returned: false,
            makes_room: false,
            settle_as: None,
        };
        let id = self.new_request_id();
        self.requests.insert(id, Box::new(request));
        self.screen(id, ctx);
    }

    /// It was on its way when the consumers were cancelled. It goes back as what had not begun then.
    fn return_late(&self, epoch: Epoch, tag: DeliveryTag) {
        if self.settings.worker_return_unstarted {
            self.with.broker.do_send(Settle { epoch, tag, how: Settlement::Release });
        }
    }

    /// Hands reserved requests to idle children: never more than one to a child, whatever is reserved behind it.
    pub(super) fn dispatch(&mut self) {
        while self.shutdown.is_running() && !self.reserved.is_empty() {
            let Some(slot) = self.pool.take_idle() else { return };
            match self.next_runnable() {
                Some(id) => self.run(id, slot),
                None if planted(Planted::ChildLeakedWhenTurnedAway) => return,
                None => return self.pool.release(slot),
            }
        }
    }

    fn run(&mut self, id: RequestId, slot: usize) {
        let Some(request) = self.requests.get_mut(&id) else { return };
        request.phase = Phase::Running { slot, soft: None, hard: None };
        self.running += 1;
        if self.settings.worker_deduplicate_successful_tasks {
            self.unsettled_ids.insert(request.task.id.clone());
        }
        let options = &request.definition.options;
        let tracked = options.tracks_started(&self.settings) && !options.ignores_result(&self.settings);
        let job = Job { request: id, task: request.task.clone(), delivery: request.delivery_info() };
        if tracked {
            // Before the child has it: what the task then says of its progress is not to be replaced.
            self.store_started(id);
        }
        self.pool.send(slot, ToChild::Run(job));
    }

    /// The child has the task and is about to begin: the moment of an early ack, and the start of time limits.
    pub(super) fn accepted(&mut self, id: RequestId, ctx: &mut Context<Self>) {
        let Some(request) = self.requests.get_mut(&id) else { return };
        let Phase::Running { slot, .. } = request.phase else { return };
        let options = &request.definition.options;
        let limits = Limits::of(&request.task, options, &self.settings);
        let now = self.env.now();
        let soft = limits.soft.map(|limit| self.timers.set(now + limit, Due::SoftLimit(id)));
        let forgets = planted(Planted::HardLimitNotArmedAfterRetry) && request.task.retries > 0;
        let hard = limits.hard.filter(|_| !forgets).map(|limit| self.timers.set(now + limit, Due::HardLimit(id)));
        request.phase = Phase::Running { slot, soft, hard };
        if !request.policy.late && !request.settled {
            request.settled = true;
            let (epoch, tag) = (request.epoch, request.delivery.tag);
            self.with.broker.do_send(Settle { epoch, tag, how: Settlement::Ack });
            self.prefetch.settled();
            self.update_window();
        }
        if soft.is_some() || hard.is_some() {
            self.set_alarm(ctx);
        }
    }

    fn store_started(&self, id: RequestId) {
        let Some(request) = self.requests.get(&id) else { return };
        let started = serde_json::json!({ "hostname": &*self.env.name() }).to_string();
        let state = self.state_of(request, State::Started, &Told::Value(&started));
        self.put(&request.task.id, request.task.reply_to.as_ref(), state, Box::new(drop));
    }

    /// A task that nobody has registered here: another worker may know it, and the next one may be that one.
    fn unknown(&mut self, epoch: Epoch, delivery: &Delivery, task: &TaskMessage, ctx: &mut Context<Self>) {
        let again = self.settings.task_delivery_limit.is_some_and(|limit| delivery.delivery_count < limit);
        let Some(wait) = self.settings.worker_return_unknown.filter(|_| again) else {
            return self.refuse_unknown(epoch, delivery, task);
        };
        tracing::warn!(task = %task.task, id = %task.id, wait, "unregistered task; it goes back");
        self.timers.set(self.env.now() + duration(wait), Due::ReturnUnknown(epoch, delivery.tag));
        // Others get past it meanwhile.
        self.prefetch.park();
        self.update_window();
        self.set_alarm(ctx);
    }

    pub(super) fn return_unknown(&mut self, epoch: Epoch, tag: DeliveryTag) {
        self.with.broker.do_send(Settle { epoch, tag, how: Settlement::Requeue });
        self.prefetch.unpark();
        self.update_window();
    }

    /// A task that nobody has registered here. A dead letter, with a FAILURE for whoever waits.
    fn refuse_unknown(&mut self, epoch: Epoch, delivery: &Delivery, task: &TaskMessage) {
        tracing::error!(task = %task.task, id = %task.id, "unregistered task; it is rejected");
        self.env.emit(&Event { id: &task.id, what: What::Refused { why: "unregistered task" } });
        let failure = Failure::new("NotRegistered", &*task.task).in_module("celery.exceptions");
        let meta = Draft::of(task, State::Failure).failure(&failure).encode(self.env.wall());
        let (broker, tag) = (self.with.broker.clone(), delivery.tag);
        let reply = move |_| broker.do_send(Settle { epoch, tag, how: Settlement::Discard });
        self.put(&task.id, task.reply_to.as_ref(), (State::Failure, meta), Box::new(reply));
    }

    /// A message that is no task, or none that can be read. With a dead-letter queue it goes there with the reason in
    /// its headers, and only then is the original acked; without, it is what Celery makes of it.
    fn refuse(&mut self, epoch: Epoch, delivery: &Delivery, malformed: &Malformed, ctx: &mut Context<Self>) {
        let why = malformed.to_string();
        let id = delivery.message.properties.correlation_id.as_deref().unwrap_or("(no id)");
        tracing::error!(id, %why, "not a task message");
        self.env.emit(&Event { id, what: What::Refused { why: &why } });
        let tag = delivery.tag;
        let Some(dead_letters) = self.settings.task_dead_letter_queue.as_deref() else {
            let how = if malformed.is_undecodable() { Settlement::Ack } else { Settlement::Discard };
            self.with.broker.do_send(Settle { epoch, tag, how });
            return;
        };
        let letter = letter(&delivery.message, &why);
        let me = ctx.address();
        self.with.producer.do_send(Forward {
            message: Arc::new(letter),
            to: Target::queue(dead_letters.into()),
            reply: Box::new(move |result| me.do_send(Buried { epoch, tag, result })),
        });
    }

    /// Without its letter the broker buries the message itself, by its own rules and without the reason.
    pub(super) fn buried(&mut self, buried: &Buried) {
        let how = if buried.result.is_ok() { Settlement::Ack } else { Settlement::Discard };
        self.with.broker.do_send(Settle { epoch: buried.epoch, tag: buried.tag, how });
    }
}

/// The dead letter of a message: the message itself, and why it is dead.
fn letter(message: &Message, why: &str) -> Message {
    let mut letter = message.clone();
    letter.headers.set(REASON_HEADER, why);
    letter
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Accept;

    #[test]
    fn a_dead_letter_says_why_and_changes_nothing_else() {
        let mut message = Message { body: b"\x80not json".as_slice().into(), ..Message::default() };
        message.headers.set("id", "a");
        message.headers.set("task", "t");
        message.properties.content_type = Some("application/json".into());
        let why = TaskMessage::decode(&message, &Accept::default()).expect_err("no JSON").to_string();
        let mut letter = letter(&message, &why);
        let reason = letter.headers.remove(REASON_HEADER);
        assert!(
            reason.as_ref().and_then(|reason| reason.as_str()).is_some_and(|reason| reason.contains("JSON")),
            "{reason:?}"
        );
        assert_eq!(letter, message);
    }
}
