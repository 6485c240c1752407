//! Connections: the channels that go together, and what goes with them.

use super::channel::Channel;
use super::queue::QueueId;
use super::{ChannelId, Engine, Event, Method, Name, Output};

/// A connection's key, never reused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ConnectionId(pub(super) u64);

/// The broker's side of one connection.
#[derive(Clone, Debug, Default)]
pub(super) struct Connection {
    pub(super) channels: Vec<ChannelId>,
    /// Queues that go when the connection goes.
    pub(super) exclusive: Vec<QueueId>,
    /// It has published during an alarm: what it sent since then is not read yet.
    unread: Option<Vec<(ChannelId, Method)>>,
}

impl Engine {
    /// A new connection with its first channel.
    pub fn open(&mut self) -> ChannelId {
        let connection = ConnectionId(self.connections.insert(Connection::default()));
        self.add_channel(connection, 1)
    }

    /// Another channel, `number`, on the connection of `on`; `None` when that is gone.
    pub fn open_channel(&mut self, on: ChannelId, number: u16) -> Option<ChannelId> {
        let connection = self.channels.get(on.0)?.connection;
        self.connections.get(connection.0)?;
        Some(self.add_channel(connection, number))
    }

    fn add_channel(&mut self, connection: ConnectionId, number: u16) -> ChannelId {
        let id = ChannelId(self.channels.insert(Channel::new(connection, number)));
        if let Some(connection) = self.connections.get_mut(connection.0) {
            connection.channels.push(id);
        }
        id
    }

    /// The channel was closed by its client, or the client has answered to [`Event::Closed`]: what is unacked returns.
    /// The connection stays, even without a channel.
    pub fn close_channel(&mut self, ch: ChannelId, now: u64, out: &mut impl Output) {
        self.release_channels(&[ch], now, out);
        if let Some(channel) = self.channels.remove(ch.0)
            && let Some(connection) = self.connections.get_mut(channel.connection.0)
        {
            connection.channels.retain(|other| *other != ch);
        }
        self.run(now, out);
    }

    /// The connection of `ch` was closed or lost: what is unacked returns to its original position (redelivered, delivery
    /// count + 1), the connection's exclusive queues and auto-delete queues without a consumer go.
    ///
    /// An unknown channel is ignored, and so is everything that is sent to the connection's channels afterwards.
    pub fn close(&mut self, ch: ChannelId, now: u64, out: &mut impl Output) {
        let Some(id) = self.channels.get(ch.0).map(|channel| channel.connection) else { return };
        let Connection { channels, exclusive, .. } = self.connections.remove(id.0).unwrap_or_default();
        self.release_channels(&channels, now, out);
        for ch in channels {
            self.channels.remove(ch.0);
        }
        for queue in exclusive {
            self.delete_queue(queue, out);
        }
        self.run(now, out);
    }

    /// Channels that hear of an error on `ch`: itself, or all of its connection.
    pub(super) fn whom_it_closes(&self, ch: ChannelId, whole_connection: bool) -> Vec<ChannelId> {
        let connection = self.channels.get(ch.0).and_then(|channel| self.connections.get(channel.connection.0));
        match connection {
            Some(connection) if whole_connection => connection.channels.clone(),
            _ => vec![ch],
        }
    }

    /// The connection that a channel belongs to.
    pub(super) fn connection_of(&self, ch: ChannelId) -> ConnectionId {
        self.channels.get(ch.0).map_or(ConnectionId(0), |channel| channel.connection)
    }

    /// Raises an alarm (`low on memory`, `low on disk`), or ends it.
    ///
    /// A connection that publishes from now on is told so, and neither that publish nor anything after it is read until
    /// the alarm ends; who does not publish notices nothing.
    pub fn set_alarm(&mut self, why: Option<Name>, now: u64, out: &mut impl Output) {
        self.alarm = why;
        if self.alarm.is_some() {
            return;
        }
        let mut unread = Vec::new();
        for connection in self.connections.values_mut() {
            if let Some(methods) = connection.unread.take() {
                connection.channels.first().into_iter().for_each(|first| out.send(*first, Event::Unblocked));
                unread.extend(methods);
            }
        }
        for (ch, method) in unread {
            self.apply(ch, method, now, out);
        }
    }

    /// Leaves a method unread if it comes from a blocked connection, or blocks that now.
    pub(super) fn leaves_unread(&mut self, ch: ChannelId, method: &Method, out: &mut impl Output) -> bool {
        let connection = self.connection_of(ch);
        let (Some(connection), Some(why)) = (self.connections.get_mut(connection.0), &self.alarm) else { return false };
        let publishes = matches!(method, Method::Publish { .. });
        if publishes && connection.unread.is_none() {
            let first = connection.channels.first().copied().unwrap_or(ch);
            out.send(first, Event::Blocked { why: why.clone() });
            connection.unread = Some(Vec::new());
        }
        let Some(unread) = &mut connection.unread else { return false };
        unread.push((ch, method.clone()));
        true
    }
}
