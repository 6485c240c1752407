//! Searches that were ended early: how they end, and the command that goes on.

use super::{FAILED, INTERRUPTED, OK};
use crate::env::system::signals::interrupt;
use crate::scenario::report::shell_word;
use std::ops::ControlFlow;

/// For whoever can be ended by Ctrl-C.
pub(super) fn unless_interrupted() -> ControlFlow<()> {
    if interrupt::is_interrupted() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
}

/// The exit status of a search. What was found counts, however it ended; that nothing was found, only at the end.
pub(super) fn status(found: bool, interrupted: bool) -> u8 {
    match (found, interrupted) {
        (true, _) => FAILED,
        (false, true) => INTERRUPTED,
        (false, false) => OK,
    }
}

/// This command line with other values of some options, for a shell.
pub(super) fn command_with(options: &[(&str, String)]) -> String {
    let words = std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned());
    with(words, options)
}

fn with(words: impl Iterator<Item = String>, options: &[(&str, String)]) -> String {
    let mut kept = vec!["simq".to_owned()];
    let (mut words, mut is_option) = (words, true);
    let mut given: Vec<String> = Vec::new();
    while let Some(word) = words.next() {
        is_option &= word != "--";
        let named = |(name, _): &&(&str, String)| {
            word.strip_prefix(*name).is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
        };
        match options.iter().find(named).filter(|_| is_option) {
            Some((name, _)) if word == *name => drop(words.next()),
            Some(_) => {}
            None if is_option => kept.push(shell_word(&word)),
            None => given.push(shell_word(&word)),
        }
    }
    kept.extend(options.iter().flat_map(|(name, value)| [(*name).to_owned(), shell_word(value)]));
    kept.append(&mut given);
    kept.join(" ")
}

#[cfg(test)]
mod tests {
    use super::with;

    #[test]
    fn options_are_replaced_and_everything_else_stays() {
        let line = |text: &str| with(text.split(' ').map(str::to_owned), &[("--seed", "65".to_owned())]);
        assert_eq!(line("explore s.toml"), "simq explore s.toml --seed 65");
        assert_eq!(line("explore --seed 1 a$b --seeds 9"), "simq explore 'a$b' --seeds 9 --seed 65");
        assert_eq!(line("explore --seed=1 --all -- --seed"), "simq explore --all --seed 65 -- --seed");
    }
}
