//! The embedded servers that a process has to start.

use super::{App, Endpoints};
use crate::env::{Endpoint, Env};
use crate::journal::{JournalError, Journaling};
use crate::{backend::server as backend, broker::server as broker};
use std::rc::Rc;

/// Those that keep a journal.
#[derive(Default)]
pub(super) struct Servers {
    broker: Option<Rc<broker::Server>>,
    backend: Option<Rc<backend::Server>>,
}

impl Servers {
    /// Starts those that are to be embedded.
    pub(super) async fn start(env: &Env, app: &App, endpoints: &Endpoints) -> Result<Self, JournalError> {
        let journaling = Journaling::new(app.settings());
        let max_results = app.settings().embedded_max_result_bytes;
        let mut servers = Servers::default();
        match (&endpoints.broker, &journaling) {
            (Endpoint::Served(name), None) => broker::serve(env, name),
            (Endpoint::Served(name), Some(kept)) => {
                servers.broker = Some(broker::serve_kept(env, name, kept).await?);
            }
            _ => {}
        }
        match (&endpoints.backend, &journaling) {
            (Endpoint::Served(name), None) => backend::serve(env, name, max_results),
            (Endpoint::Served(name), Some(kept)) => {
                servers.backend = Some(backend::serve_kept(env, name, kept, max_results).await?);
            }
            _ => {}
        }
        Ok(servers)
    }

    /// Carries out what the clients said before they went, and leaves it on the disk.
    pub(super) async fn close(self, env: &Env) {
        if let Some(broker) = &self.broker {
            broker.drained().await;
        }
        if let Some(backend) = &self.backend {
            backend.drained().await;
        }
        env.exit(0);
        let mut closed = Vec::new();
        if let Some(broker) = self.broker {
            closed.push(broker.close().await);
        }
        if let Some(backend) = self.backend {
            closed.push(backend.close().await);
        }
        for error in closed.into_iter().filter_map(Result::err) {
            tracing::error!(%error, "the queue's directory is as a kill would have left it");
        }
    }
}
