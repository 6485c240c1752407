//! Names of worker nodes, as Celery makes them.

/// `NAME@HOST` of what `--hostname` says: `%h` is the host, `%n` its part before the first dot, `%d` the one behind, and a
/// name without `@` is one on this host.
pub(super) fn node_name(wanted: Option<&str>, host: &str) -> Result<String, String> {
    let (name, domain) = host.split_once('.').unwrap_or((host, ""));
    let wanted = wanted.unwrap_or("simq");
    let full = if wanted.contains('@') { wanted.to_owned() } else { format!("{wanted}@{host}") };
    let full = full.replace("%h", host).replace("%n", name).replace("%d", domain);
    let fine = |c: char| !c.is_whitespace() && !c.is_control() && c != '/';
    match full.split_once('@') {
        Some((name, host)) if !name.is_empty() && !host.is_empty() && full.chars().all(fine) && full.len() <= 200 => {
            Ok(full)
        }
        _ => Err(format!("--hostname {wanted:?}: expected NAME or NAME@HOST, such as w1@%h")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_completed_with_its_host() {
        for (wanted, name) in [
            (None, "simq@a.b.c"),
            (Some("w1"), "w1@a.b.c"),
            (Some("w1@%h"), "w1@a.b.c"),
            (Some("w1@%n"), "w1@a"),
            (Some("w@x.%d"), "w@x.b.c"),
        ] {
            assert_eq!(node_name(wanted, "a.b.c").as_deref(), Ok(name));
        }
        for wanted in ["", "@h", "w@", "a b", "a/b"] {
            assert!(node_name(Some(wanted), "h").is_err(), "{wanted}");
        }
    }
}
