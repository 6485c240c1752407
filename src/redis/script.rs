//! Lua scripts: loaded once for each connection, run by their digests.

use redis::Cmd;

/// A script and its digest.
#[derive(Clone)]
pub(crate) struct Script {
    source: &'static str,
    digest: String,
}

impl Script {
    pub(crate) fn new(source: &'static str) -> Script {
        Script { source, digest: redis::Script::new(source).get_hash().to_owned() }
    }

    #[cfg(feature = "sim")]
    pub(crate) fn digest(&self) -> &str {
        &self.digest
    }

    #[cfg(feature = "sim")]
    pub(crate) fn source(&self) -> &'static str {
        self.source
    }

    /// Tells the server of it. To be sent on every connection, before it is run: servers forget scripts.
    pub(crate) fn load(&self) -> Cmd {
        let mut command = redis::cmd("SCRIPT");
        command.arg("LOAD").arg(self.source);
        command
    }

    /// Begins a run on so many keys; keys and then arguments follow.
    pub(crate) fn run(&self, keys: usize) -> Cmd {
        let mut command = redis::cmd("EVALSHA");
        command.arg(&self.digest).arg(keys);
        command
    }
}
