//! What crosses a simulated connection to RabbitMQ: one method, or a heartbeat.

use crate::env::amqp::{ChannelNumber, Method, Reply, Request, Said, Settlement};
use crate::env::{Digest, Frame};
use crate::message::Message;
use std::fmt;

/// From a client.
#[derive(Clone, Debug)]
pub(super) enum ToRabbit {
    /// The handshake, with a heartbeat of so many seconds at most; 0 leaves it to the server.
    Open {
        heartbeat: u16,
    },
    Ask(ChannelNumber, Request),
    Write(ChannelNumber, Method),
    /// A publish that is there already, as after a retry whose first try had arrived: over another connection, so nobody
    /// waits for a confirm of it.
    Twin(Method),
    Heartbeat,
    Close,
}

/// From the server.
#[derive(Clone, Debug)]
pub(super) enum FromRabbit {
    /// The end of the handshake: a heartbeat of so many seconds.
    Opened {
        heartbeat: u16,
    },
    Reply(ChannelNumber, Reply),
    Said(Said),
    Heartbeat,
    /// The client's close was carried out.
    Closed,
}

fn digest_message(digest: Digest, message: &Message) -> Digest {
    let id = message.properties.correlation_id.as_deref().unwrap_or_default();
    digest.bytes(id.as_bytes()).number(message.headers.len() as u64).bytes(&message.body)
}

fn id(message: &Message) -> &str {
    message.properties.correlation_id.as_deref().unwrap_or("(no id)")
}

impl Frame for ToRabbit {
    fn label(&self) -> &'static str {
        match self {
            ToRabbit::Open { .. } => "amqp.open",
            ToRabbit::Heartbeat => "amqp.heartbeat",
            ToRabbit::Close => "amqp.close",
            ToRabbit::Twin(method) | ToRabbit::Write(_, method) => match method {
                Method::Publish { .. } => "amqp.publish",
                Method::Settle { how: Settlement::Ack, .. } => "amqp.ack",
                Method::Settle { .. } => "amqp.nack",
            },
            ToRabbit::Ask(_, request) => match request {
                Request::OpenChannel => "amqp.channel-open",
                Request::DeclareExchange { .. } => "amqp.exchange-declare",
                Request::DeleteExchange(_) => "amqp.exchange-delete",
                Request::DeclareQueue { .. } => "amqp.queue-declare",
                Request::DeleteQueue(_) => "amqp.queue-delete",
                Request::PurgeQueue(_) => "amqp.queue-purge",
                Request::BindQueue { .. } => "amqp.queue-bind",
                Request::BindExchange { .. } => "amqp.exchange-bind",
                Request::UnbindQueue { .. } => "amqp.queue-unbind",
                Request::SelectConfirms => "amqp.confirm-select",
                Request::Qos { .. } => "amqp.qos",
                Request::Consume { .. } => "amqp.consume",
                Request::Cancel(_) => "amqp.cancel",
                Request::Get { .. } => "amqp.get",
            },
        }
    }

    fn digest(&self) -> u64 {
        let digest = Digest::of(self.label());
        match self {
            ToRabbit::Open { heartbeat } => digest.number(u64::from(*heartbeat)),
            ToRabbit::Write(channel, method) => digest_method(digest.number(u64::from(*channel)), method),
            ToRabbit::Twin(method) => digest_method(digest, method),
            ToRabbit::Ask(channel, request) => digest_request(digest.number(u64::from(*channel)), request),
            ToRabbit::Heartbeat | ToRabbit::Close => digest,
        }
        .finish()
    }

    fn duplicate(&self) -> Option<Box<dyn Frame>> {
        match self {
            ToRabbit::Write(_, publish @ Method::Publish { .. }) => Some(Box::new(ToRabbit::Twin(publish.clone()))),
            // An error of a client that settles what is settled.
            ToRabbit::Write(_, Method::Settle { .. }) => Some(Box::new(self.clone())),
            _ => None,
        }
    }
}

fn digest_method(digest: Digest, method: &Method) -> Digest {
    match method {
        Method::Publish { routing_key, message, .. } => digest_message(digest.bytes(routing_key.as_bytes()), message),
        Method::Settle { tag, multiple, how } => digest.number(*tag).number(u64::from(*multiple) << 2 | *how as u64),
    }
}

fn digest_request(digest: Digest, request: &Request) -> Digest {
    match request {
        Request::DeclareQueue { queue, arguments, .. } => {
            arguments.iter().fold(digest.bytes(queue.as_bytes()), |digest, (name, value)| {
                digest.bytes(name.as_bytes()).bytes(value.to_string().as_bytes())
            })
        }
        Request::Qos { prefetch, global } => digest.number(u64::from(*prefetch) << 1 | u64::from(*global)),
        Request::DeclareExchange { exchange: name, .. }
        | Request::DeleteExchange(name)
        | Request::DeleteQueue(name)
        | Request::PurgeQueue(name)
        | Request::BindQueue { queue: name, .. }
        | Request::BindExchange { to: name, .. }
        | Request::UnbindQueue { queue: name, .. }
        | Request::Consume { queue: name, .. }
        | Request::Cancel(name)
        | Request::Get { queue: name, .. } => digest.bytes(name.as_bytes()),
        Request::OpenChannel | Request::SelectConfirms => digest,
    }
}

