//! AMQP methods on a link: names for effects, digests for traces.

use super::amqp::{Binding, Destination, Event, Method, Rare, Refusal};
use crate::env::{Digest, Frame};
use crate::message::Message;
use std::fmt;

/// From a client to the broker.
#[derive(Clone, Debug)]
pub enum ToServer {
    /// A method.
    Method(Method),
    /// A publish that is there already, as after a retry whose first try had arrived: over another connection, so nobody
    /// waits for a confirm of it.
    Twin(Method),
    /// The client lives.
    Heartbeat,
    /// The client has said all that it has to say: the link is closed when that is done. For servers that the link only
    /// leads to.
    Close,
}

/// From the broker to a client.
#[derive(Clone, Debug)]
pub enum FromServer {
    /// An answer or a delivery.
    Event(Event),
    /// The broker lives.
    Heartbeat,
}

fn digest_message(digest: Digest, message: &Message) -> Digest {
    let id = message.properties.correlation_id.as_deref().unwrap_or_default();
    digest.bytes(id.as_bytes()).number(message.headers.len() as u64).bytes(&message.body)
}

fn id(message: &Message) -> &str {
    message.properties.correlation_id.as_deref().unwrap_or("(no id)")
}

impl Frame for ToServer {
    fn label(&self) -> &'static str {
        let method = match self {
            ToServer::Method(method) | ToServer::Twin(method) => method,
            ToServer::Heartbeat => return "heartbeat",
            ToServer::Close => return "connection.close",
        };
        match method {
            Method::ExchangeDeclare { .. } => "exchange.declare",
            Method::ExchangeDelete { .. } => "exchange.delete",
            Method::QueueDeclare { .. } => "queue.declare",
            Method::QueueDelete { .. } => "queue.delete",
            Method::QueuePurge { .. } => "queue.purge",
            Method::QueueBind { .. } => "queue.bind",
            Method::QueueUnbind { .. } => "queue.unbind",
            Method::ConfirmSelect => "confirm.select",
            Method::Publish { .. } => "basic.publish",
            Method::Qos { .. } => "basic.qos",
            Method::Consume { .. } => "basic.consume",
            Method::Cancel { .. } => "basic.cancel",
            Method::Ack { .. } => "basic.ack",
            Method::Nack { .. } => "basic.nack",
            Method::Release { .. } => "basic.release",
            Method::Get { .. } => "basic.get",
            Method::Rare(rare) => match **rare {
                Rare::ExchangeExists { .. } => "exchange.declare",
                Rare::ExchangeDelete { .. } => "exchange.delete",
                Rare::Bind(Binding { to: Destination::Queue(_), .. }) => "queue.bind",
                Rare::Bind(Binding { to: Destination::Exchange(_), .. }) => "exchange.bind",
                Rare::Unbind(Binding { to: Destination::Queue(_), .. }) => "queue.unbind",
                Rare::Unbind(Binding { to: Destination::Exchange(_), .. }) => "exchange.unbind",
                Rare::QueueDelete { .. } => "queue.delete",
                Rare::Consume { .. } => "basic.consume",
                Rare::QosEach { .. } => "basic.qos",
                Rare::Recover => "basic.recover",
            },
        }
    }

    fn digest(&self) -> u64 {
        let digest = Digest::of(self.label());
        let (ToServer::Method(method) | ToServer::Twin(method)) = self else { return digest.finish() };
        match method {
            Method::Publish { routing_key, message, .. } => {
                digest_message(digest.bytes(routing_key.as_bytes()), message)
            }
            Method::Ack { tag, multiple } => digest.number(*tag).number(u64::from(*multiple)),
            Method::Nack { tag, multiple, requeue } => {
                digest.number(*tag).number(u64::from(*multiple) << 1 | u64::from(*requeue))
            }
            Method::Release { tag } => digest.number(*tag),
            Method::Qos { prefetch } => digest.number(u64::from(*prefetch)),
            Method::QueueDeclare { queue, .. } | Method::Consume { queue, .. } | Method::Get { queue, .. } => {
                digest.bytes(queue.as_bytes())
            }
            _ => digest,
        }
        .finish()
    }

    fn duplicate(&self) -> Option<Box<dyn Frame>> {
        match self {
            ToServer::Method(publish @ Method::Publish { .. }) => Some(Box::new(ToServer::Twin(publish.clone()))),
            _ => None,
        }
    }
}

impl Frame for FromServer {
    fn label(&self) -> &'static str {
        let FromServer::Event(event) = self else { return "heartbeat" };
        match event {
            Event::Done => "ok",
            Event::QueueDeclared { .. } => "queue.declare-ok",
            Event::QueueDeleted { .. } => "queue.delete-ok",
            Event::Delivered(_) => "basic.deliver",
            Event::GetEmpty => "basic.get-empty",
            Event::Confirmed { .. } => "confirm.ack",
            Event::Refused { .. } => "confirm.nack",
            Event::Returned { .. } => "basic.return",
            Event::ConsumerCancelled { .. } => "consumer.cancel",
            Event::Closed { .. } => "channel.close",
            Event::Consuming { .. } => "basic.consume-ok",
            Event::Blocked { .. } => "connection.blocked",
            Event::Unblocked => "connection.unblocked",
        }
    }

    fn digest(&self) -> u64 {
        let digest = Digest::of(self.label());
        let FromServer::Event(event) = self else { return digest.finish() };
        match event {
            Event::Delivered(delivery) => {
                let flags = u64::from(delivery.delivery_count) << 1 | u64::from(delivery.redelivered);
                digest_message(digest.number(delivery.tag).number(flags), &delivery.message)
            }
            Event::Confirmed { seq, multiple } => digest.number(*seq).number(u64::from(*multiple)),
            Event::Refused { seq, why: Refusal::QueueFull } => digest.number(*seq),
            Event::Refused { seq, why: Refusal::StoreFull } => digest.number(*seq).number(1),
            Event::Refused { seq, why: Refusal::Said(why) } => digest.number(*seq).bytes(why.as_bytes()),
            Event::Closed { code, text } => digest.number(u64::from(*code)).bytes(text.as_bytes()),
            _ => digest,
        }
        .finish()
    }
}

impl fmt::Display for ToServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())?;
        match self {
            ToServer::Method(Method::Publish { routing_key, message, .. })
            | ToServer::Twin(Method::Publish { routing_key, message, .. }) => {
                write!(f, " {} -> {routing_key}", id(message))
            }
            ToServer::Method(Method::Ack { tag, multiple: false }) => write!(f, " {tag}"),
            ToServer::Method(Method::Ack { tag, multiple: true }) => write!(f, " up to {tag}"),
            ToServer::Method(Method::Nack { tag, requeue: true, .. }) => write!(f, " {tag}, requeue"),
            ToServer::Method(Method::Nack { tag, requeue: false, .. } | Method::Release { tag }) => write!(f, " {tag}"),
            ToServer::Method(Method::Qos { prefetch }) => write!(f, " {prefetch}"),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for FromServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())?;
        match self {
            FromServer::Event(Event::Delivered(delivery)) => {
                write!(f, " {} as {}", id(&delivery.message), delivery.tag)?;
                if delivery.redelivered { f.write_str(" (redelivered)") } else { Ok(()) }
            }
            FromServer::Event(Event::Confirmed { seq, .. } | Event::Refused { seq, .. }) => write!(f, " {seq}"),
            FromServer::Event(Event::Closed { code, text }) => write!(f, " {code} {text}"),
            _ => Ok(()),
        }
    }
}
