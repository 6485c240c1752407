//! Each method as one of the connection's.

use super::learnt::{CLASH, NOT_IMPLEMENTED};
use super::shell::{Consumer, DECLARING, MAIN, Shell};
use super::tallies::Settled;
use crate::broker::amqp::{Binding, DeliveryTag, Destination, Event, ExchangeKind, Method, Name, QueueOptions, Rare};
use crate::env::amqp::{AmqpError, Method as Written, Reply, Request, Settlement};
use crate::message::{Message, Table};
use std::rc::Rc;
use std::sync::Arc;

impl Shell {
    pub(super) async fn apply(self: &Rc<Self>, method: Method) -> Result<(), AmqpError> {
        let request = match method {
            Method::Publish { exchange, routing_key, mandatory, message } => {
                self.publish(exchange, routing_key, mandatory, message);
                return Ok(());
            }
            Method::Ack { tag, multiple } => {
                self.settle(tag, multiple, Shell::ack);
                return Ok(());
            }
            Method::Nack { tag, multiple, requeue: true } => {
                self.settle(tag, multiple, |shell, tag| shell.nack(tag, Settlement::Requeue));
                return Ok(());
            }
            Method::Nack { tag, multiple, requeue: false } => {
                self.settle(tag, multiple, Shell::discard);
                return Ok(());
            }
            Method::Release { tag } => {
                self.settle(tag, false, |shell, tag| {
                    shell.uncount(tag, Settled::Untouched);
                    shell.nack(tag, Settlement::Requeue);
                });
                return Ok(());
            }
            Method::QueueDeclare { queue, passive, options } => return self.declare(queue, passive, options).await,
            Method::Get { queue, no_ack } => return self.get(queue, no_ack).await,
            Method::Rare(rare) => {
                if let Rare::Bind(Binding { exchange, to: Destination::Exchange(to), routing_key, .. }) = *rare {
                    self.connection.ask(MAIN, Request::BindExchange { to, exchange, routing_key }).await?;
                    self.say(Event::Done);
                    return Ok(());
                }
                let text = "no part of simq asks that of RabbitMQ".to_owned();
                return Err(AmqpError::Closed { code: NOT_IMPLEMENTED, text });
            }
            Method::QueueDelete { queue } => Request::DeleteQueue(queue),
            Method::QueuePurge { queue } => Request::PurgeQueue(queue),
            Method::Consume { queue, consumer, no_ack } => {
                self.consumers.borrow_mut().insert(consumer.clone(), Consumer { queue: queue.clone(), no_ack });
                Request::Consume { queue, consumer, no_ack }
            }
            Method::Cancel { consumer } => Request::Cancel(consumer),
            Method::Qos { prefetch } => {
                let prefetch = u16::try_from(prefetch).unwrap_or(u16::MAX);
                Request::Qos { prefetch, global: self.policy.global_qos() }
            }
            Method::ConfirmSelect => {
                self.connection.ask(MAIN, Request::SelectConfirms).await?;
                self.publishes.select_confirms();
                self.say(Event::Done);
                return Ok(());
            }
            Method::ExchangeDeclare { exchange, kind, durable, auto_delete } => {
                Request::DeclareExchange { exchange, kind: name(kind), durable, auto_delete }
            }
            Method::ExchangeDelete { exchange } => Request::DeleteExchange(exchange),
            Method::QueueBind { queue, exchange, routing_key } => Request::BindQueue { queue, exchange, routing_key },
            Method::QueueUnbind { queue, exchange, routing_key } => {
                Request::UnbindQueue { queue, exchange, routing_key }
            }
        };
        match self.connection.ask(MAIN, request).await? {
            Reply::Deleted(messages) => self.say(Event::QueueDeleted { messages }),
            _ => self.say(Event::Done),
        }
        Ok(())
    }

    /// A publish that the server would let stand is refused at once where somebody waits for its confirm: its caller has
    /// an error in bounded time.
    fn publish(&self, exchange: Name, routing_key: Name, mandatory: bool, message: Arc<Message>) {
        if let Some(why) = &*self.blocked.borrow()
            && self.publishes.are_confirmed()
        {
            let why = format!("it takes no messages: {why}");
            return self.say_all(self.publishes.refuse(exchange, routing_key, message, &why));
        }
        let (to, key, content) = (exchange.clone(), routing_key.clone(), message.clone());
        let publish = Written::Publish { exchange: to, routing_key: key, mandatory, message: content };
        match self.connection.write(MAIN, publish) {
            Ok(()) => self.publishes.written(exchange, routing_key, message),
            Err(error) => {
                self.say_all(self.publishes.refuse(exchange, routing_key, message, &error.to_string()));
            }
        }
    }

    /// Settles one delivery, or all through it; what is not held is settled already.
    fn settle(self: &Rc<Self>, tag: DeliveryTag, multiple: bool, how: impl Fn(&Rc<Self>, DeliveryTag)) {
        let first = if multiple { 0 } else { tag };
        let tags: Vec<DeliveryTag> = self.held.borrow().range(first..=tag).map(|(tag, _)| *tag).collect();
        for tag in tags {
            how(self, tag);
            self.held.borrow_mut().remove(&tag);
        }
    }

    fn ack(self: &Rc<Self>, tag: DeliveryTag) {
        self.acks.borrow_mut().ack(tag);
        self.uncount(tag, Settled::ForGood);
    }

    fn nack(self: &Rc<Self>, tag: DeliveryTag, how: Settlement) {
        self.uncount(tag, Settled::Returned);
        self.write_settlement(tag, false, how);
        self.acks.borrow_mut().settled(tag);
    }

    fn discard(self: &Rc<Self>, tag: DeliveryTag) {
        let Some(held) = self.held.borrow_mut().remove(&tag) else { return };
        match self.policy.dead_letters_of(&held.queue) {
            Some(to) => self.bury(tag, held, to.clone(), "rejected"),
            None => self.nack(tag, Settlement::Discard),
        }
    }

    async fn declare(&self, queue: Name, passive: bool, options: QueueOptions) -> Result<(), AmqpError> {
        let arguments = self.policy.arguments(&queue, &options);
        let QueueOptions { durable, exclusive, auto_delete, .. } = options;
        let request = |passive, arguments| {
            let queue = queue.clone();
            Request::DeclareQueue { queue, passive, durable, exclusive, auto_delete, arguments }
        };
        let declared = match self.connection.ask(DECLARING, request(passive, arguments)).await {
            Err(AmqpError::Closed { code: CLASH, text }) => {
                self.policy.learn(CLASH, &text);
                tracing::warn!(%queue, text, "the queue exists with other arguments, and is used as it is");
                self.connection.ask(DECLARING, Request::OpenChannel).await?;
                self.connection.ask(DECLARING, request(true, Table::default())).await?
            }
            declared => declared?,
        };
        if let Reply::Declared { messages, consumers } = declared {
            self.say(Event::QueueDeclared { queue, messages, consumers });
        }
        Ok(())
    }

    async fn get(self: &Rc<Self>, queue: Name, no_ack: bool) -> Result<(), AmqpError> {
        match self.connection.ask(MAIN, Request::Get { queue: queue.clone(), no_ack }).await? {
            Reply::Got(Some(delivery)) => self.deliver(&queue, no_ack, delivery),
            _ => self.say(Event::GetEmpty),
        }
        Ok(())
    }
}

fn name(kind: ExchangeKind) -> &'static str {
    match kind {
        ExchangeKind::Direct => "direct",
        ExchangeKind::Topic => "topic",
        ExchangeKind::Fanout => "fanout",
        ExchangeKind::Headers => "headers",
    }
}
