//! The worker actor: takes deliveries, has them run by a pool, and decides about acks.
//!
//! The actor is a thin shell; what it decides is decided in plain state machines:
//!
//! | file | decides |
//! |---|---|
//! | [`ack`] | **the ack decision table** |
//! | `prefetch` | how many deliveries to hold |
//! | `screen` | **whether a message may run**, and when |
//! | `timers`, `limits`, `expiry`, `rates` | ETA timers, time limits, what is too late to begin, rate limits |
//! | `bounded`, `revoked` | ids that are remembered: what has succeeded, what was revoked |
//! | [`retry`] | whether and when a task runs again |
//! | `shutdown` | warm, soft and cold shutdown |
//! | `states` | what is written into a result |
//! | `request` | where one delivery stands |
//! | `pool` | children that run task bodies |
//! | `news` | what a worker hears |
//! | `receive`, `finish`, `lifecycle`, `controlled` | the shell: a delivery comes in, an execution ends, the worker starts and ends, remote control |

pub mod ack;
mod bounded;
mod controlled;
mod expiry;
mod finish;
mod lifecycle;
mod limits;
mod news;
pub(crate) mod pool;
mod prefetch;
mod rates;
mod receive;
mod request;
pub mod retry;
mod revoked;
mod screen;
mod shutdown;
mod states;
mod timers;

use crate::app::App;
use crate::backend::Backend;
use crate::broker::amqp::{DeliveryTag, Name};
use crate::broker::delayed::Delays;
use crate::broker::{Broker, Epoch, SetPrefetch, Source};
use crate::collections::Map;
use crate::control;
use crate::env::{Alarm, Env};
use crate::message::Accept;
use crate::producer::Producer;
use crate::routing::{QueueSpec, RoutingError};
use crate::settings::{RateLimit, Settings, duration};
use actix::{Actor, Addr, AsyncContext, Context};
use bounded::BoundedIds;
pub(crate) use news::ShutDown;
use news::{Answered, Asked, Buried, Exit, FromPool, Resent, Stored};
use pool::{AppSource, Pool};
use prefetch::Prefetch;
use rates::Rates;
use request::{Request, RequestId};
use revoked::Revoked;
use shutdown::Shutdown;
use std::borrow::Cow;
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use timers::Timers;

/// What a worker consumes, and with how many children.
#[derive(Clone, Debug)]
pub struct WorkerOptions {
    /// Pool children. At least 1.
    pub concurrency: u32,
    /// Queues; none is the default queue.
    pub queues: Vec<String>,
    /// Tasks that have run and whose results are still to be stored do not count against the prefetch window, as long
    /// as they are no more than this. 0: all count, as in Celery.
    pub finishing: u32,
}

/// What falls due in a worker.
#[derive(Clone, Debug)]
enum Due {
    Eta(RequestId),
    /// A token of this task's rate limit.
    Token(Arc<str>, RateLimit),
    /// A message of a task that is not known here goes back.
    ReturnUnknown(Epoch, DeliveryTag),
    /// The file of revoked tasks is to be written.
    SaveRevoked,
    SoftLimit(RequestId),
    HardLimit(RequestId),
    SoftShutdown,
}

/// The actors that a worker works with: those of its process.
#[derive(Clone)]
pub(crate) struct Colleagues {
    pub(crate) broker: Addr<Broker>,
    pub(crate) producer: Addr<Producer>,
    pub(crate) backend: Addr<Backend>,
    /// How messages come later.
    pub(crate) delays: Delays,
}

/// A worker.
pub struct Worker {
    env: Env,
    app: App,
    settings: Arc<Settings>,
    with: Colleagues,
    me: Arc<Addr<Worker>>,
    /// Task queues by their names; the error is that of a name that is not known.
    sources: Result<Map<Name, Source>, RoutingError>,
    /// Which bodies are read.
    accept: Accept,
    /// Queue of requests of remote control.
    pidbox: Option<Name>,
    concurrency: u32,
    requests: Map<RequestId, Box<Request>>,
    next_request: RequestId,
    reserved: VecDeque<RequestId>,
    running: usize,
    /// Ids of the tasks that run or whose results are being stored, where a second copy of one is to wait for the first.
    unsettled_ids: BTreeSet<Arc<str>>,
    /// Tasks that have succeeded here, and whose results are stored.
    succeeded: BoundedIds,
    revoked: Revoked,
    rates: Rates,
    /// Tasks whose state is being stored: they hold up an exit as running ones do.
    finishing: usize,
    pool: Pool,
    prefetch: Prefetch,
    /// What the broker was last told.
    window: u32,
    timers: Timers<Due>,
    alarm: Alarm,
    shutdown: Shutdown,
}

