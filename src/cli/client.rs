//! Commands that talk to servers and are done.

use super::{BAD_INPUT, UNREACHABLE, output};
use crate::app::{App, Endpoints, Error, Node};
use crate::env::system::{self, System};
use crate::env::{ConnectError, Endpoint, Env};
use crate::settings::{Loaded, Settings, duration};

/// What a command of this kind works with.
pub(super) struct Client {
    pub(super) env: Env,
    pub(super) app: App,
    pub(super) endpoints: Endpoints,
    node: Node,
}

/// Why a command is not carried out.
pub(super) enum Stop {
    /// The input is wrong.
    Input(String),
    /// A server is not there, or does not do what it is asked.
    Server(String),
}

impl Stop {
    /// Tells it; its exit status.
    pub(super) fn told(&self) -> u8 {
        let (text, status) = match self {
            Stop::Input(text) => (text, BAD_INPUT),
            Stop::Server(text) => (text, UNREACHABLE),
        };
        output::print_error(text);
        status
    }
}

/// Seconds after which a caller gets an error, where the settings would let it wait for ever.
const PATIENCE: f64 = 30.0;

/// Runs `work` with these settings, and returns its exit status.
pub(super) fn run(app: &App, loaded: &Loaded, work: impl AsyncFnOnce(&Client) -> Result<u8, Stop>) -> Result<u8, Stop> {
    run_with(app, loaded, Endpoints::remote, work)
}

/// The same for a command that needs no broker.
pub(super) fn run_for_results(
    app: &App,
    loaded: &Loaded,
    work: impl AsyncFnOnce(&Client) -> Result<u8, Stop>,
) -> Result<u8, Stop> {
    run_with(app, loaded, Endpoints::of, work)
}

fn run_with(
    app: &App,
    loaded: &Loaded,
    endpoints: fn(&Settings) -> Result<Endpoints, Error>,
    work: impl AsyncFnOnce(&Client) -> Result<u8, Stop>,
) -> Result<u8, Stop> {
    let timeout = loaded.settings.task_publish_timeout.or(Some(PATIENCE));
    app.choose(Settings { task_publish_timeout: timeout, ..loaded.settings.clone() });
    let endpoints = endpoints(app.settings()).map_err(|error| bad_address(loaded, &error))?;
    actix::System::new().block_on(async {
        let env = Env::new(System::new(&system::host()));
        let node = Node::start(&env, app.clone(), &endpoints);
        let client = Client { env, app: app.clone(), endpoints, node };
        let status = work(&client).await;
        client.node.close().await;
        status
    })
}

/// Says where the address came from.
pub(super) fn bad_address(loaded: &Loaded, error: &Error) -> Stop {
    Stop::Input(match error {
        Error::BadAddress { setting, .. } if loaded.settings.get(setting).is_none() => {
            let flag = if *setting == "broker_url" { "--broker" } else { "--backend" };
            format!(
                "{setting} is not set: name a server with {flag} redis://..., in a file (--config), or in the \
                     environment ({})",
                Settings::setting(setting).map(crate::settings::Setting::variable).unwrap_or_default()
            )
        }
        Error::BadAddress { setting, why } => loaded.bad(setting, &[], false, why).to_string(),
        error => error.to_string(),
    })
}

impl Client {
    /// Whether the results of other processes can be asked for, and their store is there.
    pub(super) async fn reach_kept_results(&self) -> Result<(), Stop> {
        match &self.endpoints.backend {
            server @ Endpoint::Rpc => Err(Stop::Input(crate::backend::keeps_none(server).to_string())),
            _ => self.reach_results().await,
        }
    }

    /// Whether the result store is there and lets this process in. To wait for results it takes more patience.
    pub(super) async fn reach_results(&self) -> Result<(), Stop> {
        let settings = self.app.settings();
        if settings.result_backend.is_none() {
            return Err(Stop::Input(
                "result_backend is not set: name the store of results with --backend redis://...".to_owned(),
            ));
        }
        let limit = duration(settings.broker_connection_timeout);
        let reached = match &self.endpoints.backend {
            Endpoint::Redis(url) => self.env.connect_redis(url, limit).await.map(drop),
            Endpoint::Served(name) => {
                Err(ConnectError { server: name.to_string(), reason: "it is in another process".to_owned() })
            }
            // The broker tells of them, which is reached anyhow.
            Endpoint::Rpc => Ok(()),
            server @ Endpoint::Amqp(_) => Err(crate::backend::keeps_none(server)),
        };
        reached.map_err(|error| Stop::Server(error.to_string()))
    }
}
