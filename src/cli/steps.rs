//! Stepping through a replay: commands in, what they ask for out.

use super::output;
use crate::scenario::replay::{Moment, Replay};
use std::fmt::Write;

const HELP: &str = "\
  ENTER, n [COUNT]   the next event, or the next COUNT
  b [COUNT]          back
  g NUMBER           go to an event
  at TIME            go to a time, 12.4 or 12.4s
  f TEXT             go to the next event with this text
  p [PROCESS]        how processes stand: unacked, reserved, timers, running
  q [QUEUE]          what is in the queues
  task ID            one task's life; the beginning of its id will do
  why [NUMBER]       causes of an event, backwards
  quit
";

/// Events that `why` goes back.
const CAUSES: usize = 30;

/// Where somebody is in a replay.
pub(super) struct Steps<'a> {
    replay: &'a Replay,
    /// Events that have happened.
    done: usize,
}

impl<'a> Steps<'a> {
    pub(super) fn new(replay: &'a Replay) -> Self {
        Steps { replay, done: 0 }
    }

    /// Reads commands until there are no more.
    pub(super) fn talk(mut self) {
        output::print(&format!("{} events; `help` lists the commands\n", self.replay.events.len()));
        while let Some(line) = output::read_line("> ") {
            let mut words = line.split_whitespace();
            let command = words.next().unwrap_or("n").to_owned();
            let rest = words.collect::<Vec<_>>().join(" ");
            if matches!(command.as_str(), "quit" | "exit") {
                return;
            }
            let said = self.answer(&command, &rest);
            output::print(&said);
        }
    }

    fn answer(&mut self, command: &str, rest: &str) -> String {
        match command {
            "n" | "next" => self.forward(rest.parse().unwrap_or(1)),
            "b" | "back" => {
                self.done = self.done.saturating_sub(rest.parse().unwrap_or(1));
                self.here()
            }
            "g" | "go" => match rest.parse::<usize>() {
                Ok(number) => self.go_to(number.saturating_add(1)),
                Err(_) => "g takes the number of an event\n".to_owned(),
            },
            "at" => match rest.trim_end_matches('s').parse::<f64>() {
                Ok(seconds) => {
                    let events = &self.replay.events;
                    self.go_to(events.partition_point(|event| event.at as f64 / 1e9 <= seconds))
                }
                Err(_) => "at takes a time in seconds\n".to_owned(),
            },
            "f" | "find" => self.find(rest),
            "p" | "process" => self.processes(rest),
            "q" | "queue" => self.queues(rest),
            "task" => self.life(rest),
            "why" => self.why(rest),
            "help" | "?" => HELP.to_owned(),
            _ => format!("there is no command {command:?}; `help` lists them\n"),
        }
    }

    fn here(&self) -> String {
        match self.done.checked_sub(1).and_then(|last| self.replay.events.get(last)) {
            Some(event) => format!("{event}\n"),
            None => "before the first event\n".to_owned(),
        }
    }

    fn go_to(&mut self, done: usize) -> String {
        self.done = done.min(self.replay.events.len());
        self.here()
    }

    fn forward(&mut self, count: usize) -> String {
        let events = self.replay.events.get(self.done..).unwrap_or_default();
        let told: String = events.iter().take(count).map(|event| format!("{event}\n")).collect();
        self.done += count.min(events.len());
        if told.is_empty() { "the run is over\n".to_owned() } else { told }
    }

    fn find(&mut self, text: &str) -> String {
        let ahead = self.replay.events.get(self.done..).unwrap_or_default();
        match ahead.iter().position(|event| event.to_string().contains(text)) {
            Some(more) => self.go_to(self.done + more + 1),
            None => format!("no event after this one has {text:?}\n"),
        }
    }

    fn ids(&self, tasks: impl IntoIterator<Item = usize>) -> String {
        let ids: Vec<&str> = tasks.into_iter().map(|task| &*self.replay.tasks[task]).collect();
        if ids.is_empty() { "none".to_owned() } else { ids.join(", ") }
    }

    fn processes(&self, wanted: &str) -> String {
        let moment = Moment::after(self.replay, self.done);
        let mut told = String::new();
        for (name, state) in moment.processes.iter().filter(|(name, _)| wanted.is_empty() || ***name == *wanted) {
            let alive = if state.alive { "runs" } else { "has ended" };
            let _ = write!(told, "  {name:<12} {alive}, life {}", state.lives);
            let running = state.running.map(|task| format!("; runs {}", self.replay.tasks[task]));
            let _ = write!(told, "{}", running.unwrap_or_default());
            for (what, tasks) in [("unacked", &state.unacked), ("reserved", &state.reserved), ("timers", &state.timers)]
            {
                if !tasks.is_empty() {
                    let _ = write!(told, "; {what}: {}", self.ids(tasks.iter().copied()));
                }
            }
            told.push('\n');
        }
        if told.is_empty() { format!("there is no process {wanted:?} yet\n") } else { told }
    }

    fn queues(&self, wanted: &str) -> String {
        let moment = Moment::after(self.replay, self.done);
        let named = moment.queues.iter().filter(|(name, _)| wanted.is_empty() || ***name == *wanted);
        let told: String = named
            .map(|(name, tasks)| format!("  {name} ({}): {}\n", tasks.len(), self.ids(tasks.iter().copied())))
            .collect();
        if told.is_empty() { "nothing has been in a queue of that name yet\n".to_owned() } else { told }
    }

    fn life(&self, id: &str) -> String {
        match self.replay.task(id) {
            Some(task) => self.replay.life(task).map(|event| format!("{event}\n")).collect(),
            None => format!("there is no task {id:?}, or more than one begins so\n"),
        }
    }

    fn why(&self, number: &str) -> String {
        let here = self.done.checked_sub(1).and_then(|last| self.replay.events.get(last)).map(|event| event.number);
        match number.parse().ok().or(here) {
            Some(number) => {
                let chain = self.replay.why(number, CAUSES);
                let told: String = chain.iter().map(|event| format!("{event}\n")).collect();
                if told.is_empty() { "there is no such event\n".to_owned() } else { told }
            }
            None => "why takes the number of an event\n".to_owned(),
        }
    }
}
