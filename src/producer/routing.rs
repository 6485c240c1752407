//! Which way the calls of one process go.

use super::Call;
use crate::app::{CallOptions, Routers};
use crate::backend::rpc::Replies;
use crate::broker::amqp::Name;
use crate::broker::delayed::Delays;
use crate::broker::{Entities, Target};
use crate::routing::{Published, Queues, Route, RouteCall, RoutingError, resolve};
use crate::settings::Settings;
use std::borrow::Cow;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

/// Queues and routers of one process.
pub(super) struct Routing {
    settings: Arc<Settings>,
    queues: Queues,
    routers: Arc<Routers>,
    /// How messages come later.
    pub(super) delays: Delays,
    /// What is declared before any call, so that its result finds a queue.
    replies: Option<Entities>,
    /// The way of calls that name nothing.
    usual: Way,
}

/// A call's way: where it is published, what the events call that, and what the route says beside it.
#[derive(Clone)]
pub(super) struct Way {
    pub(super) name: Name,
    pub(super) to: Target,
    pub(super) priority: Option<u8>,
    pub(super) expires: Option<Duration>,
}

impl Routing {
    pub(super) fn new(
        settings: Arc<Settings>,
        routers: Arc<Routers>,
        replies: Option<&Replies>,
        delays: Delays,
    ) -> Self {
        let queues = settings.queues();
        // The default queue is always known.
        let usual = queues.publish(&Route::default()).unwrap_or_else(|_| Published::Queue(Cow::default()));
        let replies = replies.map(|replies| replies.entities.clone());
        let usual = Way::new(&usual, &Route::default(), &queues, &settings, &delays).replied_to(replies.as_ref());
        Routing { settings, queues, routers, delays, replies, usual }
    }

    pub(super) fn way(&self, call: &Call) -> Result<Way, RoutingError> {
        let routers = self.routers.read().unwrap_or_else(PoisonError::into_inner);
        let asked = asked(&call.options);
        // Nearly every call.
        if routers.is_empty() && self.settings.task_routes.is_empty() && asked == Route::default() && call.own == asked
        {
            return Ok(self.usual.clone());
        }
        let route_call = RouteCall { task: &call.task, args: &call.args, kwargs: &call.kwargs, asked };
        let routers = routers.iter().map(|router| &**router);
        let route = resolve(&route_call, &call.own, routers, &self.settings.task_routes);
        let way = Way::new(&self.queues.publish(&route)?, &route, &self.queues, &self.settings, &self.delays);
        Ok(way.replied_to(self.replies.as_ref()))
    }
}

fn asked(options: &CallOptions) -> Route {
    Route {
        queue: options.queue.clone(),
        exchange: options.exchange.clone(),
        routing_key: options.routing_key.clone(),
        priority: options.priority,
        expires: options.expires,
    }
}

impl Way {
    fn new(published: &Published<'_>, route: &Route, queues: &Queues, settings: &Settings, delays: &Delays) -> Self {
        let (Published::Queue(queue) | Published::Exchange(queue, _)) = published;
        let to = Target::of(published, queues, settings);
        let to = Target { entities: delays.with(to.entities, queue), ..to };
        Way { name: queue.name.as_str().into(), to, priority: route.priority, expires: route.expires }
    }

    fn replied_to(self, replies: Option<&Entities>) -> Self {
        let Some(replies) = replies else { return self };
        let entities = Entities::Both(Arc::new([replies.clone(), self.to.entities]));
        Way { to: Target { entities, ..self.to }, ..self }
    }
}
