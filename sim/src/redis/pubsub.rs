//! Channels and patterns. A message reaches whoever is subscribed at that instant, once for each matching subscription.

use super::call::{Call, Outcome, Reply, bulk, int};
use super::command::{Command, Flags, LOADING, NO_KEYS, NO_SCRIPT, PUBSUB};
use super::errors::Error;
use super::glob::matches;
use super::{ClientId, Micros, Redis};
use ::redis::{PushKind, Value};
use indexmap::{IndexMap, IndexSet};
use rustc_hash::FxBuildHasher;

type Subscribers = IndexSet<ClientId, FxBuildHasher>;

/// Subscribers, in order of subscription.
#[derive(Default)]
pub(super) struct Topics {
    channels: IndexMap<Vec<u8>, Subscribers, FxBuildHasher>,
    patterns: IndexMap<Vec<u8>, Subscribers, FxBuildHasher>,
}

impl Topics {
    fn of(&mut self, patterns: bool) -> &mut IndexMap<Vec<u8>, Subscribers, FxBuildHasher> {
        if patterns { &mut self.patterns } else { &mut self.channels }
    }

    fn remove(&mut self, patterns: bool, topic: &[u8], client: ClientId) {
        let topics = self.of(patterns);
        if let Some(subscribers) = topics.get_mut(topic) {
            subscribers.shift_remove(&client);
            if subscribers.is_empty() {
                topics.shift_remove(topic);
            }
        }
    }
}

impl Redis {
    pub(super) fn unsubscribe_all(&mut self, client: ClientId) {
        let Some(state) = self.clients.get_mut(&client) else { return };
        for channel in std::mem::take(&mut state.channels) {
            self.topics.remove(false, &channel, client);
        }
        for pattern in std::mem::take(&mut state.patterns) {
            self.topics.remove(true, &pattern, client);
        }
    }

    /// Delivers a message, and counts its deliveries.
    fn publish(&mut self, channel: &[u8], message: &[u8]) -> usize {
        let before = self.out.len();
        for client in self.topics.channels.get(channel).into_iter().flatten() {
            let parts = vec![bulk(channel), bulk(message)];
            self.out.push((*client, self.unasked(*client, PushKind::Message, b"message", parts)));
        }
        for (pattern, subscribers) in self.topics.patterns.iter().filter(|(pattern, _)| matches(pattern, channel)) {
            for client in subscribers {
                let parts = vec![bulk(pattern), bulk(channel), bulk(message)];
                self.out.push((*client, self.unasked(*client, PushKind::PMessage, b"pmessage", parts)));
            }
        }
        self.out.len() - before
    }

    /// A message of the server's own.
    pub(super) fn announce(&mut self, channel: &[u8], message: &[u8], now: Micros, out: &mut Vec<(ClientId, Value)>) {
        self.now = now;
        self.publish(channel, message);
        out.append(&mut self.out);
    }

    /// A subscribed connection may do little else.
    pub(super) fn check_subscribed(&self, client: ClientId, command: &Command) -> Result<(), Error> {
        const ALLOWED: [&str; 7] = ["subscribe", "unsubscribe", "psubscribe", "punsubscribe", "ping", "quit", "reset"];
        let subscribed = self.clients.get(&client).is_some_and(|state| !state.resp3 && subscriptions(state) > 0);
        if !subscribed || ALLOWED.contains(&command.name) {
            return Ok(());
        }
        Err(Error::new(format!(
            "ERR Can't execute '{}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this \
             context",
            command.name
        )))
    }
}

pub(super) fn subscriptions(state: &super::clients::Client) -> usize {
    state.channels.len() + state.patterns.len()
}

const FLAGS: Flags = PUBSUB | NO_SCRIPT | LOADING;

pub(super) const COMMANDS: &[Command] = &[
    Command::special("subscribe", -2, FLAGS, NO_KEYS, |call| subscribe(call, false)),
    Command::special("psubscribe", -2, FLAGS, NO_KEYS, |call| subscribe(call, true)),
    Command::special("unsubscribe", -1, FLAGS, NO_KEYS, |call| unsubscribe(call, false)),
    Command::special("punsubscribe", -1, FLAGS, NO_KEYS, |call| unsubscribe(call, true)),
    Command::plain("publish", 3, PUBSUB | LOADING, NO_KEYS, publish),
    Command::container("pubsub"),
    Command::plain("pubsub|channels", -2, PUBSUB | LOADING, NO_KEYS, channels),
    Command::plain("pubsub|numsub", -2, PUBSUB | LOADING, NO_KEYS, numsub),
    Command::plain("pubsub|numpat", 2, PUBSUB | LOADING, NO_KEYS, |call| Ok(int(call.redis.topics.patterns.len()))),
    Command::plain("ping", -1, 0, NO_KEYS, ping),
];

