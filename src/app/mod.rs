//! An application: its tasks, its settings, and typed handles to call them.

mod address;
mod annotated;
mod args;
mod bind;
mod call;
mod command;
mod context;
mod current;
mod error;
mod node;
mod options;
mod result;
mod running;
mod scheduled;
mod servers;
mod standing;
mod task;

pub use args::{Kwargs, RawArguments, TaskArgs};
pub use call::{CallOptions, PublishRetry};
pub use context::{DeliveryInfo, TaskContext};
pub use error::{Error, Failure, TaskError, TaskResult};
pub use node::{Endpoints, Node};
pub use options::TaskOptions;
pub use result::{AsyncResult, StateChanges};
pub use running::Running;
pub use task::Task;

pub(crate) use args::Given;
pub(crate) use command::Command;
pub(crate) use current::Parent;
pub(crate) use node::Client;
pub(crate) use standing::{Roles, stand_alone};
pub(crate) use task::Definition;

use crate::beat::Entry;
use crate::routing::{Route, RouteCall, Router};
use crate::settings::{Profile, Settings};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

/// An application. Clones share one registry of tasks.
///
/// ```
/// use simq::{App, TaskContext};
/// use std::time::Duration;
///
/// # fn main() -> Result<(), simq::Error> {
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # runtime.block_on(async {
/// let app = App::new("demo");
/// let add = app.task("tasks.add", |_ctx: TaskContext, (x, y): (i64, i64)| async move { Ok(x + y) });
/// let running = app.start()?;
/// let sum = add.delay((4, 6)).await?.get(Duration::from_secs(5)).await?;
/// assert_eq!(sum, 10);
/// running.shutdown().await;
/// # Ok(())
/// # })
/// # }
/// ```
#[derive(Clone)]
pub struct App(Arc<Inner>);

struct Inner {
    common: Arc<Common>,
    client: OnceLock<Arc<Client>>,
}

/// What the processes of an application have in common.
struct Common {
    name: String,
    settings: Arc<Settings>,
    /// Those that a command line chose in their place.
    chosen: OnceLock<Arc<Settings>>,
    tasks: RwLock<BTreeMap<Arc<str>, Arc<Definition>>>,
    entries: RwLock<BTreeMap<String, Entry>>,
    routers: Arc<Routers>,
}

/// Routers from code, in the order in which they were added.
pub(crate) type Routers = RwLock<Vec<Arc<Router>>>;

impl App {
    /// An application with the settings of profile `safe`.
    pub fn new(name: impl Into<String>) -> Self {
        App::with_settings(name, Settings::new(Profile::Safe))
    }

    /// An application with these settings.
    pub fn with_settings(name: impl Into<String>, settings: Settings) -> Self {
        let (name, settings) = (name.into(), Arc::new(settings));
        let (tasks, entries, routers) = (RwLock::default(), RwLock::default(), Arc::default());
        let common = Arc::new(Common { name, settings, chosen: OnceLock::new(), tasks, entries, routers });
        App(Arc::new(Inner { common, client: OnceLock::new() }))
    }

    /// The same application in another process of a simulated cluster: its calls go that process's way.
    #[cfg(feature = "sim")]
    pub(crate) fn in_another_process(&self) -> Self {
        App(Arc::new(Inner { common: self.0.common.clone(), client: OnceLock::new() }))
    }

    /// Its name, for logs.
    pub fn name(&self) -> &str {
        &self.0.common.name
    }

    /// Its settings.
    pub fn settings(&self) -> &Settings {
        self.0.common.chosen.get().unwrap_or(&self.0.common.settings)
    }

    pub(crate) fn shared_settings(&self) -> Arc<Settings> {
        self.0.common.chosen.get().unwrap_or(&self.0.common.settings).clone()
    }

    /// Replaces its settings, once, before anything has started.
    pub(crate) fn choose(&self, settings: Settings) {
        let _ = self.0.common.chosen.set(Arc::new(settings));
    }

