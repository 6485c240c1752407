//! What a step lets clients see, in a form that both sides share.

use std::collections::BTreeMap;
use std::fmt::Write;

/// A message in a client's hands.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Taken {
    /// On its own side only: where queues race for a channel, tags differ.
    pub(crate) tag: u64,
    pub(crate) shown: String,
}

/// All that clients see of one step once it has had all its effects.
///
/// Compared is what AMQP orders: deliveries per consumer, confirms per publish. What arrives on a channel from
/// different queues has no order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    /// The answer to the step itself.
    pub(crate) reply: String,
    /// Channel and consumer.
    pub(crate) deliveries: BTreeMap<(usize, String), Vec<Taken>>,
    pub(crate) got: Option<Taken>,
    /// Consumers that the server cancelled.
    pub(crate) cancelled: Vec<(usize, String)>,
    /// Channel and number of the publish.
    pub(crate) confirms: BTreeMap<(usize, u64), String>,
    pub(crate) closed: BTreeMap<usize, String>,
    /// Ready messages and consumers of each queue.
    pub(crate) counts: BTreeMap<String, String>,
}

impl Seen {
    pub(crate) fn show(&self) -> String {
        let mut text = format!("    {}\n", self.reply);
        if let Some(got) = &self.got {
            let _ = writeln!(text, "    got {}", got.shown);
        }
        for ((channel, consumer), taken) in &self.deliveries {
            for taken in taken {
                let _ = writeln!(text, "    {channel} {consumer} < {}", taken.shown);
            }
        }
        for (channel, consumer) in &self.cancelled {
            let _ = writeln!(text, "    {channel} {consumer} cancelled");
        }
        for ((channel, seq), confirm) in &self.confirms {
            let _ = writeln!(text, "    {channel} #{seq} {confirm}");
        }
        for (channel, why) in &self.closed {
            let _ = writeln!(text, "    {channel} closed {why}");
        }
        for (queue, counts) in &self.counts {
            let _ = writeln!(text, "    {queue}: {counts}");
        }
        text
    }
}

/// Why a channel was closed. Its number, which some texts name, is its client's choice.
pub(crate) fn closing(code: u16, text: &str) -> String {
    let on_channel = "on channel ";
    let text = match text.split_once(on_channel) {
        Some((before, rest)) => {
            format!("{before}{on_channel}N{}", rest.trim_start_matches(|c: char| c.is_ascii_digit()))
        }
        None => text.to_owned(),
    };
    format!("{code} {text}")
}
