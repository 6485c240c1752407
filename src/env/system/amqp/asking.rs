//! Each request as a call of lapin's.

use super::consumers::got;
use super::publishes::Publishes;
use super::table::{fields, short};
use super::{Open, Shared, reason};
use crate::env::amqp::{AmqpError, ChannelNumber, Reply, Request};
use lapin::options::{
    BasicCancelOptions, BasicConsumeOptions, BasicGetOptions, BasicQosOptions, ConfirmSelectOptions,
    ExchangeBindOptions, ExchangeDeclareOptions, ExchangeDeleteOptions, QueueBindOptions, QueueDeclareOptions,
    QueueDeleteOptions, QueuePurgeOptions,
};
use lapin::types::FieldTable;
use lapin::{ErrorKind, ExchangeKind};

impl From<lapin::Error> for AmqpError {
    fn from(error: lapin::Error) -> Self {
        match error.kind() {
            ErrorKind::ProtocolError(said) => {
                AmqpError::Closed { code: said.get_id(), text: said.get_message().to_string() }
            }
            _ => AmqpError::Lost(reason(&error)),
        }
    }
}

fn kind(name: &str) -> ExchangeKind {
    match name {
        "direct" => ExchangeKind::Direct,
        "topic" => ExchangeKind::Topic,
        "fanout" => ExchangeKind::Fanout,
        "headers" => ExchangeKind::Headers,
        other => ExchangeKind::Custom(other.to_owned()),
    }
}

impl Shared {
    pub(super) async fn answer(&self, number: ChannelNumber, request: Request) -> Result<Reply, AmqpError> {
        let none = FieldTable::default;
        if request == Request::OpenChannel {
            let channel = self.connection.create_channel().await?;
            let publishes = Publishes::new(self.bell.clone());
            self.channels.borrow_mut().insert(number, Open { channel, publishes });
            return Ok(Reply::Done);
        }
        let Some(channel) = self.channel(number) else { return Err(AmqpError::Lost("the channel is closed".into())) };
        match request {
            Request::OpenChannel => {}
            Request::DeclareExchange { exchange, kind: name, durable, auto_delete } => {
                let options = ExchangeDeclareOptions { durable, auto_delete, ..ExchangeDeclareOptions::default() };
                channel.exchange_declare(short(&exchange)?, kind(name), options, none()).await?;
            }
            Request::DeleteExchange(exchange) => {
                channel.exchange_delete(short(&exchange)?, ExchangeDeleteOptions::default()).await?;
            }
            Request::DeclareQueue { queue, passive, durable, exclusive, auto_delete, arguments } => {
                let options = QueueDeclareOptions { passive, durable, exclusive, auto_delete, nowait: false };
                let declared = channel.queue_declare(short(&queue)?, options, fields(&arguments)?).await?;
                let (messages, consumers) = (declared.message_count(), declared.consumer_count());
                return Ok(Reply::Declared { messages, consumers });
            }
            Request::DeleteQueue(queue) => {
                let deleted = channel.queue_delete(short(&queue)?, QueueDeleteOptions::default()).await?;
                return Ok(Reply::Deleted(deleted));
            }
            Request::PurgeQueue(queue) => {
                let purged = channel.queue_purge(short(&queue)?, QueuePurgeOptions::default()).await?;
                return Ok(Reply::Deleted(purged));
            }
            Request::BindQueue { queue, exchange, routing_key } => {
                let (queue, exchange, key) = (short(&queue)?, short(&exchange)?, short(&routing_key)?);
                channel.queue_bind(queue, exchange, key, QueueBindOptions::default(), none()).await?;
            }
            Request::BindExchange { to, exchange, routing_key } => {
                let (to, exchange, key) = (short(&to)?, short(&exchange)?, short(&routing_key)?);
                channel.exchange_bind(to, exchange, key, ExchangeBindOptions::default(), none()).await?;
            }
            Request::UnbindQueue { queue, exchange, routing_key } => {
                let (queue, exchange, key) = (short(&queue)?, short(&exchange)?, short(&routing_key)?);
                channel.queue_unbind(queue, exchange, key, none()).await?;
            }
            Request::SelectConfirms => {
                channel.confirm_select(ConfirmSelectOptions::default()).await?;
                self.channels.borrow().get(&number).into_iter().for_each(|open| open.publishes.select_confirms());
            }
            Request::Qos { prefetch, global } => channel.basic_qos(prefetch, BasicQosOptions { global }).await?,
            Request::Consume { queue, consumer, no_ack } => {
                let options = BasicConsumeOptions { no_ack, ..BasicConsumeOptions::default() };
                let stream = channel.basic_consume(short(&queue)?, short(&consumer)?, options, none()).await?;
                self.consumers.borrow_mut().add(number, consumer, stream);
                self.bell.ring();
            }
            Request::Cancel(consumer) => {
                self.consumers.borrow_mut().cancel(number, &consumer);
                channel.basic_cancel(short(&consumer)?, BasicCancelOptions::default()).await?;
            }
            Request::Get { queue, no_ack } => {
                let found = channel.basic_get(short(&queue)?, BasicGetOptions { no_ack }).await?;
                return Ok(Reply::Got(found.map(|found| got(found.delivery))));
            }
        }
        Ok(Reply::Done)
    }
}
