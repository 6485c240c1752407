//! The scripts: `take` and `refresh` are those of `consume = "atomic"`, the others of both.
//!
//! Everything in them is checked against a real server and, run by their twins in the simulated one, against the same
//! sequences of commands.

use crate::redis::Script;

/// All of them.
pub(crate) struct Scripts {
    pub(crate) take: Script,
    pub(crate) put: Script,
    pub(crate) refresh: Script,
    pub(crate) overdue: Script,
}

impl Scripts {
    pub(crate) fn new() -> Scripts {
        Scripts {
            take: Script::new(include_str!("scripts/take.lua")),
            put: Script::new(include_str!("scripts/move.lua")),
            refresh: Script::new(include_str!("scripts/refresh.lua")),
            overdue: Script::new(include_str!("scripts/overdue.lua")),
        }
    }

    /// Each with its name as an effect.
    #[cfg(feature = "sim")]
    pub(crate) fn named() -> [(&'static str, Script); 4] {
        let Scripts { take, put, refresh, overdue } = Scripts::new();
        [("redis.take", take), ("redis.move", put), ("redis.refresh", refresh), ("redis.overdue", overdue)]
    }

    pub(crate) fn all(&self) -> [&Script; 4] {
        [&self.take, &self.put, &self.refresh, &self.overdue]
    }
}