    /// Adds a router: a function that says where a call goes, or nothing. Routers are asked in the order in which they were
    /// added, before `task_routes`; the first answer counts, and what the call names itself goes before it.
    pub fn router(&self, router: impl Fn(&RouteCall<'_>) -> Option<Route> + Send + Sync + 'static) {
        self.0.common.routers.write().unwrap_or_else(PoisonError::into_inner).push(Arc::new(router));
    }

    pub(crate) fn routers(&self) -> Arc<Routers> {
        self.0.common.routers.clone()
    }

    /// Registers a task with default options and returns its handle. A later registration under one name replaces the
    /// earlier one.
    pub fn task<A, R, F, Fut>(&self, name: &str, function: F) -> Task<A, R>
    where
        A: TaskArgs,
        R: Serialize + DeserializeOwned + 'static,
        F: Fn(TaskContext, A) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = TaskResult<R>> + 'static,
    {
        self.task_with(name, TaskOptions::default(), function)
    }

    /// Registers a task with options; those of `task_annotations` go over them.
    pub fn task_with<A, R, F, Fut>(&self, name: &str, options: TaskOptions, function: F) -> Task<A, R>
    where
        A: TaskArgs,
        R: Serialize + DeserializeOwned + 'static,
        F: Fn(TaskContext, A) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = TaskResult<R>> + 'static,
    {
        let options = options.annotated(name, self.settings());
        let definition = Arc::new(Definition::new(name.into(), options, function));
        let mut tasks = self.0.common.tasks.write().unwrap_or_else(PoisonError::into_inner);
        tasks.insert(definition.name.clone(), definition.clone());
        Task::new(self.clone(), definition)
    }

    /// A handle to a task by its name: to one that runs elsewhere, as Celery's `send_task`, or to one that is registered
    /// here already, as `app.tasks[name]`, with its options.
    pub fn remote<A: TaskArgs, R: DeserializeOwned>(&self, name: &str) -> Task<A, R> {
        let definition = self.definition(name).unwrap_or_else(|| Arc::new(Definition::remote(name.into())));
        Task::new(self.clone(), definition)
    }

    /// Names of the registered tasks.
    pub fn task_names(&self) -> Vec<Arc<str>> {
        self.0.common.tasks.read().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect()
    }

    /// Starts the embedded queue: broker and backend inside this process, a worker with the application's tasks, and beat
    /// if there is a schedule. They live on a thread of their own, so any async runtime can call tasks, or none.
    ///
    /// # Errors
    ///
    /// When it runs already, the thread can't be started, the schedule or the directory can't be used.
    pub fn start(&self) -> Result<Running, Error> {
        Running::start(self.clone())
    }

    /// Connects to the broker and the result store that `broker_url` and `result_backend` name, to call tasks that others
    /// run: no worker, no beat. It connects when it is first needed, and again when the connection is lost. Without a
    /// `result_backend` nobody gets a result.
    ///
    /// ```no_run
    /// use simq::{App, Settings};
    /// use std::time::Duration;
    ///
    /// # async fn call() -> Result<(), Box<dyn std::error::Error>> {
    /// let app = App::with_settings("web", Settings::load(None)?.settings); // SIMQ_BROKER_URL=redis://...
    /// let running = app.connect()?;
    /// let add = app.remote::<(i64, i64), i64>("tasks.add");
    /// let sum = add.delay((4, 6)).await?.get(Duration::from_secs(5)).await?;
    /// running.shutdown().await;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::BadAddress`] when a URL is wrong, or names the embedded queue, which only its own process can reach; and
    /// when it runs already, or the thread can't be started.
    pub fn connect(&self) -> Result<Running, Error> {
        Running::connect(self.clone())
    }

    pub(crate) fn definition(&self, name: &str) -> Option<Arc<Definition>> {
        self.0.common.tasks.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// Sets through whom this application's calls go; the first one stays.
    pub(crate) fn set_client(&self, client: Client) -> bool {
        self.0.client.set(Arc::new(client)).is_ok()
    }

    pub(crate) fn client(&self) -> Result<&Arc<Client>, Error> {
        self.0.client.get().ok_or(Error::NotStarted)
    }
}
