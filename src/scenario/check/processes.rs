//! Processes that a fault names.

use crate::scenario::format::{FaultEntry, Kind};
use crate::scenario::load::{Scenario, listed, meant};
use crate::text::Problem;
use toml::Spanned;

/// The process of that name: a host, or `HOST/N` for a pool child.
pub(in crate::scenario) fn check(scenario: &Scenario, name: &Spanned<String>) -> Result<String, Problem> {
    let wanted = name.get_ref().as_str();
    let (host, child) = wanted.split_once('/').map_or((wanted, None), |(host, child)| (host, Some(child)));
    let Some(children) = scenario.hosts().get(host) else { return Err(unknown(scenario, name)) };
    // `01` would parse, and name nothing.
    let is_child = |child: &str| (1..=*children).any(|number| number.to_string() == child);
    if child.is_some_and(|child| !is_child(child)) {
        return Err(scenario.problem(name.span(), format!("there is no process {wanted:?}: {}", pool(host, *children))));
    }
    Ok(wanted.to_owned())
}

fn unknown(scenario: &Scenario, name: &Spanned<String>) -> Problem {
    let (wanted, names) = (name.get_ref(), || scenario.hosts().keys().map(String::as_str));
    let nearest = meant(wanted, names());
    let message = format!("there is no process {wanted:?}{nearest}\nexpected one of: {}", listed(names()));
    scenario.problem(name.span(), message)
}

/// In words: the children of a host.
fn pool(host: &str, children: u32) -> String {
    match children {
        0 => format!("{host} has no pool children"),
        1 => format!("{host} has one pool child, \"{host}/1\""),
        n => format!("{host} has {n} pool children, \"{host}/1\" to \"{host}/{n}\""),
    }
}

/// A network, a disk and a clock are a host's; so is what starts again.
fn host(scenario: &Scenario, name: &Spanned<String>) -> Result<String, Problem> {
    let process = check(scenario, name)?;
    match process.split_once('/') {
        Some((host, _)) => {
            let message = format!("{process:?} is a pool child; this takes a host, such as {host:?}");
            Err(scenario.problem(name.span(), message))
        }
        None => Ok(process),
    }
}

/// The process of a fault, as its kind wants it.
pub(in crate::scenario) fn of_fault(scenario: &Scenario, fault: &FaultEntry) -> Result<String, Problem> {
    let Some(name) = &fault.process else { return Ok(String::new()) };
    let of_host = matches!(
        fault.kind.get_ref(),
        Kind::PowerOff | Kind::Restart | Kind::WipeDisk | Kind::SlowConsumer | Kind::ClockStep | Kind::KillChild
    );
    let process = match of_host || fault.restart_after.is_some() || fault.child.is_some() {
        true => host(scenario, name)?,
        false => check(scenario, name)?,
    };
    let children = scenario.hosts().get(&process).copied().unwrap_or_default();
    if *fault.kind.get_ref() == Kind::KillChild && children == 0 {
        return Err(scenario.problem(name.span(), pool(&process, children)));
    }
    match &fault.child {
        Some(child) if !(1..=children as usize).contains(child.get_ref()) => {
            let message = format!("there is no child {}: {}", child.get_ref(), pool(&process, children));
            Err(scenario.problem(child.span(), message))
        }
        _ => Ok(process),
    }
}

/// The two hosts of a network fault.
pub(in crate::scenario) fn pair(scenario: &Scenario, [a, b]: &[Spanned<String>; 2]) -> Result<[String; 2], Problem> {
    let between = [host(scenario, a)?, host(scenario, b)?];
    if between[0] == between[1] {
        return Err(scenario.problem(b.span(), format!("{:?} stands here twice; name two hosts", between[0])));
    }
    Ok(between)
}
