//! `--set NAME=VALUE`

use super::draft::Draft;
use super::{BadSource, Origin};

pub(super) fn apply(assignments: &[String], draft: &mut Draft) -> Result<(), BadSource> {
    for assignment in assignments {
        let (name, value) = assignment.split_once('=').ok_or_else(|| {
            let message = "has no '='; expected NAME=VALUE, such as --set task_acks_late=true".to_owned();
            BadSource::Flag { flag: "--set".to_owned(), message }
        })?;
        let name = name.trim();
        let bad = |message| BadSource::Flag { flag: format!("--set {name}"), message };
        if name == "profile" {
            return Err(bad("the profile is no setting; choose it with --profile".to_owned()));
        }
        draft.set_text(name, value.trim(), Origin::Flag("--set".to_owned())).map_err(|error| bad(error.to_string()))?;
    }
    Ok(())
}
