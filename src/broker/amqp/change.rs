//! Changes of what a restart keeps, for a journal.
//!
//! Durable exchanges, durable queues that are not exclusive, their bindings, and the persistent messages in them: each
//! change is told in the call that makes it, and a snapshot tells the state as the changes that would make it anew.
//! Whoever replays them ([`super::Recovery`]) has an engine as it was, clients gone, and then restarts it.

use super::dead_letter::Death;
use super::kept_options::write_options;
use super::lost::Was;
use super::output::DeathReason;
use super::stored::{NEVER, Origin, StoredMessage};
use super::{ExchangeKind, Name, QueueOptions};
use crate::journal::codec::{Malformed, Put, Reader};
use crate::journal::{Clock, message};
use std::sync::Arc;

/// One change of what a restart keeps, in its binary form's terms.
#[derive(Clone, Copy, Debug)]
pub struct Change<'a>(pub(super) Kind<'a>);

/// Queues are told apart by their keys, copies by their positions in them: names may come back.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind<'a> {
    ExchangeDeclared {
        exchange: &'a Name,
        kind: ExchangeKind,
        auto_delete: bool,
    },
    /// With its bindings.
    ExchangeDeleted {
        exchange: &'a Name,
    },
    QueueDeclared {
        queue: u64,
        name: &'a Name,
        options: &'a QueueOptions,
    },
    /// With its bindings and copies, which took so many bytes.
    QueueDeleted {
        queue: u64,
        bytes: u64,
    },
    Bound {
        queue: u64,
        exchange: &'a Name,
        routing_key: &'a Name,
    },
    Unbound {
        queue: u64,
        exchange: &'a Name,
        routing_key: &'a Name,
    },
    Stored {
        queue: u64,
        copy: &'a StoredMessage,
    },
    /// A client has it: a restart counts that as a return.
    Delivered {
        queue: u64,
        position: u64,
        channel: u64,
        tag: u64,
    },
    Returned {
        queue: u64,
        position: u64,
        delivery_count: u32,
    },
    Gone {
        queue: u64,
        copy: &'a StoredMessage,
        was: Was,
    },
}

impl Change<'_> {
    /// Bytes that are of no use any more.
    pub(crate) fn frees(&self) -> u64 {
        match self.0 {
            Kind::QueueDeleted { bytes, .. } => bytes,
            Kind::Gone { copy, .. } => copy.journaled.into(),
            _ => 0,
        }
    }

    /// Whether a snapshot would tell it, too.
    pub(crate) fn lasts(&self) -> bool {
        matches!(
            self.0,
            Kind::Stored { .. } | Kind::QueueDeclared { .. } | Kind::ExchangeDeclared { .. } | Kind::Bound { .. }
        )
    }

    /// Appends its binary form.
    pub(crate) fn write(&self, clock: Clock, out: &mut Vec<u8>) {
        match self.0 {
            Kind::ExchangeDeclared { exchange, kind, auto_delete } => {
                out.byte(1);
                out.text(exchange);
                out.byte(kind as u8);
                out.byte(u8::from(auto_delete));
            }
            Kind::ExchangeDeleted { exchange } => {
                out.byte(2);
                out.text(exchange);
            }
            Kind::QueueDeclared { queue, name, options } => {
                out.byte(3);
                out.number(queue);
                out.text(name);
                write_options(options, out);
            }
            Kind::QueueDeleted { queue, .. } => {
                out.byte(4);
                out.number(queue);
            }
            Kind::Bound { queue, exchange, routing_key } | Kind::Unbound { queue, exchange, routing_key } => {
                out.byte(if matches!(self.0, Kind::Bound { .. }) { 5 } else { 6 });
                out.number(queue);
                out.text(exchange);
                out.text(routing_key);
            }
            Kind::Stored { queue, copy } => {
                out.byte(7);
                out.number(queue);
                write_copy(copy, clock, out);
            }
            Kind::Delivered { queue, position, channel, tag } => {
                out.byte(8);
                [queue, position, channel, tag].into_iter().for_each(|number| out.number(number));
            }
            Kind::Returned { queue, position, delivery_count } => {
                out.byte(9);
                [queue, position, delivery_count.into()].into_iter().for_each(|number| out.number(number));
            }
            Kind::Gone { queue, copy, .. } => {
                out.byte(10);
                [queue, copy.position].into_iter().for_each(|number| out.number(number));
            }
        }
    }
}

fn write_copy(copy: &StoredMessage, clock: Clock, out: &mut Vec<u8>) {
    let StoredMessage { message, origin, position, expires_at, deaths, delivery_count, priority, redelivered, .. } =
        copy;
    out.number(*position);
    out.byte(*priority);
    out.byte(u8::from(*redelivered));
    out.number((*delivery_count).into());
    out.byte(u8::from(*expires_at != NEVER));
    if *expires_at != NEVER {
        out.signed(clock.to_wall(*expires_at));
    }
    write_origin(origin, out);
    let deaths = deaths.as_deref().map_or(&[][..], Vec::as_slice);
    out.number(deaths.len() as u64);
    for death in deaths {
        out.text(&death.queue);
        out.byte(death.reason as u8);
        out.number(death.count);
        out.number(death.time);
        write_origin(&death.origin, out);
        out.option(death.original_expiration);
    }
    message::write(message, out);
}

pub(super) fn read_copy(from: &mut Reader<'_>, clock: Clock) -> Result<StoredMessage, Malformed> {
    let before = from.0.len();
    let (position, priority, redelivered, delivery_count) = (from.number()?, from.byte()?, from.flag()?, from.small()?);
    let expires_at = if from.flag()? { clock.to_deadline(from.signed()?) } else { NEVER };
    let origin = read_origin(from)?;
    let deaths = (0..from.number()?).map(|_| read_death(from)).collect::<Result<Vec<_>, _>>()?;
    let deaths = (!deaths.is_empty()).then(|| Arc::new(deaths));
    let message = Arc::new(message::read(from)?);
    let journaled = u32::try_from(before - from.0.len()).unwrap_or(u32::MAX);
    Ok(StoredMessage {
        message,
        origin,
        position,
        expires_at,
        deaths,
        delivery_count,
        journaled,
        priority,
        redelivered,
    })
}

fn read_death(from: &mut Reader<'_>) -> Result<Death, Malformed> {
    use DeathReason::{DeliveryLimit, Expired, MaxLength, Rejected};
    Ok(Death {
        queue: from.text()?.into(),
        reason: *[Rejected, Expired, MaxLength, DeliveryLimit]
            .get(usize::from(from.byte()?))
            .ok_or(Malformed("an unknown reason of a dead letter"))?,
        count: from.number()?,
        time: from.number()?,
        origin: read_origin(from)?,
        original_expiration: from.option()?,
    })
}

fn write_origin(origin: &Origin, out: &mut Vec<u8>) {
    out.text(&origin.exchange);
    out.text(&origin.routing_key);
}

fn read_origin(from: &mut Reader<'_>) -> Result<Origin, Malformed> {
    Ok(Origin { exchange: from.text()?.into(), routing_key: from.text()?.into() })
}

pub(super) fn read_kind(from: &mut Reader<'_>) -> Result<ExchangeKind, Malformed> {
    match from.byte()? {
        0 => Ok(ExchangeKind::Direct),
        1 => Ok(ExchangeKind::Topic),
        2 => Ok(ExchangeKind::Fanout),
        3 => Ok(ExchangeKind::Headers),
        _ => Err(Malformed("an unknown kind of exchange")),
    }
}
