//! Other crates, built by benches/queues/run.sh as a package of their own.

use super::server::Wire;
use super::simq_arms::Site;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A crate that does the same.
pub(super) struct Peer {
    pub(super) name: &'static str,
    pub(super) word: &'static str,
    pub(super) wire: Wire,
    pub(super) keeps_results: bool,
    /// Most tasks that it is given.
    pub(super) most: usize,
}

/// The program that plays the peers.
pub(super) struct Program(PathBuf);

impl Program {
    /// `QUEUE_PEERS`, or where cargo puts it.
    pub(super) fn find() -> Option<Program> {
        let own = || Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/queue_peers/target/release/queue-peers");
        let path = std::env::var_os("QUEUE_PEERS").map_or_else(own, PathBuf::from);
        path.is_file().then_some(Program(path))
    }

    /// A peer's worker.
    pub(super) fn worker(&self, peer: &Peer, site: &Site) -> Vec<Command> {
        vec![self.command(peer, "work", site, 0)]
    }

    /// A peer's producer, one publish after the other.
    pub(super) fn producer(&self, peer: &Peer, site: &Site, tasks: usize) -> Command {
        self.command(peer, "publish", site, tasks)
    }

    fn command(&self, peer: &Peer, what: &str, site: &Site, tasks: usize) -> Command {
        let mut command = Command::new(&self.0);
        command.args([peer.word, what, &site.broker, &tasks.to_string()]);
        command
    }
}
