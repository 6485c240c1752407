//! The client's end of a simulated connection to Redis.

use super::frame::{Ask, Said};
use crate::env::redis::{RedisConnection, RedisLost, RedisUrl};
use crate::env::{ConnectError, Env, Link, LocalFuture, Socket};
use redis::{Arg, Cmd, PushInfo, Value, cmd};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use tokio::sync::oneshot;

struct Shared {
    link: Link<Ask, Said>,
    /// Who waits for a reply, oldest first.
    waiting: RefCell<VecDeque<oneshot::Sender<Value>>>,
    pushes: RefCell<VecDeque<PushInfo>>,
    waker: Cell<Option<Waker>>,
    gone: Cell<bool>,
}

struct Connection(Rc<Shared>);

/// Connects over a link, and introduces itself as redis-rs does.
pub(in crate::scenario) async fn connect(
    env: &Env,
    url: &RedisUrl,
    socket: Box<dyn Socket>,
) -> Result<Box<dyn RedisConnection>, ConnectError> {
    let shared = Rc::new(Shared {
        link: Link::new(socket),
        waiting: RefCell::default(),
        pushes: RefCell::default(),
        waker: Cell::new(None),
        gone: Cell::new(false),
    });
    env.spawn(read(shared.clone()));
    let connection = Connection(shared);
    let settings = url.info().redis_settings();
    let mut hello = cmd("HELLO");
    hello.arg(3);
    if let Some(password) = settings.password() {
        hello.arg("AUTH").arg(settings.username().unwrap_or("default")).arg(password);
    }
    let mut commands = vec![hello];
    if settings.db() != 0 {
        let mut select = cmd("SELECT");
        select.arg(settings.db());
        commands.push(select);
    }
    let failed = |reason: String| ConnectError { server: url.to_string(), reason };
    for reply in connection.send(commands).await.map_err(|RedisLost(why)| failed(why))? {
        if let Value::ServerError(error) = reply {
            return Err(failed(crate::redis::said(&error)));
        }
    }
    Ok(Box::new(connection))
}

async fn read(shared: Rc<Shared>) {
    while let Some(said) = shared.link.recv().await {
        match said {
            Said::Reply(value) => {
                if let Some(waiting) = shared.waiting.borrow_mut().pop_front() {
                    // Whoever asked may have lost patience.
                    let _ = waiting.send(value);
                }
            }
            Said::Push(push) => {
                shared.pushes.borrow_mut().push_back(push);
                shared.waker.take().into_iter().for_each(Waker::wake);
            }
            // Those are for replicas.
            Said::Snapshot(_) | Said::Stream(_) => break,
        }
    }
    shared.end();
}

impl Shared {
    fn end(&self) {
        self.gone.set(true);
        self.waiting.borrow_mut().clear();
        self.waker.take().into_iter().for_each(Waker::wake);
    }

    fn ask(&self, command: &Cmd) -> oneshot::Receiver<Value> {
        let (told, reply) = oneshot::channel();
        if !self.gone.get() {
            self.waiting.borrow_mut().push_back(told);
            self.link.send(Ask(arguments(command)));
        }
        reply
    }
}

fn arguments(command: &Cmd) -> Vec<Vec<u8>> {
    command.args_iter().map(bytes).collect()
}

pub(super) fn bytes(arg: Arg<&[u8]>) -> Vec<u8> {
    match arg {
        Arg::Simple(bytes) => bytes.to_vec(),
        _ => b"0".to_vec(),
    }
}

fn lost() -> RedisLost {
    RedisLost("connection closed".to_owned())
}

impl RedisConnection for Connection {
    fn send(&self, commands: Vec<Cmd>) -> LocalFuture<Result<Vec<Value>, RedisLost>> {
        let replies: Vec<_> = commands.iter().map(|command| self.0.ask(command)).collect();
        Box::pin(async move {
            let mut values = Vec::with_capacity(replies.len());
            for reply in replies {
                values.push(reply.await.map_err(|_| lost())?);
            }
            Ok(values)
        })
    }

    fn subscribe(&self, command: Cmd) -> LocalFuture<Result<(), RedisLost>> {
        let reply = self.0.ask(&command);
        Box::pin(async move {
            match reply.await.map_err(|_| lost())? {
                Value::ServerError(error) => Err(RedisLost(format!("{error:?}"))),
                _ => Ok(()),
            }
        })
    }

    fn poll_push(&self, cx: &mut Context<'_>) -> Poll<Option<PushInfo>> {
        match self.0.pushes.borrow_mut().pop_front() {
            Some(push) => Poll::Ready(Some(push)),
            None if self.0.gone.get() => Poll::Ready(None),
            None => {
                self.0.waker.set(Some(cx.waker().clone()));
                Poll::Pending
            }
        }
    }

    fn close(&self) {
        self.0.link.close();
        self.0.end();
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.close();
    }
}
