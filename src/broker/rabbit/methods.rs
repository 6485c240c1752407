//! Each method as a call of lapin's.

use super::content;
use super::shell::Shell;
use super::table::{TooLong, short};
use crate::broker::amqp::{DeliveryTag, Event, ExchangeKind, Method, Name, QueueOptions};
use crate::message::Message;
use lapin::options::{
    BasicCancelOptions, BasicConsumeOptions, BasicGetOptions, BasicNackOptions, BasicPublishOptions, BasicQosOptions,
    ConfirmSelectOptions, ExchangeDeclareOptions, ExchangeDeleteOptions, QueueBindOptions, QueueDeclareOptions,
    QueueDeleteOptions, QueuePurgeOptions,
};
use lapin::types::FieldTable;
use lapin::{ErrorKind, Queue};
use std::rc::Rc;
use std::sync::Arc;

/// A method was not carried out.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error(transparent)]
    Connection(#[from] lapin::Error),
    #[error(transparent)]
    Name(#[from] TooLong),
    #[error("no part of simq asks that of RabbitMQ")]
    Rare,
}

/// AMQP's PRECONDITION_FAILED.
const CLASH: u16 = 406;

impl Shell {
    pub(super) async fn apply(self: &Rc<Self>, method: Method) -> Result<(), Failure> {
        let none = FieldTable::default;
        match method {
            Method::Publish { exchange, routing_key, mandatory, message } => {
                self.publish(exchange, routing_key, mandatory, message);
                return Ok(());
            }
            Method::Ack { tag, multiple } => {
                self.settle(tag, multiple, |shell, tag| shell.acks.borrow_mut().ack(tag));
                return Ok(());
            }
            Method::Nack { tag, multiple, requeue: true } => {
                self.settle(tag, multiple, |shell, tag| shell.nack(tag, true));
                return Ok(());
            }
            Method::Nack { tag, multiple, requeue: false } => {
                self.settle(tag, multiple, Shell::discard);
                return Ok(());
            }
            Method::Release { tag } => {
                self.settle(tag, false, |shell, tag| shell.nack(tag, true));
                return Ok(());
            }
            Method::QueueDeclare { queue, passive, options } => return self.declare(queue, passive, options).await,
            Method::QueueDelete { queue } => {
                let messages = self.channel.queue_delete(short(&queue)?, QueueDeleteOptions::default()).await?;
                self.say(Event::QueueDeleted { messages });
                return Ok(());
            }
            Method::QueuePurge { queue } => {
                let messages = self.channel.queue_purge(short(&queue)?, QueuePurgeOptions::default()).await?;
                self.say(Event::QueueDeleted { messages });
                return Ok(());
            }
            Method::Get { queue, no_ack } => return self.get(queue, no_ack).await,
            Method::Rare(_) => return Err(Failure::Rare),
            Method::Consume { queue, consumer, no_ack } => {
                let options = BasicConsumeOptions { no_ack, ..BasicConsumeOptions::default() };
                let tag = short(&consumer)?;
                let stream = self.channel.basic_consume(short(&queue)?, tag, options, none()).await?;
                self.env.spawn(self.clone().deliver(queue, consumer, no_ack, stream));
            }
            Method::Cancel { consumer } => {
                let tag = short(&consumer)?;
                self.cancelled.borrow_mut().insert(consumer);
                self.channel.basic_cancel(tag, BasicCancelOptions::default()).await?;
            }
            Method::Qos { prefetch } => {
                let options = BasicQosOptions { global: self.policy.global_qos() };
                self.channel.basic_qos(u16::try_from(prefetch).unwrap_or(u16::MAX), options).await?;
            }
            Method::ConfirmSelect => self.channel.confirm_select(ConfirmSelectOptions::default()).await?,
            Method::ExchangeDeclare { exchange, kind, durable, auto_delete } => {
                let options = ExchangeDeclareOptions { durable, auto_delete, ..ExchangeDeclareOptions::default() };
                let kind = match kind {
                    ExchangeKind::Direct => lapin::ExchangeKind::Direct,
                    ExchangeKind::Topic => lapin::ExchangeKind::Topic,
                    ExchangeKind::Fanout => lapin::ExchangeKind::Fanout,
                    ExchangeKind::Headers => lapin::ExchangeKind::Headers,
                };
                self.channel.exchange_declare(short(&exchange)?, kind, options, none()).await?;
            }
            Method::ExchangeDelete { exchange } => {
                self.channel.exchange_delete(short(&exchange)?, ExchangeDeleteOptions::default()).await?;
            }
            Method::QueueBind { queue, exchange, routing_key } => {
                let (queue, exchange, key) = (short(&queue)?, short(&exchange)?, short(&routing_key)?);
                self.channel.queue_bind(queue, exchange, key, QueueBindOptions::default(), none()).await?;
            }
            Method::QueueUnbind { queue, exchange, routing_key } => {
                let (queue, exchange, key) = (short(&queue)?, short(&exchange)?, short(&routing_key)?);
                self.channel.queue_unbind(queue, exchange, key, none()).await?;
            }
        }
        self.say(Event::Done);
        Ok(())
    }

    /// A publish that the server would let stand is refused at once: its caller has an error in bounded time.
    fn publish(&self, exchange: Name, routing_key: Name, mandatory: bool, message: Arc<Message>) {
        if let Some(why) = &*self.blocked.borrow() {
            return self.publishes.refuse(exchange, routing_key, message, &format!("it takes no messages: {why}"));
        }
        let properties = content::properties(&message);
        let (to, key, properties) = match (short(&exchange), short(&routing_key), properties) {
            (Ok(to), Ok(key), Ok(properties)) => (to, key, properties),
            (Err(error), ..) | (_, Err(error), _) | (.., Err(error)) => {
                return self.publishes.refuse(exchange, routing_key, message, &error.to_string());
            }
        };
        let (channel, body) = (self.channel.clone(), message.body.clone());
        let options = BasicPublishOptions { mandatory, ..BasicPublishOptions::default() };
        let writing = async move { channel.basic_publish(to, key, options, &body, properties).await };
        self.publishes.begin(exchange, routing_key, message, Box::pin(writing));
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

    fn nack(&self, tag: DeliveryTag, requeue: bool) {
        self.begin(self.channel.basic_nack(tag, BasicNackOptions { multiple: false, requeue }));
        self.acks.borrow_mut().settled(tag);
    }

    fn discard(self: &Rc<Self>, tag: DeliveryTag) {
        let Some(held) = self.held.borrow_mut().remove(&tag) else { return };
        match self.policy.dead_letters_of(&held.queue) {
            Some(to) => self.bury(tag, held, to, "rejected"),
            None => self.nack(tag, false),
        }
    }

    async fn declare(&self, queue: Name, passive: bool, options: QueueOptions) -> Result<(), Failure> {
        let name = short(&queue)?;
        let arguments = self.policy.arguments(&queue, &options)?;
        let QueueOptions { durable, exclusive, auto_delete, .. } = options;
        let options = QueueDeclareOptions { passive, durable, exclusive, auto_delete, nowait: false };
        let declaring = self.declaring.borrow().clone();
        let declared: Queue = match declaring.queue_declare(name.clone(), options, arguments).await {
            Err(error) if is_clash(&error) => {
                tracing::warn!(%queue, %error, "the queue exists with other arguments, and is used as it is");
                let declaring = self.connection.create_channel().await?;
                self.declaring.replace(declaring.clone());
                let options = QueueDeclareOptions { passive: true, ..options };
                declaring.queue_declare(name, options, FieldTable::default()).await?
            }
            declared => declared?,
        };
        let (messages, consumers) = (declared.message_count(), declared.consumer_count());
        self.say(Event::QueueDeclared { queue, messages, consumers });
        Ok(())
    }

    async fn get(self: &Rc<Self>, queue: Name, no_ack: bool) -> Result<(), Failure> {
        match self.channel.basic_get(short(&queue)?, BasicGetOptions { no_ack }).await? {
            Some(got) => self.delivered(&queue, &"".into(), no_ack, got.delivery),
            None => self.say(Event::GetEmpty),
        }
        Ok(())
    }
}

fn is_clash(error: &lapin::Error) -> bool {
    matches!(error.kind(), ErrorKind::ProtocolError(said) if said.get_id() == CLASH)
}
