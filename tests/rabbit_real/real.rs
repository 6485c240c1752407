//! The node's side, through lapin.

use super::seen::{Seen, Taken, closing};
use super::simulated::counts;
use super::steps::{CHANNELS, CONNECTIONS, Step, arguments, confirms, connection_of};
use super::tables::{fields, headers_of, properties, shown};
use crate::servers::Rabbit;
use futures_util::future::join_all;
use futures_util::{FutureExt, Stream, StreamExt};
use lapin::message::Delivery;
use lapin::options::{
    BasicAckOptions, BasicCancelOptions, BasicConsumeOptions, BasicGetOptions, BasicNackOptions, BasicPublishOptions,
    BasicQosOptions, BasicRecoverOptions, ConfirmSelectOptions, ExchangeBindOptions, ExchangeDeclareOptions,
    ExchangeDeleteOptions, ExchangeUnbindOptions, QueueBindOptions, QueueDeclareOptions, QueueDeleteOptions,
    QueuePurgeOptions,
};
use lapin::types::FieldTable;
use lapin::{Channel, Confirmation, Connection, ConnectionProperties, Consumer, ErrorKind, PublisherConfirm};
use simq::broker::amqp::{Destination, ExchangeKind, Method, Name, Rare, closes_connection};
use std::collections::BTreeMap;
use std::pin::Pin;

struct Seat {
    channel: Channel,
    consumers: BTreeMap<String, Consumer>,
    /// Cancelled by the client: their stream must live until it ends.
    leaving: Vec<Consumer>,
    published: u64,
    confirms: Vec<(u64, PublisherConfirm)>,
    closed: bool,
}

type Events = Pin<Box<dyn Stream<Item = lapin::Event>>>;

pub(crate) struct Real<'a> {
    url: String,
    /// To restart it.
    pub(crate) node: Option<&'a Rabbit>,
    connections: Vec<Connection>,
    /// What each connection says of itself.
    events: Vec<Events>,
    heard: Vec<(usize, lapin::Error)>,
    /// Where queues are looked at.
    pub(crate) control: Channel,
    seats: Vec<Seat>,
    pub(crate) seen: Seen,
}

type Answer = lapin::Result<String>;

