//! `--set NAME=VALUE`, and flags that are as much under a name of their own.

use super::draft::Draft;
use super::{Assignment, BadSource, Origin};

pub(super) fn apply(assignments: &[Assignment], draft: &mut Draft) -> Result<(), BadSource> {
    for Assignment { flag, text } in assignments {
        let (name, value) = text.split_once('=').ok_or_else(|| {
            let message = "has no '='; expected NAME=VALUE, such as --set task_acks_late=true".to_owned();
            BadSource::Flag { flag: flag.clone(), message }
        })?;
        let name = name.trim();
        let shown = if flag == "--set" { format!("--set {name}") } else { flag.clone() };
        let bad = |message| BadSource::Flag { flag: shown.clone(), message };
        if name == "profile" {
            return Err(bad("the profile is no setting; choose it with --profile".to_owned()));
        }
        draft.set_text(name, value.trim(), Origin::Flag(flag.clone())).map_err(|error| bad(error.to_string()))?;
    }
    Ok(())
}
