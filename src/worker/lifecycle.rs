//! A worker starts, loses its connection, and ends.

use super::request::{CutBy, Phase, RequestId};
use super::shutdown::Action;
use super::{Due, Exit, Request, ShutDown, Worker};
use crate::broker::amqp::{Name, QueueOptions};
use crate::broker::{CancelConsumers, Close, Consume, Epoch, SetPrefetch, Settle, Settlement, Source, Target};
use crate::control;
use crate::events::{Event, What};
use crate::planted::{Fault as Planted, planted};
use actix::{AsyncContext, Context};

impl Worker {
    /// Fills the pool, subscribes, and listens for signals.
    pub(super) fn begin(&mut self, ctx: &mut Context<Self>) {
        if let Err(error) = &self.sources {
            tracing::error!(%error, "the worker exits");
            return self.env.exit(1);
        }
        self.pool.fill(self.concurrency as usize, &ctx.address());
        self.with.broker.do_send(Consume {
            sources: self.sources(),
            prefetch: self.window,
            to: ctx.address().recipient(),
        });
        let (env, me) = (self.env.clone(), ctx.address());
        self.env.spawn(async move {
            loop {
                let signal = env.next_signal().await;
                me.do_send(ShutDown(signal));
            }
        });
    }

    pub(super) fn act(&mut self, actions: Vec<Action>, ctx: &mut Context<Self>) {
        for action in actions {
            tracing::info!(?action, "shutting down");
            match action {
                Action::StopConsuming => {
                    self.env.emit(&Event { id: &self.env.name(), what: What::Draining });
                    self.with.broker.do_send(CancelConsumers);
                    self.drop_unstarted();
                }
                Action::Abandon => {
                    self.with.broker.do_send(CancelConsumers);
                    self.drop_unstarted();
                }
                Action::Wait(soft) => {
                    self.timers.set(self.env.now() + soft, Due::SoftShutdown);
                    self.set_alarm(ctx);
                }
                Action::CutRunning => {
                    for id in self.running_requests() {
                        self.cut(id, CutBy::ColdShutdown);
                    }
                }
                Action::Exit(status) => {
                    self.revoked.save(&self.env);
                    let me = ctx.address();
                    self.with.broker.do_send(Close { done: Box::new(move || me.do_send(Exit(status))) });
                }
            }
        }
    }

    pub(super) fn exit_if_idle(&mut self, ctx: &mut Context<Self>) {
        if self.running == 0
            && (self.finishing == 0 || planted(Planted::ExitBeforeStored))
            && !self.shutdown.is_running()
        {
            let actions = self.shutdown.idle();
            self.act(actions, ctx);
        }
    }

    fn running_requests(&self) -> Vec<RequestId> {
        self.requests.iter().filter(|(_, request)| request.is_running()).map(|(id, _)| *id).collect()
    }

    /// What has not begun goes back: now (`worker_return_unstarted`), so that others begin it, or with the connection.
    fn drop_unstarted(&mut self) {
        let unstarted: Vec<RequestId> =
            self.requests.iter().filter(|(_, request)| request.is_unstarted()).map(|(id, _)| *id).collect();
        for id in unstarted {
            if planted(Planted::ReservedKeptDuringShutdown) {
                return;
            }
            let Some(request) = self.forget(id) else { continue };
            if self.settings.worker_return_unstarted {
                let (epoch, tag) = (request.epoch, request.delivery.tag);
                self.with.broker.do_send(Settle { epoch, tag, how: Settlement::Release });
            }
        }
    }

    fn forget(&mut self, id: RequestId) -> Option<Box<Request>> {
        self.stop_waiting(id);
        self.requests.swap_remove(&id)
    }

    fn sources(&self) -> Vec<Source> {
        let tasks = self.sources.iter().flat_map(|sources| sources.values().cloned());
        tasks.chain(self.pidbox.clone().map(|queue| self.pidbox_source(queue))).collect()
    }

    fn pidbox_source(&self, queue: Name) -> Source {
        let exchange = control::exchange(&self.settings.control_exchange);
        let milliseconds = |seconds: f64| Some((seconds * 1000.0) as u64);
        let options = QueueOptions {
            message_ttl: milliseconds(self.settings.control_queue_ttl),
            expires: milliseconds(self.settings.control_queue_expires),
            ..QueueOptions::default()
        };
        Source::copy_of(Target::broadcast(&exchange, false), queue, true, options)
    }

    /// The broker has taken back whatever this connection had unacked, and delivers it again. What has not begun is
    /// forgotten; what runs either goes on and ends unacked, or is cut off
    /// (`worker_cancel_long_running_tasks_on_connection_loss`).
    pub(super) fn connection_lost(&mut self, epoch: Epoch, ctx: &mut Context<Self>) {
        let gone: Vec<RequestId> =
            self.requests.iter().filter(|(_, request)| request.epoch == epoch).map(|(id, _)| *id).collect();
        let cancel = self.settings.worker_cancel_long_running_tasks_on_connection_loss;
        for id in gone {
            let Some(request) = self.requests.get_mut(&id) else { continue };
            if planted(Planted::ParkedKeptAfterConnectionLoss) && matches!(request.phase, Phase::Parked(_)) {
                continue;
            }
            if request.is_unstarted() {
                self.forget(id);
                continue;
            }
            if std::mem::take(&mut request.makes_room) {
                self.prefetch.end_finishing();
            }
            let delivered_again = !std::mem::replace(&mut request.settled, !planted(Planted::StaleTagAcked));
            if cancel && delivered_again {
                self.cut(id, CutBy::ConnectionLoss);
            }
        }
        self.reserved.retain(|id| self.requests.contains_key(id));
        // What is cut off is about to leave its child free.
        let goes_on = |request: &Request| request.is_running() && request.cut.is_none();
        let active = self.requests.values().filter(|request| goes_on(request)).count();
        self.prefetch.connection_lost(u32::try_from(active).unwrap_or(u32::MAX));
        self.window = self.prefetch.window();
        self.with.broker.do_send(SetPrefetch(self.window));
        self.set_alarm(ctx);
    }
}