fn subscribe(call: &mut Call<'_>, patterns: bool) -> Result<Outcome, Error> {
    let client = call.client;
    let (kind, word): (_, &[u8]) =
        if patterns { (PushKind::PSubscribe, b"psubscribe") } else { (PushKind::Subscribe, b"subscribe") };
    let mut replies = Vec::with_capacity(call.args.len() - 1);
    for topic in &call.args[1..] {
        call.redis.topics.of(patterns).entry(topic.clone()).or_default().insert(client);
        let Some(state) = call.redis.clients.get_mut(&client) else { break };
        let own = if patterns { &mut state.patterns } else { &mut state.channels };
        own.insert(topic.clone());
        let count = int(subscriptions(state));
        replies.push(call.redis.unasked(client, kind.clone(), word, vec![bulk(topic), count]));
    }
    Ok(Outcome::Replies(replies))
}

fn unsubscribe(call: &mut Call<'_>, patterns: bool) -> Result<Outcome, Error> {
    let client = call.client;
    let (kind, word): (_, &[u8]) =
        if patterns { (PushKind::PUnsubscribe, b"punsubscribe") } else { (PushKind::Unsubscribe, b"unsubscribe") };
    let Some(state) = call.redis.clients.get_mut(&client) else { return Ok(Outcome::Replies(Vec::new())) };
    let own = if patterns { &mut state.patterns } else { &mut state.channels };
    let topics: Vec<Vec<u8>> =
        if call.args.len() > 1 { call.args[1..].to_vec() } else { own.iter().cloned().collect() };
    let mut replies = Vec::with_capacity(topics.len());
    for topic in topics {
        let Some(state) = call.redis.clients.get_mut(&client) else { break };
        let own = if patterns { &mut state.patterns } else { &mut state.channels };
        own.remove(&topic);
        call.redis.topics.remove(patterns, &topic, client);
        let count = int(subscriptions(state));
        replies.push(call.redis.unasked(client, kind.clone(), word, vec![Value::BulkString(topic), count]));
    }
    if replies.is_empty() {
        let count = int(call.redis.clients.get(&client).map_or(0, subscriptions));
        replies.push(call.redis.unasked(client, kind, word, vec![Value::Nil, count]));
    }
    Ok(Outcome::Replies(replies))
}

fn publish(call: &mut Call<'_>) -> Reply {
    let receivers = call.redis.publish(call.arg(1), call.arg(2));
    // Replicas pass messages on to their own subscribers.
    call.repeat_as(&[b"PUBLISH", call.arg(1), call.arg(2)]);
    Ok(int(receivers))
}

fn channels(call: &mut Call<'_>) -> Reply {
    if call.args.len() > 3 {
        return Err(Error::subcommand_syntax("pubsub", call.arg(1)));
    }
    let pattern = call.args.get(2);
    let names = call.redis.topics.channels.keys();
    let found = names.filter(|name| pattern.is_none_or(|pattern| matches(pattern, name)));
    Ok(Value::Array(found.map(|name| bulk(name)).collect()))
}

fn numsub(call: &mut Call<'_>) -> Reply {
    let mut counts = Vec::new();
    for channel in &call.args[2..] {
        counts.push(bulk(channel));
        counts.push(int(call.redis.topics.channels.get(channel).map_or(0, IndexSet::len)));
    }
    Ok(Value::Array(counts))
}

/// A subscribed connection gets a message instead of the plain word.
fn ping(call: &mut Call<'_>) -> Reply {
    if call.args.len() > 2 {
        return Err(Error::arity("ping"));
    }
    let state = call.redis.clients.get(&call.client);
    let subscribed = state.is_some_and(|state| !state.resp3 && subscriptions(state) > 0);
    Ok(match (subscribed, call.args.get(1)) {
        (true, payload) => Value::Array(vec![bulk(b"pong"), bulk(payload.map_or(&[], Vec::as_slice))]),
        (false, Some(payload)) => bulk(payload),
        (false, None) => Value::SimpleString("PONG".into()),
    })
}
