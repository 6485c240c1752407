//! Other crates, built by benches/redis/run.sh as a package of their own.

use super::server::Wire;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A crate that does the same.
#[derive(Clone, Copy)]
pub(super) struct Peer {
    pub(super) name: &'static str,
    word: &'static str,
    pub(super) wire: Wire,
    pub(super) keeps_results: bool,
    /// Most tasks that it is given.
    pub(super) most: usize,
}

/// A worker of apalis-redis ends when it finds more than 7,999 tasks: a script of its has too many arguments.
pub(super) const PEERS: [Peer; 2] = [
    Peer { name: "crate celery 0.5", word: "celery", wire: Wire::CeleryCrate, keeps_results: false, most: usize::MAX },
    Peer { name: "crate apalis-redis 1.0", word: "apalis", wire: Wire::Apalis, keeps_results: true, most: 7_000 },
];

/// The program that plays the peers.
pub(super) struct Program(PathBuf);

impl Program {
    /// `REDIS_PEERS`, or where cargo puts it.
    pub(super) fn find() -> Option<Program> {
        let own = || Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/redis_peers/target/release/redis-peers");
        let path = std::env::var_os("REDIS_PEERS").map_or_else(own, PathBuf::from);
        path.is_file().then_some(Program(path))
    }

    /// A peer's worker.
    pub(super) fn worker(&self, peer: Peer, url: &str) -> Vec<Command> {
        vec![self.command(peer, "work", url, 0)]
    }

    /// A peer's producer, one publish after the other.
    pub(super) fn producer(&self, peer: Peer, url: &str, tasks: usize) -> Command {
        self.command(peer, "publish", url, tasks)
    }

    fn command(&self, peer: Peer, what: &str, url: &str, tasks: usize) -> Command {
        let mut command = Command::new(&self.0);
        command.args([peer.word, what, url, &tasks.to_string()]);
        command
    }
}
