//! All queues of an application, and where a call is published.

use super::queue::{DIRECT_EXCHANGE, Kind, QueueSpec};
use super::routes::Route;
use std::borrow::Cow;

/// The queues of `task_queues`, and what becomes of a name that is not among them.
#[derive(Clone, Debug, PartialEq)]
pub struct Queues {
    known: Vec<QueueSpec>,
    defaults: Defaults,
}

/// Celery's `task_default_*` and `task_create_missing_*`.
#[derive(Clone, Debug, PartialEq)]
pub struct Defaults {
    /// The queue of calls that name none.
    pub queue: QueueSpec,
    /// Make up a queue that is not known.
    pub create_missing: bool,
    /// Exchange type of such a queue.
    pub missing_kind: Kind,
}

impl Default for Queues {
    fn default() -> Self {
        let queue = QueueSpec::named("celery");
        Queues::new(Vec::new(), Defaults { queue, create_missing: true, missing_kind: Kind::Direct })
    }
}

/// A call that can't be routed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RoutingError {
    /// Celery's `QueueNotFound`.
    #[error("there is no queue {queue:?} in task_queues, and task_create_missing_queues is off{}",
        nearest.as_ref().map(|name| format!("; did you mean {name:?}?")).unwrap_or_default())]
    QueueNotFound {
        /// What was asked for.
        queue: String,
        /// The nearest known name.
        nearest: Option<String>,
    },
    /// An exchange whose type nobody knows can't be declared.
    #[error("no queue of task_queues is bound to an exchange {exchange:?}: add one, so that its type is known")]
    ExchangeNotFound {
        /// What was asked for.
        exchange: String,
    },
}

/// Where a call is published.
#[derive(Clone, Debug, PartialEq)]
pub enum Published<'a> {
    /// To a queue by its name, through the default exchange.
    Queue(Cow<'a, QueueSpec>),
    /// To a queue's exchange, with this routing key.
    Exchange(Cow<'a, QueueSpec>, String),
}

impl Queues {
    /// These, with the default queue among them.
    pub fn new(known: Vec<QueueSpec>, defaults: Defaults) -> Self {
        Queues { known, defaults }
    }

    /// Those of `task_queues`.
    pub fn known(&self) -> &[QueueSpec] {
        &self.known
    }

    /// A queue by its name; without one the default queue.
    ///
    /// # Errors
    ///
    /// [`RoutingError::QueueNotFound`].
    pub fn find(&self, name: Option<&str>) -> Result<Cow<'_, QueueSpec>, RoutingError> {
        let default = &self.defaults.queue;
        let name = name.unwrap_or(&default.name);
        if let Some(known) = self.known.iter().find(|known| known.name == name) {
            return Ok(Cow::Borrowed(known));
        }
        if name == default.name {
            return Ok(Cow::Borrowed(default));
        }
        if let Some(direct) = QueueSpec::of_one_worker(name) {
            return Ok(Cow::Owned(direct));
        }
        if self.defaults.create_missing {
            return Ok(Cow::Owned(QueueSpec { kind: self.defaults.missing_kind, ..QueueSpec::named(name) }));
        }
        let names = self.known.iter().map(|known| known.name.as_str()).chain([default.name.as_str()]);
        let nearest = crate::text::nearest(name, names).map(str::to_owned);
        Err(RoutingError::QueueNotFound { queue: name.to_owned(), nearest })
    }

    /// Where a call with this route is published. A direct queue is reached through the default exchange unless both
    /// an exchange and a key are asked for, as Celery does it.
    ///
    /// # Errors
    ///
    /// When the queue or the exchange is not known.
    pub fn publish<'a>(&'a self, route: &Route) -> Result<Published<'a>, RoutingError> {
        let queue = match (&route.queue, &route.exchange) {
            (None, Some(exchange)) if !exchange.is_empty() => self.bound_to(exchange, route.routing_key.as_deref())?,
            (queue, _) => self.find(queue.as_deref())?,
        };
        let asks =
            route.exchange.as_deref().is_some_and(|exchange| !exchange.is_empty()) && route.routing_key.is_some();
        let direct = queue.kind == Kind::Direct && !queue.broadcast && !asks;
        if direct {
            return Ok(Published::Queue(queue));
        }
        let key = route.routing_key.clone().unwrap_or_else(|| queue.routing_key().to_owned());
        Ok(Published::Exchange(queue, key))
    }

    fn bound_to(&self, exchange: &str, key: Option<&str>) -> Result<Cow<'_, QueueSpec>, RoutingError> {
        if let Some(node) = key.filter(|_| exchange == DIRECT_EXCHANGE) {
            return Ok(Cow::Owned(QueueSpec::worker_direct(node)));
        }
        let known = self.known.iter().chain([&self.defaults.queue]).find(|known| known.exchange() == exchange);
        known.map(Cow::Borrowed).ok_or_else(|| RoutingError::ExchangeNotFound { exchange: exchange.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queues(create_missing: bool) -> Queues {
        let text = r#"
            [q.video]
            exchange = "media"
            exchange_type = "topic"
            routing_key = "video.#"
            [q.news]
            broadcast = true
        "#;
        let table: toml::Table = text.parse().unwrap();
        let defaults = Defaults { create_missing, ..Queues::default().defaults };
        Queues::new(QueueSpec::all_from_toml(&table["q"]).unwrap(), defaults)
    }

    #[test]
    fn a_direct_queue_is_reached_by_its_name_and_another_through_its_exchange() {
        let queues = queues(true);
        let to = |queue: &str| queues.publish(&Route::to(queue)).unwrap();
        assert!(matches!(to("plain"), Published::Queue(queue) if queue.name == "plain" && queue.is_plain()));
        assert!(
            matches!(to("video"), Published::Exchange(queue, key) if queue.exchange() == "media" && key == "video.#")
        );
        assert!(matches!(to("news"), Published::Exchange(queue, _) if queue.broadcast));
        let keyed =
            Route { exchange: Some("media".to_owned()), routing_key: Some("video.cut".to_owned()), ..Route::default() };
        assert!(matches!(queues.publish(&keyed), Ok(Published::Exchange(_, key)) if key == "video.cut"));
    }

    #[test]
    fn what_is_not_known_is_made_up_or_refused() {
        assert!(queues(true).find(Some("vidoe")).is_ok());
        let error = queues(false).find(Some("vidoe")).unwrap_err();
        assert!(error.to_string().contains("did you mean \"video\"?"), "{error}");
        assert_eq!(queues(false).find(None).unwrap().name, "celery");
        let nowhere = Route { exchange: Some("nowhere".to_owned()), ..Route::default() };
        assert!(matches!(queues(true).publish(&nowhere), Err(RoutingError::ExchangeNotFound { .. })));
    }
}
