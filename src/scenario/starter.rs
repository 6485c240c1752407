//! A commented scenario to start from.

/// The text of a new scenario file.
pub fn starter(name: &str) -> String {
    include_str!("starter.toml").replace("NAME", name)
}
