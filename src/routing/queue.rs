//! One queue of `task_queues`: its exchange, its key, its arguments.

use super::BadRoute;

/// Celery's exchange types that simq knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// The routing key is the binding's.
    #[default]
    Direct,
    /// The routing key matches the binding's pattern: `*` is one word, `#` any number.
    Topic,
    /// Every bound queue.
    Fanout,
}

impl Kind {
    fn named(name: &str) -> Option<Kind> {
        [("direct", Kind::Direct), ("topic", Kind::Topic), ("fanout", Kind::Fanout)]
            .into_iter()
            .find_map(|(known, kind)| (known == name).then_some(kind))
    }
}

/// A queue, as kombu's `Queue` describes one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QueueSpec {
    /// Its name.
    pub name: String,
    /// The exchange that it is bound to. Default: one of its own name.
    pub exchange: Option<String>,
    /// That exchange's type. Default: direct.
    pub kind: Kind,
    /// The key it is bound with. Default: its name; of a broadcast, the key of the default queue.
    pub routing_key: Option<String>,
    /// Each worker has a copy of its own of every message: kombu's `Broadcast`.
    pub broadcast: bool,
    /// `x-max-priority`. Default: `task_queue_max_priority`.
    pub max_priority: Option<u8>,
    /// `x-expires`, milliseconds: an unused queue is deleted. Default: never.
    pub expires: Option<u64>,
    /// `x-message-ttl`, milliseconds: a message that waits longer is dropped or dead-lettered. Default: never.
    pub message_ttl: Option<u64>,
    /// `x-max-length`. Default: no limit.
    pub max_length: Option<u32>,
    /// It goes with a restart of the broker: kombu's `durable=False`.
    pub transient: bool,
    /// It goes with its last consumer.
    pub auto_delete: bool,
}

/// Celery's exchange of the queues of single workers.
pub(super) const DIRECT_EXCHANGE: &str = "C.dq2";
const DIRECT_QUEUE: &str = ".dq2";

const KEYS: [&str; 11] = [
    "name",
    "exchange",
    "exchange_type",
    "routing_key",
    "broadcast",
    "max_priority",
    "expires",
    "message_ttl",
    "max_length",
    "durable",
    "auto_delete",
];

impl QueueSpec {
    /// A direct queue with an exchange and key of its own name.
    pub fn named(name: impl Into<String>) -> Self {
        QueueSpec { name: name.into(), ..QueueSpec::default() }
    }

    /// The queue of one worker alone, by its node's name (`worker_direct`): `celery.utils.nodenames.worker_direct`.
    pub fn worker_direct(node: &str) -> Self {
        QueueSpec {
            exchange: Some(DIRECT_EXCHANGE.to_owned()),
            routing_key: Some(node.to_owned()),
            ..QueueSpec::named(format!("{node}{DIRECT_QUEUE}"))
        }
    }

    /// Such a queue, when this is the name of one.
    pub(super) fn of_one_worker(name: &str) -> Option<Self> {
        name.strip_suffix(DIRECT_QUEUE).map(QueueSpec::worker_direct)
    }

    /// The exchange that it is bound to.
    pub fn exchange(&self) -> &str {
        self.exchange.as_deref().unwrap_or(&self.name)
    }

    /// The key that it is bound with.
    pub fn routing_key(&self) -> &str {
        self.routing_key.as_deref().unwrap_or(&self.name)
    }

    /// Whether a message finds its way there with a delay in its key: its exchange matches patterns, or looks at no key.
    pub(crate) fn takes_delayed(&self) -> bool {
        self.kind != Kind::Direct && !self.broadcast
    }

    /// Whether it is a direct queue with nothing special about it.
    pub fn is_plain(&self) -> bool {
        let plain = QueueSpec {
            exchange: self.exchange.clone(),
            routing_key: self.routing_key.clone(),
            ..QueueSpec::named(self.name.clone())
        };
        *self == plain
    }

    /// Reads `task_queues`: a table of tables by name, or a list of names and tables.
    pub(crate) fn all_from_toml(value: &toml::Value) -> Result<Vec<QueueSpec>, BadRoute> {
        let specs: Result<Vec<QueueSpec>, BadRoute> = match value {
            toml::Value::Table(table) => table.iter().map(|(name, spec)| QueueSpec::from_toml(name, spec)).collect(),
            toml::Value::Array(items) => items.iter().map(QueueSpec::item).collect(),
            _ => Err(BadRoute::new("task_queues", "a table of queues, or a list of them")),
        };
        let specs = specs?;
        for (at, spec) in specs.iter().enumerate() {
            if specs[..at].iter().any(|other| other.name == spec.name) {
                return Err(BadRoute::new(&spec.name, "a queue named once"));
            }
        }
        Ok(specs)
    }

    fn item(item: &toml::Value) -> Result<QueueSpec, BadRoute> {
        let name = item.as_str().or_else(|| item.get("name")?.as_str());
        let name = name.ok_or_else(|| BadRoute::new("task_queues", "names of queues, or tables with a name"))?;
        match item {
            toml::Value::String(name) => Ok(QueueSpec::named(name)),
            item => QueueSpec::from_toml(name, item),
        }
    }

    fn from_toml(name: &str, value: &toml::Value) -> Result<QueueSpec, BadRoute> {
        let bad = |key: &str, expected: &str| BadRoute::new(format!("{name}.{key}"), expected);
        let table =
            value.as_table().ok_or_else(|| BadRoute::new(name, "a table such as { routing_key = \"video.#\" }"))?;
        let mut spec = QueueSpec::named(name);
        for (key, value) in table {
            let text = || value.as_str().map(str::to_owned).ok_or_else(|| bad(key, "a text"));
            let flag = || value.as_bool().ok_or_else(|| bad(key, "true or false"));
            let milliseconds = || seconds(value).ok_or_else(|| bad(key, "a number of seconds, more than 0"));
            match key.as_str() {
                "name" => {}
                "exchange" => spec.exchange = Some(text()?),
                "routing_key" => spec.routing_key = Some(text()?),
                "exchange_type" => {
                    let kind = value.as_str().and_then(Kind::named);
                    spec.kind = kind.ok_or_else(|| bad(key, "\"direct\", \"topic\" or \"fanout\""))?;
                }
                "broadcast" => spec.broadcast = flag()?,
                "durable" => spec.transient = !flag()?,
                "auto_delete" => spec.auto_delete = flag()?,
                "max_priority" => {
                    spec.max_priority = Some(number(value).ok_or_else(|| bad(key, "a number up to 255"))?)
                }
                "max_length" => spec.max_length = Some(number(value).ok_or_else(|| bad(key, "a whole number"))?),
                "expires" => spec.expires = Some(milliseconds()?),
                "message_ttl" => spec.message_ttl = Some(milliseconds()?),
                _ => return Err(BadRoute::unknown(format!("{name}.{key}"), key, &KEYS)),
            }
        }
        Ok(spec)
    }
}

fn number<T: TryFrom<i64>>(value: &toml::Value) -> Option<T> {
    value.as_integer()?.try_into().ok()
}

/// Seconds, as kombu takes them, in milliseconds.
fn seconds(value: &toml::Value) -> Option<u64> {
    let seconds = value.as_float().or_else(|| value.as_integer().map(|seconds| seconds as f64))?;
    (seconds.is_finite() && seconds > 0.0 && seconds < 3.2e9).then_some((seconds * 1000.0) as u64)
}
