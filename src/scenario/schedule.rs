//! The table `[schedule]`: in which order what is ready runs, and how long messages travel.

use super::values::Span;
use schemars::JsonSchema;
use serde::Deserialize;
use simq_sim::{Order, Pins};
use std::time::Duration;

/// Who runs next, and how long messages travel. Without this table, the seed decides both.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Schedule {
    /// How it is decided: `first`, `uniform`, `pct`. Default: `first`.
    pub(crate) order: Option<OrderName>,
    /// With `pct`: change points. Default: 2.
    pub(crate) changes: Option<u32>,
    /// With `pct`: choices among ready tasks that change points are drawn from. Default: 1000.
    pub(crate) steps: Option<u64>,
    /// With `first`: `[n, r]`, the n-th choice among ready tasks, from 0, falls on the one that r others have waited
    /// longer than.
    #[serde(default)]
    pub(crate) picks: Vec<(u64, u64)>,
    /// With `first`: `[n, time]`, the n-th message, from 0, travels this much longer.
    #[serde(default)]
    pub(crate) delays: Vec<(u64, Span)>,
}

/// Orders.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum OrderName {
    /// What has waited longest runs first, and messages travel as fast as they can, except where `picks` and `delays` say
    /// otherwise.
    #[default]
    First,
    /// The seed decides, all choices alike.
    Uniform,
    /// Random priorities with change points.
    Pct,
}

impl Schedule {
    pub(crate) fn order(&self) -> Order {
        match self.order.unwrap_or_default() {
            OrderName::Uniform => Order::Uniform,
            OrderName::Pct => Order::Pct { changes: self.changes.unwrap_or(2), steps: self.steps.unwrap_or(1000) },
            OrderName::First => {
                let nanos = |span: &Span| u64::try_from(span.0.as_nanos()).unwrap_or(u64::MAX);
                let delays = self.delays.iter().map(|(number, more)| (*number, nanos(more))).collect();
                Order::Pinned(Pins { tasks: self.picks.clone(), delays })
            }
        }
    }
}

/// As the table is written in a file.
pub(crate) fn table(order: &Order) -> toml::Table {
    let mut table = toml::Table::new();
    let pair = |a: u64, b: toml::Value| toml::Value::Array(vec![number(a), b]);
    match order {
        Order::Uniform => {}
        Order::Pct { changes, steps } => {
            table.insert("order".to_owned(), "pct".into());
            table.insert("changes".to_owned(), number(u64::from(*changes)));
            table.insert("steps".to_owned(), number(*steps));
        }
        Order::Pinned(pins) => {
            if !pins.tasks.is_empty() {
                let picks = pins.tasks.iter().map(|(at, rank)| pair(*at, number(*rank)));
                table.insert("picks".to_owned(), toml::Value::Array(picks.collect()));
            }
            if !pins.delays.is_empty() {
                let text = |nanos: u64| humantime::format_duration(Duration::from_nanos(nanos)).to_string();
                let delays = pins.delays.iter().map(|(at, more)| pair(*at, text(*more).into()));
                table.insert("delays".to_owned(), toml::Value::Array(delays.collect()));
            }
        }
    }
    table
}

fn number(number: u64) -> toml::Value {
    toml::Value::Integer(i64::try_from(number).unwrap_or(i64::MAX))
}