impl Frame for FromRabbit {
    fn label(&self) -> &'static str {
        match self {
            FromRabbit::Opened { .. } => "amqp.open-ok",
            FromRabbit::Reply(_, Reply::Got(Some(_))) => "amqp.get-ok",
            FromRabbit::Reply(..) => "amqp.ok",
            FromRabbit::Heartbeat => "amqp.heartbeat",
            FromRabbit::Closed => "amqp.close-ok",
            FromRabbit::Said(said) => match said {
                Said::Delivered(..) => "amqp.deliver",
                Said::Confirmed { taken: true, .. } => "amqp.confirm",
                Said::Confirmed { taken: false, .. } => "amqp.refuse",
                Said::Returned { .. } => "amqp.return",
                Said::Cancelled(..) => "amqp.consumer-cancel",
                Said::Blocked(_) => "amqp.blocked",
                Said::Unblocked => "amqp.unblocked",
                Said::ChannelClosed { .. } => "amqp.channel-close",
                Said::Closed { .. } => "amqp.connection-close",
            },
        }
    }

    fn digest(&self) -> u64 {
        let digest = Digest::of(self.label());
        match self {
            FromRabbit::Opened { heartbeat } => digest.number(u64::from(*heartbeat)),
            FromRabbit::Reply(channel, reply) => {
                let digest = digest.number(u64::from(*channel));
                match reply {
                    Reply::Done => digest,
                    Reply::Declared { messages, consumers } => {
                        digest.number(u64::from(*messages)).number(u64::from(*consumers))
                    }
                    Reply::Deleted(messages) => digest.number(u64::from(*messages)),
                    Reply::Got(None) => digest.number(1),
                    Reply::Got(Some(got)) => digest_message(digest.number(got.tag), &got.message),
                }
            }
            FromRabbit::Said(Said::Delivered(channel, delivery)) => {
                let flags = u64::from(*channel) << 1 | u64::from(delivery.redelivered);
                let returned = delivery.returned.map_or(0, |returned| u64::from(returned) + 1);
                digest_message(digest.number(delivery.tag).number(flags).number(returned), &delivery.message)
            }
            FromRabbit::Said(Said::Confirmed { channel, tag, multiple, .. }) => {
                digest.number(u64::from(*channel)).number(*tag).number(u64::from(*multiple))
            }
            FromRabbit::Said(Said::ChannelClosed { channel, code, text }) => {
                digest.number(u64::from(*channel)).number(u64::from(*code)).bytes(text.as_bytes())
            }
            FromRabbit::Said(Said::Closed { code, text }) => digest.number(u64::from(*code)).bytes(text.as_bytes()),
            _ => digest,
        }
        .finish()
    }
}

impl fmt::Display for ToRabbit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())?;
        match self {
            ToRabbit::Write(_, method) | ToRabbit::Twin(method) => match method {
                Method::Publish { routing_key, message, .. } => write!(f, " {} -> {routing_key}", id(message)),
                Method::Settle { tag, multiple, how } => {
                    let (all, requeue) = (*multiple, *how == Settlement::Requeue);
                    write!(f, "{} {tag}{}", if all { " up to" } else { "" }, if requeue { ", requeue" } else { "" })
                }
            },
            ToRabbit::Ask(_, request) => match request {
                Request::DeclareQueue { queue, passive: true, .. } => write!(f, " {queue}, passive"),
                Request::DeclareQueue { queue, .. } | Request::Consume { queue, .. } => write!(f, " {queue}"),
                Request::DeclareExchange { exchange, .. } => write!(f, " {exchange}"),
                Request::Qos { prefetch, .. } => write!(f, " {prefetch}"),
                _ => Ok(()),
            },
            _ => Ok(()),
        }
    }
}

impl fmt::Display for FromRabbit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())?;
        match self {
            FromRabbit::Said(Said::Delivered(_, delivery)) => {
                write!(f, " {} as {}", id(&delivery.message), delivery.tag)?;
                if delivery.redelivered { f.write_str(" (redelivered)") } else { Ok(()) }
            }
            FromRabbit::Said(Said::Confirmed { tag, multiple, .. }) => {
                write!(f, "{} {tag}", if *multiple { " up to" } else { "" })
            }
            FromRabbit::Said(Said::ChannelClosed { code, text, .. } | Said::Closed { code, text }) => {
                write!(f, " {code} {text}")
            }
            FromRabbit::Said(Said::Blocked(why)) => write!(f, " {why}"),
            _ => Ok(()),
        }
    }
}
