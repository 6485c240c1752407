//! Real connections to Redis: redis-rs's multiplexed connection, which writes whole pipelines and reads replies in order.

use crate::env::redis::{RedisConnection, RedisLost, RedisUrl};
use crate::env::{ConnectError, LocalFuture};
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Cmd, Pipeline, PushInfo, PushKind, RedisError, Value};
use std::cell::{Cell, RefCell};
use std::task::{Context, Poll};
use tokio::sync::mpsc::{self, UnboundedReceiver};

struct Connected {
    connection: RefCell<Option<MultiplexedConnection>>,
    pushes: RefCell<UnboundedReceiver<PushInfo>>,
    gone: Cell<bool>,
}

pub(super) async fn connect(url: RedisUrl) -> Result<Box<dyn RedisConnection>, ConnectError> {
    let failed = |reason: String| ConnectError { server: url.to_string(), reason };
    let client = super::tls::client(&url).map_err(failed)?;
    let (sender, pushes) = mpsc::unbounded_channel();
    // Callers have their own time limits; the default of redis-rs would end blocking pops after half a second.
    let config =
        AsyncConnectionConfig::new().set_connection_timeout(None).set_response_timeout(None).set_push_sender(sender);
    let connection = client.get_multiplexed_async_connection_with_config(&config).await;
    let connection = connection.map_err(|error| failed(reason(&error)))?;
    Ok(Box::new(Connected {
        connection: RefCell::new(Some(connection)),
        pushes: RefCell::new(pushes),
        gone: Cell::new(false),
    }))
}

fn reason(error: &RedisError) -> String {
    let said = match (error.detail(), error.code()) {
        (Some(detail), Some(code)) if !error.is_io_error() => format!("{code}: {detail}"),
        _ => error.to_string(),
    };
    match super::tls::advice(&said) {
        Some(advice) => format!("{advice} ({said})"),
        None => said,
    }
}

fn lost(error: RedisError) -> RedisLost {
    RedisLost(reason(&error))
}

impl Connected {
    fn connection(&self) -> Result<MultiplexedConnection, RedisLost> {
        self.connection.borrow().clone().ok_or_else(|| RedisLost("it was closed".to_owned()))
    }
}

impl RedisConnection for Connected {
    fn send(&self, commands: Vec<Cmd>) -> LocalFuture<Result<Vec<Value>, RedisLost>> {
        let connection = self.connection();
        Box::pin(async move {
            let mut connection = connection?;
            if commands.is_empty() {
                return Ok(Vec::new());
            }
            let count = commands.len();
            let mut pipeline = Pipeline::with_capacity(count);
            commands.into_iter().for_each(|command| {
                pipeline.add_command(command);
            });
            connection.send_packed_commands(&pipeline, 0, count).await.map_err(lost)
        })
    }

    fn subscribe(&self, command: Cmd) -> LocalFuture<Result<(), RedisLost>> {
        let connection = self.connection();
        Box::pin(async move {
            let mut connection = connection?;
            match connection.send_packed_command(&command).await.map_err(lost)? {
                Value::ServerError(error) => Err(RedisLost(format!("{error:?}"))),
                _ => Ok(()),
            }
        })
    }

    fn poll_push(&self, cx: &mut Context<'_>) -> Poll<Option<PushInfo>> {
        if self.gone.get() {
            return Poll::Ready(None);
        }
        let heard = self.pushes.borrow_mut().poll_recv(cx);
        heard.map(|push| {
            let push = push.filter(|push| push.kind != PushKind::Disconnection);
            self.gone.set(push.is_none());
            push
        })
    }

    fn close(&self) {
        self.connection.borrow_mut().take();
        self.gone.set(true);
        self.pushes.borrow_mut().close();
    }
}
