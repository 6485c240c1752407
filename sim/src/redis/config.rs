//! How a server is set up.

/// What a server is made of. All values may also be changed by `CONFIG SET`, where Redis allows it.
#[derive(Clone, Debug)]
pub struct RedisConfig {
    /// Numbered databases. Default 16.
    pub databases: usize,
    /// Bytes of keys and values, by an estimate, above which [`RedisConfig::eviction`] acts. Default 0: no bound.
    pub maxmemory: usize,
    /// What happens above `maxmemory`. Default [`Eviction::Never`].
    pub eviction: Eviction,
    /// What a restart finds. Default [`Persistence::None`].
    pub persistence: Persistence,
    /// Password of the user `default`. Default none: connections need not authenticate.
    pub requirepass: Option<String>,
    /// Users besides `default`.
    pub users: Vec<User>,
    /// Decides what is left to chance: which keys are looked at for eviction, `SPOP`, `RANDOMKEY`. Default 0.
    pub seed: u64,
}

impl Default for RedisConfig {
    fn default() -> Self {
        RedisConfig {
            databases: 16,
            maxmemory: 0,
            eviction: Eviction::Never,
            persistence: Persistence::None,
            requirepass: None,
            users: Vec::new(),
            seed: 0,
        }
    }
}

/// A user of the access list.
#[derive(Clone, Debug)]
pub struct User {
    /// The name that `AUTH` gives.
    pub name: String,
    /// The one valid password.
    pub password: String,
    /// Commands that are refused with `NOPERM`, in lower case.
    pub denied: Vec<String>,
}

/// `maxmemory-policy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Eviction {
    /// `noeviction`: commands that may need memory are refused.
    Never,
    /// `allkeys-lru`: the least recently used of a few keys, drawn from the seed.
    AllKeysLru,
    /// `allkeys-random`: any key, drawn from the seed.
    AllKeysRandom,
    /// `volatile-ttl`: the key that would expire first.
    VolatileTtl,
}

impl Eviction {
    /// Policies and their names.
    pub(super) const NAMES: [(Eviction, &'static str); 4] = [
        (Eviction::Never, "noeviction"),
        (Eviction::AllKeysLru, "allkeys-lru"),
        (Eviction::AllKeysRandom, "allkeys-random"),
        (Eviction::VolatileTtl, "volatile-ttl"),
    ];

    /// As `maxmemory-policy` spells it.
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(policy, _)| *policy == self).map_or("noeviction", |(_, name)| name)
    }
}

/// What reaches the disk, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Persistence {
    /// No file: a restarted server is empty.
    None,
    /// `appendfsync everysec`: a loss of power takes up to the last second of writes.
    EverySecond,
    /// `appendfsync always`: a write is on the disk before its reply is sent.
    Always,
}
