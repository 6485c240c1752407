//! What a simulated RabbitMQ is told from outside: of its memory, its disk, and the node that clients are connected to.

use super::server::Server;
use crate::broker::amqp::Name;
use simq_sim::{Process, Signal};
use std::rc::Rc;

/// Its memory is short, and is not any more.
pub(in crate::scenario) const MEMORY: [Signal; 2] =
    [Signal::Custom("memory alarm"), Signal::Custom("end of the memory alarm")];
/// Its disk is full, and is not any more.
pub(in crate::scenario) const DISK: [Signal; 2] =
    [Signal::Custom("disk alarm"), Signal::Custom("end of the disk alarm")];
/// The node that clients are connected to is gone, and another one answers; it is back.
pub(in crate::scenario) const NODE: [Signal; 2] = [Signal::Custom("fail-over"), Signal::Custom("return of the node")];

pub(super) async fn obey(server: Rc<Server>, process: Process) {
    let [mut memory, mut disk] = [false; 2];
    loop {
        match process.next_signal().await {
            signal if signal == MEMORY[0] => memory = true,
            signal if signal == MEMORY[1] => memory = false,
            signal if signal == DISK[0] => disk = true,
            signal if signal == DISK[1] => disk = false,
            signal if signal == NODE[0] => server.fail_over(),
            signal if signal == NODE[1] => server.with_engine(|engine, now, out| engine.node_is_back(now, out)),
            _ => return server.env.exit(0),
        }
        let low = match (memory, disk) {
            (false, false) => None,
            (true, false) => Some("low on memory"),
            (false, true) => Some("low on disk"),
            (true, true) => Some("low on disk & memory"),
        };
        let alarm = low.map(Name::from);
        server.with_engine(|engine, now, out| engine.set_alarm(alarm, now, out));
    }
}

impl Server {
    /// The connections of the node that is gone are reset by its kernel.
    fn fail_over(&self) {
        self.channels.borrow_mut().clear();
        let clients = self.clients.take();
        self.with_engine(|engine, now, out| engine.fail_over(now, out));
        clients.iter().for_each(|client| client.close());
    }
}
