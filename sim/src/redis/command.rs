//! The table of commands: arity, flags, and where their keys are. Each family of commands declares its own rows.

use super::call::{Call, Outcome, Reply};
use super::errors::Error;
use std::sync::LazyLock;

/// A flag of a command, as `COMMAND INFO` names it.
pub(super) type Flags = u16;
pub(super) const WRITE: Flags = 1;
pub(super) const READ: Flags = 1 << 1;
/// Refused when memory is used up.
pub(super) const DENY_OOM: Flags = 1 << 2;
pub(super) const BLOCKING: Flags = 1 << 3;
pub(super) const NO_SCRIPT: Flags = 1 << 4;
/// Allowed before authentication.
pub(super) const NO_AUTH: Flags = 1 << 5;
pub(super) const PUBSUB: Flags = 1 << 6;
/// Allowed while the data is being loaded.
pub(super) const LOADING: Flags = 1 << 7;

/// Has subcommands, which are rows of their own: `client|id`.
const CONTAINER: Flags = 1 << 8;

/// Where the keys are among the arguments: first, last (negative: from the end), step; all 0: nowhere that is fixed.
pub(super) type Keys = (i8, i8, i8);
pub(super) const NO_KEYS: Keys = (0, 0, 0);
pub(super) const ONE_KEY: Keys = (1, 1, 1);
pub(super) const TWO_KEYS: Keys = (1, 2, 1);
pub(super) const ALL_KEYS: Keys = (1, -1, 1);

/// How a command is carried out.
#[derive(Clone, Copy)]
pub(super) enum Run {
    /// One reply.
    Plain(fn(&mut Call<'_>) -> Reply),
    /// Any number of replies, perhaps later.
    Special(fn(&mut Call<'_>) -> Result<Outcome, Error>),
}

/// A row of the table.
pub(super) struct Command {
    /// In lower case.
    pub(super) name: &'static str,
    /// Number of arguments, the name included; negative: at least so many.
    pub(super) arity: i8,
    pub(super) flags: Flags,
    pub(super) keys: Keys,
    pub(super) run: Run,
}

impl Command {
    pub(super) const fn plain(
        name: &'static str,
        arity: i8,
        flags: Flags,
        keys: Keys,
        run: fn(&mut Call<'_>) -> Reply,
    ) -> Self {
        Command { name, arity, flags, keys, run: Run::Plain(run) }
    }

    pub(super) const fn special(
        name: &'static str,
        arity: i8,
        flags: Flags,
        keys: Keys,
        run: fn(&mut Call<'_>) -> Result<Outcome, Error>,
    ) -> Self {
        Command { name, arity, flags, keys, run: Run::Special(run) }
    }

    /// A name before subcommands; alone it does nothing.
    pub(super) const fn container(name: &'static str) -> Self {
        let run = Run::Plain(|_| Err(super::errors::SYNTAX));
        Command { name, arity: -2, flags: CONTAINER, keys: NO_KEYS, run }
    }

    pub(super) fn is_container(&self) -> bool {
        self.has(CONTAINER)
    }

    pub(super) fn has(&self, flags: Flags) -> bool {
        self.flags & flags != 0
    }

    /// As `COMMAND INFO` lists them.
    pub(super) fn flag_names(&self) -> impl Iterator<Item = &'static str> {
        const NAMES: [(Flags, &str); 8] = [
            (WRITE, "write"),
            (READ, "readonly"),
            (DENY_OOM, "denyoom"),
            (PUBSUB, "pubsub"),
            (NO_SCRIPT, "noscript"),
            (BLOCKING, "blocking"),
            (LOADING, "loading"),
            (NO_AUTH, "no_auth"),
        ];
        let flags = self.flags;
        NAMES.into_iter().filter(move |(flag, _)| flags & flag != 0).map(|(_, name)| name)
    }

    /// The keys among these arguments.
    pub(super) fn keys_in<'a>(&self, args: &'a [Vec<u8>]) -> impl Iterator<Item = &'a Vec<u8>> {
        let (first, last, step) = self.keys;
        let at = |place: i8| match usize::try_from(place) {
            Ok(place) => place,
            Err(_) => args.len().saturating_sub(usize::from(place.unsigned_abs())),
        };
        let (from, to) = (at(first), at(last) + 1);
        let none = first == 0;
        let range = if none { 0..0 } else { from.min(args.len())..to.min(args.len()).max(from.min(args.len())) };
        args[range].iter().step_by(usize::from(step.unsigned_abs()).max(1))
    }

    pub(super) fn accepts(&self, args: usize) -> bool {
        let wanted = usize::from(self.arity.unsigned_abs());
        if self.arity < 0 { args >= wanted } else { args == wanted }
    }
}

/// All families, sorted by name.
static TABLE: LazyLock<Vec<&'static Command>> = LazyLock::new(|| {
    let mut table: Vec<&'static Command> = super::FAMILIES.iter().copied().flatten().collect();
    table.sort_by_key(|command| command.name);
    table
});

/// Longer names are unknown without a look.
const LONGEST: usize = 32;

/// The command of this name, in any case.
pub(super) fn find(name: &[u8]) -> Option<&'static Command> {
    let mut lower = [0; LONGEST];
    let lower = lower.get_mut(..name.len())?;
    lower.copy_from_slice(name);
    lower.make_ascii_lowercase();
    let at = TABLE.binary_search_by(|command| command.name.as_bytes().cmp(lower)).ok()?;
    Some(TABLE[at])
}

/// All commands, by name.
pub(super) fn all() -> &'static [&'static Command] {
    &TABLE
}
