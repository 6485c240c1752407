//! `simq schema`

use super::{OK, output};

pub(super) fn execute() -> u8 {
    output::print(&format!("{}\n", crate::scenario::schema()));
    OK
}
