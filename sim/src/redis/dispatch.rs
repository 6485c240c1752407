//! From arguments to replies: what is checked before a command runs, and what follows after it.

use super::call::{Call, Outcome, Source};
use super::command::{BLOCKING, Command, DENY_OOM, LOADING, NO_AUTH, READ, Run, WRITE, find};
use super::errors::{Error, NO_AUTH as MUST_AUTHENTICATE, OUT_OF_MEMORY, READ_ONLY};
use super::{ClientId, Redis};
use ::redis::Value;

impl Redis {
    /// One command of a client that is not blocked. [`Redis::serve_ready`] must follow.
    pub(super) fn execute(&mut self, client: ClientId, args: &[Vec<u8>]) {
        self.begin_tracking(client);
        let outcome = match self.admit(client, args) {
            Ok(command) => self.queue_or_run(client, command, args),
            Err(error) => Err(self.rejected(client, args, error)),
        };
        match outcome {
            Ok(Outcome::Reply(value)) => self.out.push((client, value)),
            Ok(Outcome::Replies(values)) => self.out.extend(values.into_iter().map(|value| (client, value))),
            Ok(Outcome::Blocked) => {}
            Err(error) => self.out.push((client, error.into())),
        }
        self.end_tracking(client, resolve(args).map_or("", |command| command.name));
        self.commit();
    }

    /// The command and its row, unless the server refuses it as it is.
    fn admit(&mut self, client: ClientId, args: &[Vec<u8>]) -> Result<&'static Command, Error> {
        let command = resolve(args)?;
        let state = self.clients.get(&client).ok_or(MUST_AUTHENTICATE)?;
        let Some(user) = &state.user else {
            return if command.has(NO_AUTH) { Ok(command) } else { Err(MUST_AUTHENTICATE) };
        };
        self.permitted(user, command)?;
        let in_transaction = state.transaction.is_some();
        let queued = if command.name == "exec" { state.queued_flags() } else { 0 };
        if self.is_full() {
            let holds_memory = in_transaction && !matches!(command.name, "exec" | "discard" | "quit" | "reset");
            if holds_memory || command.has(DENY_OOM) || queued & DENY_OOM != 0 {
                return Err(OUT_OF_MEMORY);
            }
        }
        if self.master.is_some() && (command.has(WRITE) || queued & WRITE != 0) {
            return Err(READ_ONLY);
        }
        self.check_subscribed(client, command)?;
        if self.is_loading() && !command.has(LOADING) {
            return Err(Error::fixed("LOADING Redis is loading the dataset in memory"));
        }
        Ok(command)
    }

    fn queue_or_run(
        &mut self,
        client: ClientId,
        command: &'static Command,
        args: &[Vec<u8>],
    ) -> Result<Outcome, Error> {
        if self.queue(client, command, args) {
            return Ok(Outcome::Reply(Value::SimpleString("QUEUED".into())));
        }
        let db = self.clients.get(&client).map_or(0, |client| client.db);
        self.run(client, db, Source::Client, command, args)
    }

    /// Carries a command out, and notes for replicas and logs what it changed.
    pub(super) fn run(
        &mut self,
        client: ClientId,
        db: usize,
        source: Source,
        command: &'static Command,
        args: &[Vec<u8>],
    ) -> Result<Outcome, Error> {
        *self.stats.calls.entry(command.name).or_default() += 1;
        let dirty = self.dirty;
        let mut call = Call { redis: self, client, db, source, args, effects: None };
        let outcome = match command.run {
            Run::Plain(run) => run(&mut call).map(Outcome::Reply),
            Run::Special(run) => run(&mut call),
        };
        let effects = call.effects.take();
        let asked = matches!(source, Source::Client | Source::Transaction);
        if asked && command.has(READ) {
            self.remember_read(client, command.keys_in(args));
        }
        let changed = self.dirty != dirty && command.has(WRITE);
        match effects {
            Some(effects) => effects.into_iter().for_each(|effect| self.record(db, || effect)),
            None if changed && !command.has(BLOCKING) => self.record(db, || args.to_vec()),
            None => {}
        }
        match outcome {
            Ok(Outcome::Reply(value)) if asked => Ok(Outcome::Reply(self.typed(client, command.name, args, value))),
            outcome => outcome,
        }
    }
}

/// The row of a command or subcommand, if the arguments are as many as it takes.
pub(super) fn resolve(args: &[Vec<u8>]) -> Result<&'static Command, Error> {
    let name = args.first().ok_or(Error::fixed("ERR Protocol error: expected a command"))?;
    let mut command = find(name).ok_or_else(|| Error::unknown_command(args))?;
    if command.is_container() && args.len() > 1 {
        let full = [command.name.as_bytes(), b"|", &args[1]].concat();
        command = find(&full).ok_or_else(|| Error::subcommand(command.name, &args[1]))?;
    }
    if command.accepts(args.len()) { Ok(command) } else { Err(Error::arity(command.name)) }
}
