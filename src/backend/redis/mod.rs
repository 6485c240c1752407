//! Redis as a result store, on Celery's keys.
//!
//! As with the broker, a connection to Redis is presented as one to simq's own store: requests of the backend actor become
//! commands, gathered into batches; what is published under the key of a result that somebody waits for wakes him.

mod commands;
#[cfg(test)]
mod golden_tests;
mod leases;
mod results;

use super::frame::{Request, Response};
use crate::env::redis::{RedisConnection, RedisLost, RedisUrl};
use crate::env::{ConnectError, Env, Link};
use crate::redis::{PATIENCE, Script, Writer};
use crate::settings::{Settings, duration};
use redis::{Cmd, Msg, PushInfo, PushKind, Value, cmd};
use results::{Purpose, Results};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

/// The scripts by their names as effects.
#[cfg(feature = "sim")]
pub(crate) fn scripts() -> [(&'static str, Script); 2] {
    [("redis.keep", Results::script()), ("redis.swap", leases::script())]
}

#[cfg(feature = "sim")]
pub(crate) use super::form::state_of;

pub(super) use leases::connect as connect_leases;

struct Shell {
    env: Env,
    connection: Rc<dyn RedisConnection>,
    link: Link<Response, Request>,
    results: RefCell<Results>,
    writer: Writer<Purpose>,
    patience: Duration,
    closed: Cell<bool>,
}

/// Connects, and serves the link that is returned until one of the two is gone.
pub(super) async fn connect(
    env: &Env,
    url: &RedisUrl,
    settings: &Settings,
    limit: Duration,
) -> Result<Link<Request, Response>, ConnectError> {
    let results = Results::new(settings);
    let connection: Rc<dyn RedisConnection> = env.connect_redis(url, limit).await?.into();
    let mut load: Vec<Cmd> = results.scripts().map(Script::load).into();
    if let Some(name) = settings.result_transport_client_name.as_ref().or(settings.result_client_name.as_ref()) {
        let mut command = cmd("CLIENT");
        command.arg("SETNAME").arg(name);
        load.push(command);
    }
    let failed = |reason: String| ConnectError { server: url.to_string(), reason };
    let loaded = env.timeout(limit, connection.send(load)).await;
    let loaded = loaded.map_err(|_| failed(format!("no answer within {limit:?}")))?;
    for reply in loaded.map_err(|RedisLost(why)| failed(why))? {
        if let Value::ServerError(error) = reply {
            return Err(failed(crate::redis::said(&error)));
        }
    }
    let (ours, theirs) = crate::env::pair();
    let shell = Rc::new(Shell {
        env: env.clone(),
        connection,
        link: Link::new(theirs),
        results: RefCell::new(results),
        writer: Writer::new(),
        patience: settings.result_socket_timeout.map_or(PATIENCE, duration),
        closed: Cell::new(false),
    });
    env.spawn(shell.clone().write());
    env.spawn(shell.clone().hear_pushes());
    env.spawn(shell.serve());
    Ok(Link::new(ours))
}

impl Shell {
    async fn serve(self: Rc<Self>) {
        while let Some(request) = self.link.recv().await {
            self.results.borrow_mut().ask(request);
            // A subscription is sent before the look that it belongs to.
            self.change_channels();
            self.flush();
        }
        self.close();
    }

    fn close(&self) {
        if !self.closed.replace(true) {
            self.connection.close();
            self.link.close();
        }
    }

    fn lost(&self, RedisLost(why): &RedisLost) {
        if !self.closed.get() {
            tracing::debug!(why, "connection to the result store lost");
            self.close();
        }
    }

    fn flush(&self) {
        let mut results = self.results.borrow_mut();
        self.writer.append(&mut results.batch);
        let said = std::mem::take(&mut results.said);
        let failed = results.failed.take();
        drop(results);
        said.into_iter().for_each(|response| self.link.send(response));
        if let Some(why) = failed {
            tracing::error!(why, "the result store refused a command");
            self.close();
        }
    }

    fn change_channels(&self) {
        let channels = std::mem::take(&mut self.results.borrow_mut().channels);
        for (join, channel) in channels {
            let mut command = cmd(if join { "SUBSCRIBE" } else { "UNSUBSCRIBE" });
            command.arg(channel);
            self.subscribe(command);
        }
    }

    /// Sends it now; whether it was confirmed is nobody's concern but the connection's.
    fn subscribe(&self, command: Cmd) {
        let answer = self.connection.subscribe(command);
        self.env.spawn(async move {
            if let Err(RedisLost(why)) = answer.await {
                tracing::debug!(why, "not subscribed");
            }
        });
    }

    async fn write(self: Rc<Self>) {
        let heard = self.clone();
        let hear = |purpose, reply| {
            heard.results.borrow_mut().hear(purpose, reply);
            heard.change_channels();
            heard.flush();
        };
        let lost = self.writer.run(&self.connection, self.patience, &self.env, |_| {}, hear).await;
        self.lost(&lost);
    }

    async fn hear_pushes(self: Rc<Self>) {
        while let Some(push) = std::future::poll_fn(|cx| self.connection.poll_push(cx)).await {
            if push.kind == PushKind::Message {
                self.overhear(push);
            }
        }
        self.lost(&RedisLost("the server closed it".to_owned()));
    }

    fn overhear(&self, push: PushInfo) {
        let Some(message) = Msg::from_push_info(push) else { return };
        self.results.borrow_mut().overhear(message.get_channel_name(), message.get_payload_bytes());
        self.change_channels();
        self.flush();
    }
}
