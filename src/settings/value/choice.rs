//! Settings that take one of a few names.

use super::{Expected, SettingValue, expected};

macro_rules! choices {
    ($( $(#[doc = $doc:literal])* $vis:vis enum $name:ident {
        $first:ident $first_text:literal $(| $first_alias:literal)* $first_doc:literal
        $(, $variant:ident $text:literal $(| $alias:literal)* $variant_doc:literal)* $(,)?
    })*) => { $(
        $(#[doc = $doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        $vis enum $name {
            #[doc = $first_doc]
            $first,
            $( #[doc = $variant_doc] $variant, )*
        }

        impl $name {
            /// Its name in settings.
            $vis fn name(self) -> &'static str {
                match self {
                    $name::$first => $first_text,
                    $( $name::$variant => $text, )*
                }
            }

            /// The one of a name or of one of its other names.
            $vis fn named(name: &str) -> Option<Self> {
                match name {
                    $first_text $(| $first_alias)* => Some($name::$first),
                    $( $text $(| $alias)* => Some($name::$variant), )*
                    _ => None,
                }
            }
        }

        impl SettingValue for $name {
            const EXPECTED: &'static str = concat!("one of \"", $first_text, "\"", $( ", \"", $text, "\"", )*);

            fn from_toml(value: &toml::Value) -> Result<Self, Expected> {
                value.as_str().and_then(Self::named).ok_or_else(expected::<Self>)
            }

            fn to_toml(&self) -> Option<toml::Value> {
                Some(self.name().into())
            }
        }
    )* };
}

choices! {
    /// How an exchange chooses queues.
    pub enum ExchangeType {
        Direct "direct" "The routing key is the binding's.",
        Topic "topic" "The routing key matches the binding's pattern.",
        Fanout "fanout" "All queues that are bound.",
    }
    /// RabbitMQ's kind of a queue.
    pub enum QueueType {
        Classic "classic" "A classic queue.",
        Quorum "quorum" "A replicated queue.",
    }
    /// Which of several brokers is tried next.
    pub enum Failover {
        RoundRobin "round-robin" "One after the other.",
        Shuffle "shuffle" "In a random order.",
    }
    /// How to introduce oneself to RabbitMQ.
    pub enum LoginMethod {
        Plain "PLAIN" "User and password.",
        AmqPlain "AMQPLAIN" "The same, in an older form.",
        External "EXTERNAL" "What the certificate of the connection says.",
    }
    /// How messages are taken from a queue on Redis: `broker_transport_options.consume`.
    pub enum RedisConsume {
        Atomic "atomic" "Out of the queue and into the record of what is unacked, as one step.",
        Kombu "kombu" "Popped, then recorded.",
    }
    /// Which of several queues is read first on Redis.
    pub enum QueueOrder {
        RoundRobin "round_robin" "One after the other.",
        Sorted "sorted" "By their names.",
        Priority "priority" "In their order.",
    }
    /// Which stored states stay: `result_precedence`.
    pub enum Precedence {
        Full "full" "A state is replaced only by one that says as much or more.",
        Success "success" "A SUCCESS stays.",
        None "none" "The last write wins.",
    }
    /// When the embedded queue's directory is safe from a loss of power: `embedded_fsync`.
    pub enum Fsync {
        Always "always" "Before anybody is told of what was written.",
        EverySecond "everysec" "Within a second.",
        Never "never" "When the operating system sees fit.",
    }
    /// What runs tasks in a worker.
    pub enum Pool {
        Prefork "prefork" | "processes" "Processes.",
        Threads "threads" "Threads.",
        Solo "solo" "The worker itself, one task at a time.",
        Gevent "gevent" "Many tasks on one thread.",
        Eventlet "eventlet" "Many tasks on one thread.",
    }
}
