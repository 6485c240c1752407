//! The command that shows a run again.

use super::super::Report;

/// A command line for a POSIX shell; `program` is how to call simq.
pub fn replay(report: &Report, program: &str) -> String {
    // A file may be called like an option.
    let file = if report.file.starts_with('-') { format!("./{}", report.file) } else { report.file.clone() };
    let variant = report.variant.as_ref().map(|variant| match variant.starts_with('-') {
        true => format!(" --variant={}", shell_word(variant)),
        false => format!(" --variant {}", shell_word(variant)),
    });
    format!("{program} run {} --seed {}{}", shell_word(&file), report.seed, variant.unwrap_or_default())
}

/// A text as one word of a shell, quoted if need be.
pub fn shell_word(text: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_./+,:@%=".contains(c);
    match !text.is_empty() && text.chars().all(is_plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', "'\\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::shell_word;

    #[test]
    fn words_are_quoted_when_a_shell_would_split_or_expand_them() {
        assert_eq!(shell_word("scenarios/a-b_1.toml"), "scenarios/a-b_1.toml");
        assert_eq!(shell_word("two words"), "'two words'");
        assert_eq!(shell_word("it's $HOME"), "'it'\\''s $HOME'");
        assert_eq!(shell_word(""), "''");
    }
}