impl Real<'_> {
    pub(crate) async fn connect(url: &str) -> Self {
        let mut real = Real {
            url: url.to_owned(),
            node: None,
            connections: Vec::new(),
            events: Vec::new(),
            heard: Vec::new(),
            control: connection(url).await.create_channel().await.expect("a channel"),
            seats: Vec::new(),
            seen: Seen::default(),
        };
        for _ in 0..CONNECTIONS {
            let connection = connection(url).await;
            real.events.push(Box::pin(connection.events_listener()));
            real.connections.push(connection);
        }
        for number in 0..CHANNELS {
            let seat = real.open(number).await;
            real.seats.push(seat);
        }
        real
    }

    async fn open(&self, number: usize) -> Seat {
        let channel = self.connections[connection_of(number)].create_channel().await.expect("a channel");
        Seat {
            channel,
            consumers: BTreeMap::new(),
            leaving: Vec::new(),
            published: 0,
            confirms: Vec::new(),
            closed: false,
        }
    }

    pub(crate) async fn apply(&mut self, step: &Step) {
        match step {
            Step::Ask(channel, method) => {
                let answer = self.ask(*channel, method).await;
                match answer {
                    Ok(reply) => self.seen.reply = reply,
                    Err(error) => self.failed(*channel, &error),
                }
            }
            Step::Settle { .. } => unreachable!("it has become a method"),
            Step::CloseChannel(channel) => self.reopen(*channel).await,
            Step::CloseConnection(connection) => self.reconnect(*connection).await,
            Step::Wait(_) => {}
            Step::Restart => {
                self.node
                    .expect("a story that has the node for itself")
                    .control(&["eval", "rabbit:stop(), rabbit:start()."]);
                self.control = connection(&self.url).await.create_channel().await.expect("a channel");
                for connection in 0..CONNECTIONS {
                    self.reconnect(connection).await;
                }
            }
        }
    }

    /// A channel that was closed says so once: its other calls only know that it is.
    fn failed(&mut self, channel: usize, error: &lapin::Error) {
        self.seats[channel].closed = true;
        let ErrorKind::ProtocolError(said) = error.kind() else { return };
        let all = closes_connection(said.get_id());
        let siblings = |other: &usize| *other == channel || all && connection_of(*other) == connection_of(channel);
        for closed in (0..CHANNELS).filter(siblings) {
            self.seats[closed].closed = true;
            self.seen.closed.entry(closed).or_insert_with(|| closing(said.get_id(), said.get_message().as_str()));
        }
    }

    pub(crate) async fn reopen(&mut self, channel: usize) {
        let old = &mut self.seats[channel];
        if !old.closed {
            old.channel.close(200, "OK".into()).await.expect("it closes");
        }
        self.seats[channel] = self.open(channel).await;
    }

    pub(crate) async fn reconnect(&mut self, number: usize) {
        let old = std::mem::replace(&mut self.connections[number], connection(&self.url).await);
        self.events[number] = Box::pin(self.connections[number].events_listener());
        let _ = old.close(200, "OK".into()).await;
        for channel in (0..CHANNELS).filter(|channel| connection_of(*channel) == number) {
            self.seats[channel] = self.open(channel).await;
        }
    }

    async fn ask(&mut self, number: usize, method: &Method) -> Answer {
        let ok = || "ok".to_owned();
        let seat = &mut self.seats[number];
        let channel = seat.channel.clone();
        Ok(match method {
            Method::Publish { exchange, routing_key, mandatory, message } => {
                let options = BasicPublishOptions { mandatory: *mandatory, ..BasicPublishOptions::default() };
                let (to, key) = ((&**exchange).into(), (&**routing_key).into());
                let confirm = channel.basic_publish(to, key, options, &message.body, properties(message)).await?;
                seat.published += 1;
                if confirms(number) {
                    seat.confirms.push((seat.published, confirm));
                }
                String::new()
            }
            Method::Ack { tag, multiple } => {
                channel.basic_ack(*tag, BasicAckOptions { multiple: *multiple }).await?;
                String::new()
            }
            Method::Nack { tag, multiple, requeue } => {
                channel.basic_nack(*tag, BasicNackOptions { multiple: *multiple, requeue: *requeue }).await?;
                String::new()
            }
            Method::QueueDeclare { queue, passive, options } => {
                let table = if *passive { FieldTable::default() } else { arguments(options) };
                let declare = QueueDeclareOptions {
                    passive: *passive,
                    durable: options.durable,
                    exclusive: options.exclusive,
                    auto_delete: options.auto_delete,
                    nowait: false,
                };
                let declared = channel.queue_declare((&**queue).into(), declare, table).await?;
                format!("declared, {}", counts(declared.message_count() as usize, declared.consumer_count() as usize))
            }
            Method::QueueDelete { queue } => {
                let gone = channel.queue_delete((&**queue).into(), QueueDeleteOptions::default()).await?;
                format!("{gone} gone")
            }
            Method::QueuePurge { queue } => {
                format!("{} gone", channel.queue_purge((&**queue).into(), QueuePurgeOptions::default()).await?)
            }
            Method::QueueBind { queue, exchange, routing_key } => {
                let (queue, exchange, key) = ((&**queue).into(), (&**exchange).into(), (&**routing_key).into());
                channel.queue_bind(queue, exchange, key, QueueBindOptions::default(), FieldTable::default()).await?;
                ok()
            }
            Method::QueueUnbind { queue, exchange, routing_key } => {
                let (queue, exchange, key) = ((&**queue).into(), (&**exchange).into(), (&**routing_key).into());
                channel.queue_unbind(queue, exchange, key, FieldTable::default()).await?;
                ok()
            }
            Method::ConfirmSelect => {
                channel.confirm_select(ConfirmSelectOptions::default()).await?;
                ok()
            }
            Method::Qos { prefetch } => {
                channel.basic_qos(*prefetch as u16, BasicQosOptions { global: true }).await?;
                ok()
            }
            Method::Get { queue, no_ack } => {
                match channel.basic_get((&**queue).into(), BasicGetOptions { no_ack: *no_ack }).await? {
                    None => "empty".to_owned(),
                    Some(got) => {
                        self.seen.got = Some(taken(&got.delivery));
                        String::new()
                    }
                }
            }
            Method::Cancel { consumer } => {
                seat.leaving.extend(seat.consumers.remove(&**consumer));
                channel.basic_cancel((&**consumer).into(), BasicCancelOptions::default()).await?;
                ok()
            }
            Method::ExchangeDeclare { exchange, kind, durable, auto_delete } => {
                let options = ExchangeDeclareOptions {
                    durable: *durable,
                    auto_delete: *auto_delete,
                    ..ExchangeDeclareOptions::default()
                };
                let kind = match kind {
                    ExchangeKind::Direct => lapin::ExchangeKind::Direct,
                    ExchangeKind::Topic => lapin::ExchangeKind::Topic,
                    ExchangeKind::Fanout => lapin::ExchangeKind::Fanout,
                    ExchangeKind::Headers => lapin::ExchangeKind::Headers,
                };
                channel.exchange_declare((&**exchange).into(), kind, options, FieldTable::default()).await?;
                ok()
            }
            Method::Rare(rare) => self.ask_rare(number, rare).await?,
            other => panic!("{other:?} is no method of AMQP"),
        })
    }

    async fn ask_rare(&mut self, number: usize, rare: &Rare) -> Answer {
        let seat = &mut self.seats[number];
        let channel = seat.channel.clone();
        match rare {
            Rare::ExchangeExists { exchange } => {
                let options = ExchangeDeclareOptions { passive: true, ..ExchangeDeclareOptions::default() };
                let kind = lapin::ExchangeKind::Direct;
                channel.exchange_declare((&**exchange).into(), kind, options, FieldTable::default()).await?;
            }
            Rare::ExchangeDelete { exchange, if_unused } => {
                let options = ExchangeDeleteOptions { if_unused: *if_unused, nowait: false };
                channel.exchange_delete((&**exchange).into(), options).await?;
            }
            Rare::Bind(binding) => {
                let (from, key) = ((&*binding.exchange).into(), (&*binding.routing_key).into());
                let table = fields(&binding.arguments);
                match &binding.to {
                    Destination::Queue(queue) => {
                        let options = QueueBindOptions::default();
                        channel.queue_bind((&**queue).into(), from, key, options, table).await?;
                    }
                    Destination::Exchange(to) => {
                        let options = ExchangeBindOptions::default();
                        channel.exchange_bind((&**to).into(), from, key, options, table).await?;
                    }
                }
            }
            Rare::Unbind(binding) => {
                let (from, key) = ((&*binding.exchange).into(), (&*binding.routing_key).into());
                let table = fields(&binding.arguments);
                match &binding.to {
                    Destination::Queue(queue) => channel.queue_unbind((&**queue).into(), from, key, table).await?,
                    Destination::Exchange(to) => {
                        let options = ExchangeUnbindOptions::default();
                        channel.exchange_unbind((&**to).into(), from, key, options, table).await?;
                    }
                }
            }
            Rare::QueueDelete { queue, if_unused, if_empty } => {
                let options = QueueDeleteOptions { if_unused: *if_unused, if_empty: *if_empty, nowait: false };
                return Ok(format!("{} gone", channel.queue_delete((&**queue).into(), options).await?));
            }
            Rare::Consume { queue, consumer, options } => {
                let mut table = FieldTable::default();
                if options.priority != 0 {
                    table.insert("x-priority".into(), options.priority.into());
                }
                let consume = BasicConsumeOptions {
                    no_ack: options.no_ack,
                    exclusive: options.exclusive,
                    ..BasicConsumeOptions::default()
                };
                let tag = (&**consumer).into();
                let stream = channel.basic_consume((&**queue).into(), tag, consume, table).await?;
                seat.consumers.insert(consumer.to_string(), stream);
            }
            Rare::QosEach { prefetch } => {
                channel.basic_qos(*prefetch as u16, BasicQosOptions { global: false }).await?;
            }
            Rare::Recover => channel.basic_recover(BasicRecoverOptions { requeue: true }).await?,
        }
        Ok("ok".to_owned())
    }

    /// Asks everybody something harmless, the one who acted first: what was under way before has arrived then, as far
    /// as one process of the node waits for the other. Then looks at what came.
    pub(crate) async fn look(&mut self, actor: usize, queues: &[String]) {
        self.sync([actor].into_iter()).await;
        let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        let control = self.control.clone();
        let looked = queues.iter().map(|queue| {
            let asked = control.queue_declare(queue.as_str().into(), passive, FieldTable::default());
            async move { (queue.clone(), asked.await) }
        });
        self.seen.counts.clear();
        for (queue, found) in join_all(looked).await {
            let found = match found {
                Ok(found) => counts(found.message_count() as usize, found.consumer_count() as usize),
                Err(error) => error.to_string(),
            };
            self.seen.counts.insert(queue, found);
        }
        if !self.control.status().connected() {
            self.control = connection(&self.url).await.create_channel().await.expect("a channel");
        }
        self.sync(0..CHANNELS).await;
        for channel in 0..CHANNELS {
            self.take(channel);
        }
        self.hear();
    }

    /// Why a channel was closed, if its calls came too late to be told.
    fn hear(&mut self) {
        self.listen();
        for (connection, error) in std::mem::take(&mut self.heard) {
            let mut channels = (0..CHANNELS).filter(|channel| connection_of(*channel) == connection);
            let untold = |channel: &usize| self.seats[*channel].closed && !self.seen.closed.contains_key(channel);
            match channels.find(untold) {
                Some(channel) => self.failed(channel, &error),
                None => self.heard.push((connection, error)),
            }
        }
    }

    fn listen(&mut self) {
        for (connection, events) in self.events.iter_mut().enumerate() {
            while let Some(Some(event)) = events.next().now_or_never() {
                match event {
                    lapin::Event::Error(error) => self.heard.push((connection, error)),
                    lapin::Event::ConnectionBlocked(why) => self.seen.reply = format!("blocked: {why}"),
                    lapin::Event::ConnectionUnblocked => self.seen.reply = "unblocked".to_owned(),
                    _ => {}
                }
            }
        }
    }

    /// What was said before the next step.
    pub(crate) fn forget_events(&mut self) {
        self.listen();
        self.heard.clear();
        self.seen = Seen::default();
    }

    /// Leaves nothing behind: other clients, and no queues and exchanges of the run.
    pub(crate) async fn clean(&mut self, queues: &[Name], exchanges: &[Name]) {
        for connection in 0..CONNECTIONS {
            if !self.connections[connection].status().connected() {
                self.reconnect(connection).await;
            }
        }
        for channel in 0..CHANNELS {
            self.seats[channel].closed |= !self.seats[channel].channel.status().connected();
            self.reopen(channel).await;
        }
        for name in queues {
            let _ = self.control.queue_delete((&**name).into(), QueueDeleteOptions::default()).await;
        }
        for name in exchanges {
            let _ = self.control.exchange_delete((&**name).into(), ExchangeDeleteOptions::default()).await;
        }
        self.seen = Seen::default();
    }

    async fn sync(&mut self, channels: impl Iterator<Item = usize>) {
        let options = ExchangeDeclareOptions { passive: true, ..ExchangeDeclareOptions::default() };
        let asked = channels.filter(|channel| !self.seats[*channel].closed).map(|number| {
            let channel = self.seats[number].channel.clone();
            async move {
                let kind = lapin::ExchangeKind::Direct;
                let asked = channel.exchange_declare("amq.direct".into(), kind, options, FieldTable::default());
                (number, asked.await)
            }
        });
        for (channel, answer) in join_all(asked).await {
            if let Err(error) = answer {
                self.failed(channel, &error);
            }
        }
    }

    fn take(&mut self, number: usize) {
        let seat = &mut self.seats[number];
        let mut failure = None;
        let mut gone = Vec::new();
        for (tag, stream) in &mut seat.consumers {
            while let Some(next) = stream.next().now_or_never() {
                match next {
                    Some(Ok(delivery)) => {
                        self.seen.deliveries.entry((number, tag.clone())).or_default().push(taken(&delivery));
                    }
                    Some(Err(error)) => failure = Some(error),
                    None => {
                        gone.push(tag.clone());
                        break;
                    }
                }
            }
        }
        for tag in gone {
            seat.consumers.remove(&tag);
            if failure.is_none() && !seat.closed {
                self.seen.cancelled.push((number, tag));
            }
        }
        for (seq, confirm) in &mut seat.confirms {
            let said = match confirm.now_or_never() {
                None => continue,
                Some(Ok(Confirmation::Ack(None))) => "ack",
                Some(Ok(Confirmation::Ack(Some(returned)))) => {
                    assert_eq!((returned.reply_code, returned.reply_text.as_str()), (312, "NO_ROUTE"));
                    self.seen.reply.push_str("returned ");
                    "ack"
                }
                Some(Ok(_)) => "nack",
                Some(Err(error)) => {
                    failure = Some(error);
                    ""
                }
            };
            if !said.is_empty() {
                self.seen.confirms.insert((number, *seq), said.to_owned());
            }
            *seq = 0;
        }
        seat.confirms.retain(|(seq, _)| *seq != 0);
        if let Some(error) = failure {
            self.failed(number, &error);
        }
    }
}

pub(crate) async fn connection(url: &str) -> Connection {
    Connection::connect(url, ConnectionProperties::default()).await.expect("RabbitMQ answers")
}

fn taken(delivery: &Delivery) -> Taken {
    let expiration = delivery.properties.expiration().as_ref().map(|text| text.as_str().to_owned());
    Taken {
        tag: delivery.delivery_tag,
        shown: shown(
            &delivery.data,
            delivery.redelivered,
            delivery.exchange.as_str(),
            delivery.routing_key.as_str(),
            expiration.as_deref(),
            headers_of(&delivery.properties),
        ),
    }
}
