//! Exchanges: which queues a routing key leads to.

use super::error::ChannelError;
use super::names::NameMap;
use super::queue::QueueId;
use super::topic::TopicTrie;
use super::{ExchangeKind, Name, headers};
use crate::message::Table;
use std::collections::BTreeMap;

/// One exchange of the broker. The default exchange is not one of these: it routes by queue name.
#[derive(Clone, Debug)]
pub(super) struct Exchange {
    kind: ExchangeKind,
    pub(super) durable: bool,
    pub(super) auto_delete: bool,
    routes: Routes,
    /// Bindings that are not in `routes`: to exchanges, with arguments, and all of a headers exchange.
    pub(super) others: Vec<OtherBinding>,
}

/// A binding that is looked at one by one.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct OtherBinding {
    pub(super) to: Target,
    pub(super) routing_key: Name,
    pub(super) arguments: Table,
}

/// What a binding leads to.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Target {
    Queue(QueueId),
    Exchange(Name),
}

/// The bindings, laid out for routing. That a binding exists once is the queue's knowledge.
#[derive(Clone, Debug)]
enum Routes {
    Direct(NameMap<Vec<QueueId>>),
    Topic(TopicTrie),
    /// Queues and the number of their bindings.
    Fanout(BTreeMap<QueueId, usize>),
}

impl Exchange {
    pub(super) fn new(kind: ExchangeKind, durable: bool, auto_delete: bool) -> Self {
        let routes = match kind {
            ExchangeKind::Direct => Routes::Direct(NameMap::default()),
            ExchangeKind::Topic => Routes::Topic(TopicTrie::default()),
            // A headers exchange has none of these.
            ExchangeKind::Fanout | ExchangeKind::Headers => Routes::Fanout(BTreeMap::new()),
        };
        Exchange { kind, durable, auto_delete, routes, others: Vec::new() }
    }

    /// The exchanges that every broker has.
    pub(super) fn predeclared() -> NameMap<Exchange> {
        [
            ("amq.direct", ExchangeKind::Direct),
            ("amq.topic", ExchangeKind::Topic),
            ("amq.fanout", ExchangeKind::Fanout),
            ("amq.headers", ExchangeKind::Headers),
            ("amq.match", ExchangeKind::Headers),
        ]
        .map(|(name, kind)| (Name::from(name), Exchange::new(kind, true, false)))
        .into_iter()
        .collect()
    }

    pub(super) fn kind(&self) -> ExchangeKind {
        self.kind
    }

    /// Adds a binding that is known to be new.
    pub(super) fn bind(&mut self, routing_key: &Name, queue: QueueId) {
        match &mut self.routes {
            Routes::Direct(keys) => keys.entry(routing_key.clone()).or_default().push(queue),
            Routes::Topic(trie) => trie.bind(routing_key, queue),
            Routes::Fanout(queues) => *queues.entry(queue).or_default() += 1,
        }
    }

    /// Removes a binding that is known to exist.
    pub(super) fn unbind(&mut self, routing_key: &Name, queue: QueueId) {
        match &mut self.routes {
            Routes::Direct(keys) => {
                let Some(queues) = keys.get_mut(routing_key) else { return };
                queues.retain(|bound| *bound != queue);
                if queues.is_empty() {
                    keys.swap_remove(routing_key);
                }
            }
            Routes::Topic(trie) => trie.unbind(routing_key, queue),
            Routes::Fanout(queues) => {
                let Some(count) = queues.get_mut(&queue) else { return };
                *count -= 1;
                if *count == 0 {
                    queues.remove(&queue);
                }
            }
        }
    }

    /// Whether nothing is bound.
    pub(super) fn is_unbound(&self) -> bool {
        self.others.is_empty() && self.has_no_routes()
    }

    /// What a message is led to by the bindings in `others`.
    pub(super) fn route_others(&self, key: &Name, message_headers: &Table) -> impl Iterator<Item = &Target> {
        let matching = move |binding: &&OtherBinding| match self.kind {
            ExchangeKind::Direct => binding.routing_key == *key,
            ExchangeKind::Topic => topic_matches(&binding.routing_key, key),
            ExchangeKind::Fanout => true,
            ExchangeKind::Headers => headers::matches(&binding.arguments, message_headers),
        };
        self.others.iter().filter(matching).map(|binding| &binding.to)
    }

    fn has_no_routes(&self) -> bool {
        match &self.routes {
            Routes::Direct(keys) => keys.is_empty(),
            Routes::Topic(trie) => trie.is_empty(),
            Routes::Fanout(queues) => queues.is_empty(),
        }
    }

    /// Appends the queues that a message goes to, each once.
    pub(super) fn route(&self, routing_key: &Name, targets: &mut Vec<QueueId>) {
        match &self.routes {
            Routes::Direct(keys) => targets.extend(keys.get(routing_key).into_iter().flatten()),
            Routes::Topic(trie) => trie.route(routing_key, targets),
            Routes::Fanout(queues) => targets.extend(queues.keys()),
        }
    }

    /// 406 unless a declaration agrees with what exists.
    pub(super) fn check_equivalent(
        &self,
        name: &Name,
        kind: ExchangeKind,
        durable: bool,
        auto_delete: bool,
    ) -> Result<(), ChannelError> {
        let options = [
            ("type", kind_name(kind).to_owned(), kind_name(self.kind).to_owned()),
            ("durable", durable.to_string(), self.durable.to_string()),
            ("auto_delete", auto_delete.to_string(), self.auto_delete.to_string()),
        ];
        match options.into_iter().find(|(_, received, current)| received != current) {
            None => Ok(()),
            Some((argument, received, current)) => Err(ChannelError::Inequivalent {
                argument: argument.to_owned(),
                kind: "exchange",
                name: name.clone(),
                received: format!("'{received}'"),
                current: format!("'{current}'"),
            }),
        }
    }
}

fn topic_matches(pattern: &str, key: &str) -> bool {
    let mut trie = TopicTrie::default();
    trie.bind(pattern, QueueId(0));
    let mut found = Vec::new();
    trie.route(key, &mut found);
    !found.is_empty()
}

fn kind_name(kind: ExchangeKind) -> &'static str {
    match kind {
        ExchangeKind::Direct => "direct",
        ExchangeKind::Topic => "topic",
        ExchangeKind::Fanout => "fanout",
        ExchangeKind::Headers => "headers",
    }
}