impl Worker {
    /// Starts the actor, its pool and its consumers.
    pub(crate) fn start(
        env: &Env,
        app: App,
        apps: AppSource,
        with: Colleagues,
        options: WorkerOptions,
    ) -> Addr<Worker> {
        let settings = app.shared_settings();
        let sources = sources(&settings, &options.queues, &with.delays, env);
        let concurrency = options.concurrency.max(1);
        let prefetch = Prefetch::new(&settings, concurrency, options.finishing);
        env.start(|ctx| Worker {
            env: env.clone(),
            app,
            with,
            me: Arc::new(ctx.address()),
            sources,
            concurrency,
            requests: Map::default(),
            next_request: 0,
            reserved: VecDeque::new(),
            running: 0,
            accept: Accept::content(settings.accept_content.serializers())
                .max_body(usize::try_from(settings.max_body_size).unwrap_or(usize::MAX)),
            unsettled_ids: BTreeSet::new(),
            succeeded: BoundedIds::new(
                usize::try_from(settings.deduplicate_max).unwrap_or(usize::MAX),
                duration(settings.deduplicate_window),
            ),
            revoked: Revoked::load(&settings, env),
            rates: Rates::default(),
            pidbox: settings
                .worker_enable_remote_control
                .then(|| control::queue(&env.name(), &settings.control_exchange).into()),
            finishing: 0,
            pool: Pool::new(env, apps, settings.worker_max_tasks_per_child),
            window: prefetch.window(),
            prefetch,
            timers: Timers::default(),
            alarm: Alarm::default(),
            shutdown: Shutdown::new(&settings),
            settings,
        })
    }

    fn new_request_id(&mut self) -> RequestId {
        self.next_request += 1;
        self.next_request
    }

    /// Tells the broker of a changed window.
    fn update_window(&mut self) {
        let window = self.prefetch.window();
        if std::mem::replace(&mut self.window, window) != window {
            self.with.broker.do_send(SetPrefetch(window));
        }
    }

    fn set_alarm(&mut self, ctx: &mut Context<Self>) {
        self.alarm.set(self.timers.next(), &self.env, ctx, |this: &mut Self, ctx| {
            this.alarm.rang();
            let now = this.env.now();
            while let Some(due) = this.timers.pop(now) {
                this.fall_due(due, ctx);
            }
            this.set_alarm(ctx);
        });
    }

    fn fall_due(&mut self, due: Due, ctx: &mut Context<Self>) {
        match due {
            Due::Eta(id) => self.unpark(id, ctx),
            Due::Token(task, limit) => self.token(&task, limit, ctx),
            Due::ReturnUnknown(epoch, tag) => self.return_unknown(epoch, tag),
            Due::SaveRevoked => self.revoked.save(&self.env),
            Due::SoftLimit(id) => self.soft_limit(id),
            Due::HardLimit(id) => self.cut(id, request::CutBy::HardLimit),
            Due::SoftShutdown => {
                let actions = self.shutdown.soft_timeout(self.running + self.finishing);
                self.act(actions, ctx);
            }
        }
    }
}

/// The task queues of these names; of none, all of `task_queues`, or the default queue.
fn sources(
    settings: &Settings,
    names: &[String],
    delays: &Delays,
    env: &Env,
) -> Result<Map<Name, Source>, RoutingError> {
    let queues = settings.queues();
    let mut found: Vec<Cow<'_, QueueSpec>> = Vec::new();
    for name in names {
        found.push(queues.find(Some(name))?);
    }
    if names.is_empty() {
        found.extend(queues.known().iter().map(Cow::Borrowed));
    }
    if found.is_empty() {
        found.push(queues.find(None)?);
    }
    if settings.worker_direct {
        found.push(Cow::Owned(QueueSpec::worker_direct(&env.name())));
    }
    let source = |queue: &Cow<'_, QueueSpec>| {
        let own = if queue.broadcast { format!("bcast.{}", env.uuid()) } else { String::new() };
        let source = Source::of(queue, &own, settings);
        if delays.leaves_out(queue) {
            tracing::warn!(queue = queue.name, "its exchange is direct: messages with an ETA wait in the worker");
        }
        let source = Source { entities: delays.with(source.entities, queue), ..source };
        (source.queue.clone(), source)
    };
    Ok(found.iter().map(source).collect())
}

impl Actor for Worker {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.begin(ctx);
    }
}
