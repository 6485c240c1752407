//! The embedded broker's engine: stories of single behaviours, then random sequences of methods against a naive
//! reference model and against the laws that every sequence must keep.

use proptest::prelude::*;
use simq::broker::amqp::{
    ChannelId, DeathReason, Delivery, DropReason, Engine, Event, ExchangeKind, Method, Movement, Name, Output,
    Overflow, QueueOptions, Refusal,
};
use simq::message::{DeliveryMode, Message};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

const MS: u64 = 1_000_000;
const SECOND: u64 = 1000 * MS;

// ---- helpers ----

#[derive(Clone, Debug, PartialEq)]
enum Fact {
    Queued(Name, Arc<Message>),
    Delivered(Name, Arc<Message>, ChannelId),
    Requeued(Name, Arc<Message>, u32),
    Acked(Name, Arc<Message>),
    Dropped(Name, Arc<Message>, DropReason),
    DeadLettered(Name, Arc<Message>, DeathReason, Vec<Name>),
}

impl From<Movement<'_>> for Fact {
    fn from(movement: Movement<'_>) -> Self {
        match movement {
            Movement::Queued { queue, message } => Fact::Queued(queue.clone(), message.clone()),
            Movement::Delivered { queue, message, channel } => Fact::Delivered(queue.clone(), message.clone(), channel),
            Movement::Requeued { queue, message, delivery_count } => {
                Fact::Requeued(queue.clone(), message.clone(), delivery_count)
            }
            Movement::Acked { queue, message } => Fact::Acked(queue.clone(), message.clone()),
            Movement::Dropped { queue, message, reason } => Fact::Dropped(queue.clone(), message.clone(), reason),
            Movement::DeadLettered { queue, message, reason, to } => {
                Fact::DeadLettered(queue.clone(), message.clone(), reason, to.to_vec())
            }
        }
    }
}

/// One thing that the engine put out.
#[derive(Clone, Debug)]
enum Said {
    To(ChannelId, Event),
    That(Fact),
}

#[derive(Default)]
struct Recorder(Vec<Said>);

impl Output for Recorder {
    fn send(&mut self, to: ChannelId, event: Event) {
        self.0.push(Said::To(to, event));
    }

    fn moved(&mut self, what: Movement<'_>) {
        self.0.push(Said::That(what.into()));
    }
}

/// A broker with a clock that the story turns.
#[derive(Default)]
struct Broker {
    engine: Engine,
    now: u64,
    facts: Vec<Fact>,
}

impl Broker {
    fn open(&mut self) -> ChannelId {
        self.engine.open()
    }

    /// Applies a method and returns what was sent, to whom.
    fn apply(&mut self, ch: ChannelId, method: Method) -> Vec<(ChannelId, Event)> {
        let mut out = Recorder::default();
        self.engine.apply(ch, method, self.now, &mut out);
        self.note(out)
    }

    fn close(&mut self, ch: ChannelId) -> Vec<(ChannelId, Event)> {
        let mut out = Recorder::default();
        self.engine.close(ch, self.now, &mut out);
        self.note(out)
    }

    fn restart(&mut self) {
        let mut out = Recorder::default();
        self.engine.restart(self.now, &mut out);
        assert!(self.note(out).is_empty(), "nobody is connected to a restarted broker");
    }

    /// Lets time pass, stopping at each deadline.
    fn wait(&mut self, time: u64) -> Vec<(ChannelId, Event)> {
        let until = self.now + time;
        let mut sent = Vec::new();
        while let Some(deadline) = self.engine.next_deadline().filter(|deadline| *deadline <= until) {
            assert!(deadline >= self.now, "a deadline was left in the past");
            self.now = deadline;
            let mut out = Recorder::default();
            self.engine.expire(self.now, &mut out);
            sent.extend(self.note(out));
        }
        self.now = until;
        sent
    }

    fn note(&mut self, out: Recorder) -> Vec<(ChannelId, Event)> {
        let mut sent = Vec::new();
        for said in out.0 {
            match said {
                Said::To(ch, event) => sent.push((ch, event)),
                Said::That(fact) => self.facts.push(fact),
            }
        }
        sent
    }

    fn declare(&mut self, ch: ChannelId, queue: &str, options: QueueOptions) {
        let sent = self.apply(ch, Method::QueueDeclare { queue: queue.into(), passive: false, options });
        assert!(matches!(sent.last(), Some((_, Event::QueueDeclared { .. }))), "{sent:?}");
    }

    fn publish(&mut self, ch: ChannelId, queue: &str, message: Message) -> Vec<(ChannelId, Event)> {
        self.apply(ch, publish("", queue, message))
    }

    fn consume(&mut self, ch: ChannelId, queue: &str, tag: &str) -> Vec<Delivery> {
        let sent = self.apply(ch, Method::Consume { queue: queue.into(), consumer: tag.into(), no_ack: false });
        assert_eq!(sent.first(), Some(&(ch, Event::Done)));
        deliveries(sent)
    }

    fn get(&mut self, ch: ChannelId, queue: &str) -> Option<Delivery> {
        deliveries(self.apply(ch, Method::Get { queue: queue.into(), no_ack: true })).pop()
    }

    /// The message that waits in the queue `dead`.
    fn dead_letter(&mut self, ch: ChannelId) -> Delivery {
        self.get(ch, "dead").expect("a dead letter")
    }

    fn ready(&self, queue: &str) -> Vec<String> {
        self.engine.ready_messages(queue).map(|ready| text(&ready.message)).collect()
    }
}

fn deliveries(sent: Vec<(ChannelId, Event)>) -> Vec<Delivery> {
    sent.into_iter()
        .filter_map(|(_, event)| match event {
            Event::Delivered(delivery) => Some(delivery),
            _ => None,
        })
        .collect()
}

fn bodies(deliveries: &[Delivery]) -> Vec<String> {
    deliveries.iter().map(|delivery| text(&delivery.message)).collect()
}

fn message(body: &str) -> Message {
    Message { body: body.as_bytes().into(), ..Message::default() }
}

fn text(message: &Message) -> String {
    String::from_utf8_lossy(&message.body).into_owned()
}

fn publish(exchange: &str, routing_key: &str, message: Message) -> Method {
    Method::Publish {
        exchange: exchange.into(),
        routing_key: routing_key.into(),
        mandatory: false,
        message: Arc::new(message),
    }
}

fn bind(queue: &str, exchange: &str, routing_key: &str) -> Method {
    Method::QueueBind { queue: queue.into(), exchange: exchange.into(), routing_key: routing_key.into() }
}

fn exchange(name: &str, kind: ExchangeKind) -> Method {
    Method::ExchangeDeclare { exchange: name.into(), kind, durable: true, auto_delete: false }
}

fn durable() -> QueueOptions {
    QueueOptions { durable: true, ..QueueOptions::default() }
}

fn dead_letters_to(queue: &str) -> QueueOptions {
    QueueOptions {
        dead_letter_exchange: Some("".into()),
        dead_letter_routing_key: Some(queue.into()),
        ..QueueOptions::default()
    }
}

fn ack(tag: u64) -> Method {
    Method::Ack { tag, multiple: false }
}

fn nack(tag: u64, requeue: bool) -> Method {
    Method::Nack { tag, multiple: false, requeue }
}

fn header<'a>(message: &'a Message, name: &str) -> &'a serde_json::Value {
    message.headers.get(name).unwrap_or(&serde_json::Value::Null)
}

fn closed(sent: &[(ChannelId, Event)]) -> Option<(u16, &str)> {
    sent.iter().find_map(|(_, event)| match event {
        Event::Closed { code, text } => Some((*code, text.as_str())),
        _ => None,
    })
}

// ---- stories: publishing and routing ----

#[test]
fn the_default_exchange_routes_to_the_queue_of_that_name() {
    let mut broker = Broker::default();
    let ch = broker.open();
    broker.declare(ch, "celery", durable());
    broker.publish(ch, "celery", message("a"));
    broker.publish(ch, "elsewhere", message("b"));
    assert_eq!(broker.ready("celery"), ["a"]);
    let lost = broker.facts.last();
    assert!(matches!(lost, Some(Fact::Dropped(queue, _, DropReason::NoRoute)) if queue.is_empty()), "{lost:?}");
}

#[test]
fn an_unroutable_mandatory_message_is_returned_and_then_confirmed() {
    let mut broker = Broker::default();
    let ch = broker.open();
    broker.apply(ch, Method::ConfirmSelect);
    let lost = Arc::new(message("a"));
    let method = Method::Publish {
        exchange: "amq.direct".into(),
        routing_key: "nobody".into(),
        mandatory: true,
        message: lost.clone(),
    };
    let returned = Event::Returned { exchange: "amq.direct".into(), routing_key: "nobody".into(), message: lost };
    assert_eq!(broker.apply(ch, method), [(ch, returned), (ch, Event::Confirmed { seq: 1, multiple: false })]);
}

#[test]
fn topic_and_fanout_exchanges_copy_to_each_bound_queue_once() {
    let mut broker = Broker::default();
    let ch = broker.open();
    for queue in ["all", "failed"] {
        broker.declare(ch, queue, durable());
    }
    broker.apply(ch, exchange("events", ExchangeKind::Topic));
    for (queue, key) in [("all", "#"), ("all", "task.*"), ("failed", "task.failed")] {
        broker.apply(ch, bind(queue, "events", key));
        broker.apply(ch, bind(queue, "amq.fanout", key));
    }
    broker.apply(ch, publish("events", "task.failed", message("f")));
    broker.apply(ch, publish("events", "worker.online", message("w")));
    broker.apply(ch, publish("amq.fanout", "", message("b")));
    assert_eq!(broker.ready("all"), ["f", "w", "b"]);
    assert_eq!(broker.ready("failed"), ["f", "b"]);

    let unbind = Method::QueueUnbind { queue: "all".into(), exchange: "events".into(), routing_key: "#".into() };
    broker.apply(ch, unbind.clone());
    assert_eq!(broker.apply(ch, unbind), [(ch, Event::Done)], "unbinding twice is no error");
    broker.apply(ch, publish("events", "worker.online", message("x")));
    assert_eq!(broker.ready("all"), ["f", "w", "b"]);
}

#[test]
fn an_auto_delete_exchange_goes_with_its_last_binding() {
    let mut broker = Broker::default();
    let ch = broker.open();
    broker.declare(ch, "q", durable());
    let kind = ExchangeKind::Direct;
    broker.apply(ch, Method::ExchangeDeclare { exchange: "x".into(), kind, durable: true, auto_delete: true });
    broker.apply(ch, bind("q", "x", "k"));
    broker.apply(ch, Method::QueueDelete { queue: "q".into() });
    let sent = broker.apply(ch, publish("x", "k", message("a")));
    assert_eq!(closed(&sent), Some((404, "NOT_FOUND - no exchange 'x' in vhost '/'")));
}

// ---- stories: consuming ----

#[test]
fn consumers_take_turns_and_full_ones_are_skipped() {
    let mut broker = Broker::default();
    let ch = broker.open();
    broker.declare(ch, "q", durable());
    let workers: Vec<ChannelId> = (0..3).map(|_| broker.open()).collect();
    for (worker, prefetch) in workers.iter().zip([1, 2, 0]) {
        broker.apply(*worker, Method::Qos { prefetch });
        broker.consume(*worker, "q", "c");
    }
    let takers: Vec<ChannelId> =
        (0..7).flat_map(|i| broker.publish(ch, "q", message(&i.to_string()))).map(|(to, _)| to).collect();
    let [a, b, c] = workers[..] else { unreachable!() };
    assert_eq!(takers, [a, b, c, b, c, c, c]);
}

#[test]
fn a_smaller_window_stops_deliveries_and_a_larger_one_resumes_them() {
    let mut broker = Broker::default();
    let ch = broker.open();
    broker.declare(ch, "q", durable());
    for i in 0..6 {
        broker.publish(ch, "q", message(&i.to_string()));
    }
    broker.apply(ch, Method::Qos { prefetch: 3 });
    assert_eq!(broker.consume(ch, "q", "c").len(), 3);
    assert_eq!(deliveries(broker.apply(ch, Method::Qos { prefetch: 1 })).len(), 0);
    assert_eq!(deliveries(broker.apply(ch, ack(1))).len(), 0);
    assert_eq!(deliveries(broker.apply(ch, ack(2))).len(), 0);
    assert_eq!(bodies(&deliveries(broker.apply(ch, ack(3)))), ["3"]);
    assert_eq!(bodies(&deliveries(broker.apply(ch, Method::Qos { prefetch: 0 }))), ["4", "5"]);
}

#[test]
fn no_ack_consumers_and_gets_are_not_bound_by_the_window() {
    let mut broker = Broker::default();
    let ch = broker.open();
    for queue in ["tasks", "pidbox"] {
        broker.declare(ch, queue, durable());
    }
    broker.apply(ch, Method::Qos { prefetch: 1 });
    broker.consume(ch, "tasks", "c");
    broker.apply(ch, Method::Consume { queue: "pidbox".into(), consumer: "control".into(), no_ack: true });
    for queue in ["tasks", "tasks", "pidbox", "pidbox"] {
        broker.publish(ch, queue, message("m"));
    }
    assert_eq!(broker.ready("tasks").len(), 1);
    assert_eq!(broker.ready("pidbox").len(), 0);
    let sent = broker.apply(ch, Method::Get { queue: "tasks".into(), no_ack: false });
    assert_eq!(deliveries(sent)[0].consumer.as_ref(), "");
    assert_eq!(broker.engine.unacked_count(ch), 2);
    let sent = broker.apply(ch, Method::Get { queue: "tasks".into(), no_ack: false });
    assert_eq!(sent, [(ch, Event::GetEmpty)]);
}

#[test]
fn a_window_of_one_over_many_queues_starves_none() {
    let mut broker = Broker::default();
    let ch = broker.open();
    broker.apply(ch, Method::Qos { prefetch: 1 });
    let mut received = Vec::new();
    for queue in ["a", "b", "c"] {
        broker.declare(ch, queue, durable());
        for _ in 0..2 {
            broker.publish(ch, queue, message(queue));
        }
        received.extend(bodies(&broker.consume(ch, queue, queue)));
    }
    for tag in 1..=6 {
        received.extend(bodies(&deliveries(broker.apply(ch, ack(tag)))));
    }
    assert_eq!(
        received,
        ["a", "a", "b", "c", "b", "c"].map(String::from),
        "queue a was served before the others began to wait"
    );
}

#[test]
fn a_lost_worker_returns_its_messages_to_their_places() {
    let mut broker = Broker::default();
    let ch = broker.open();
    broker.declare(ch, "q", durable());
    for i in 0..5 {
        broker.publish(ch, "q", message(&i.to_string()));
    }
    let worker = broker.open();
    broker.apply(worker, Method::Qos { prefetch: 3 });
    assert_eq!(bodies(&broker.consume(worker, "q", "c")), ["0", "1", "2"]);
    assert_eq!(bodies(&deliveries(broker.apply(worker, ack(2)))), ["3"]);
    broker.close(worker);
    assert_eq!(broker.ready("q"), ["0", "2", "3", "4"]);

    let heir = broker.open();
    let received = broker.consume(heir, "q", "c");
    let again: Vec<(bool, u32)> = received.iter().map(|d| (d.redelivered, d.delivery_count)).collect();
    assert_eq!(again, [(true, 1), (true, 1), (true, 1), (false, 0)]);
}

#[test]
fn higher_priorities_come_first_and_are_clamped() {
    let mut broker = Broker::default();
    let ch = broker.open();
    broker.declare(ch, "q", QueueOptions { max_priority: Some(5), ..durable() });
    broker.declare(ch, "plain", durable());
    for (body, priority) in [("a", 0), ("b", 9), ("c", 5), ("d", 3)] {
        for queue in ["q", "plain"] {
            let mut message = message(body);
            message.properties.priority = priority;
            broker.publish(ch, queue, message);
        }
    }
    assert_eq!(broker.ready("q"), ["b", "c", "d", "a"]);
    assert_eq!(broker.ready("plain"), ["a", "b", "c", "d"]);
}

#[test]
fn acking_an_unknown_tag_closes_the_channel_and_returns_what_it_held() {
    let mut broker = Broker::default();
    let ch = broker.open();
    broker.declare(ch, "q", durable());
    broker.publish(ch, "q", message("a"));
    let worker = broker.open();
    broker.consume(worker, "q", "c");
    for _ in 0..2 {
        broker.publish(ch, "q", message("b"));
    }
    broker.apply(worker, ack(2));
    let sent = broker.apply(worker, Method::Ack { tag: 2, multiple: true });
    assert_eq!(closed(&sent), Some((406, "PRECONDITION_FAILED - unknown delivery tag 2")));
    assert_eq!(broker.ready("q"), ["a", "b"]);
    assert!(broker.apply(worker, ack(1)).is_empty());
    broker.publish(ch, "q", message("c"));
    assert_eq!(broker.ready("q").len(), 3, "a closed channel receives nothing");
}

#[test]
fn multiple_with_tag_zero_settles_everything() {
    let mut broker = Broker::default();
    let ch = broker.open();
    broker.declare(ch, "q", durable());
    broker.consume(ch, "q", "c");
    for _ in 0..3 {
        broker.publish(ch, "q", message("m"));
    }
    assert!(broker.apply(ch, Method::Ack { tag: 0, multiple: true }).is_empty());
    assert_eq!(broker.engine.unacked_count(ch), 0);
    assert!(broker.apply(ch, Method::Ack { tag: 0, multiple: true }).is_empty());
    let sent = broker.apply(ch, Method::Ack { tag: 0, multiple: false });
    assert_eq!(closed(&sent), Some((406, "PRECONDITION_FAILED - unknown delivery tag 0")));
}

#[test]
fn an_ack_long_after_many_others_finds_its_message() {
    let mut broker = Broker::default();
    let ch = broker.open();
    broker.declare(ch, "q", durable());
    broker.consume(ch, "q", "c");
    for i in 1..=1000 {
        broker.publish(ch, "q", message(&i.to_string()));
        if i % 100 != 1 {
            broker.apply(ch, ack(i));
        }
    }
    let held: Vec<u64> = broker.engine.unacked_messages().map(|unacked| unacked.tag).collect();
    assert_eq!(held, [1, 101, 201, 301, 401, 501, 601, 701, 801, 901]);
    assert_eq!(closed(&broker.apply(ch, ack(501))), None);
    assert_eq!(closed(&broker.apply(ch, Method::Ack { tag: 801, multiple: true })), None);
    assert_eq!(broker.engine.unacked_count(ch), 1);
    assert!(closed(&broker.apply(ch, ack(700))).is_some());
}

#[test]
fn deleting_a_queue_tells_its_consumers_and_leaves_their_acks_valid() {
    let mut broker = Broker::default();
    let ch = broker.open();
    let worker = broker.open();
    broker.declare(ch, "q", durable());
    broker.apply(worker, Method::Qos { prefetch: 1 });
    broker.consume(worker, "q", "c");
    for _ in 0..3 {
        broker.publish(ch, "q", message("m"));
    }
    let sent = broker.apply(ch, Method::QueueDelete { queue: "q".into() });
    let cancelled = Event::ConsumerCancelled { consumer: "c".into() };
    assert_eq!(sent, [(worker, cancelled), (ch, Event::QueueDeleted { messages: 2 })]);
    let dropped = broker.facts.iter().filter(|f| matches!(f, Fact::Dropped(_, _, DropReason::QueueDeleted)));
    assert_eq!(dropped.count(), 3);

    broker.declare(ch, "q", durable());
    assert!(broker.apply(worker, nack(1, true)).is_empty());
    assert_eq!(broker.ready("q").len(), 0, "the new queue of that name is another queue");
    assert_eq!(broker.consume(worker, "q", "c").len(), 0, "the consumer's name is free again");
}

#[test]
fn purging_leaves_what_is_unacked() {
    let mut broker = Broker::default();
    let ch = broker.open();
    broker.declare(ch, "q", durable());
    broker.apply(ch, Method::Qos { prefetch: 1 });
    broker.consume(ch, "q", "c");
    for _ in 0..3 {
        broker.publish(ch, "q", message("m"));
    }
    assert_eq!(broker.apply(ch, Method::QueuePurge { queue: "q".into() }), [(ch, Event::QueueDeleted { messages: 2 })]);
    assert_eq!(broker.engine.queue_stats("q").map(|stats| (stats.ready, stats.unacked)), Some((0, 1)));
}

// ---- stories: time, limits, dead letters ----

#[test]
fn an_expired_message_is_dead_lettered_with_its_history() {
    let mut broker = Broker { now: 7 * SECOND, ..Broker::default() };
    let ch = broker.open();
    broker.declare(ch, "dead", durable());
    broker.declare(ch, "q", QueueOptions { message_ttl: Some(9000), ..dead_letters_to("dead") });
    broker.apply(ch, bind("q", "amq.topic", "#"));
    let mut short = message("m");
    short.properties.expiration = Some(1500);
    broker.apply(ch, publish("amq.topic", "a.b", short));
    assert_eq!(broker.engine.next_deadline(), Some(8500 * MS));
    broker.wait(1499 * MS);
    assert_eq!(broker.ready("q"), ["m"]);
    broker.wait(MS);
    assert_eq!(broker.ready("q").len(), 0);

    let dead = broker.dead_letter(ch);
    assert_eq!((&*dead.exchange, &*dead.routing_key), ("", "dead"));
    assert_eq!(dead.message.properties.expiration, None);
    let headers: Vec<(&str, String)> =
        dead.message.headers.iter().map(|(name, value)| (name, value.to_string())).collect();
    let death = r#"[{"count":1,"reason":"expired","queue":"q","time":8,"exchange":"amq.topic","#.to_owned()
        + r#""routing-keys":["a.b"],"original-expiration":"1500"}]"#;
    assert_eq!(
        headers,
        [
            ("x-first-death-exchange", r#""amq.topic""#.to_owned()),
            ("x-first-death-queue", r#""q""#.to_owned()),
            ("x-first-death-reason", r#""expired""#.to_owned()),
            ("x-death", death),
        ]
    );
}

#[test]
fn only_the_head_expires_and_an_expired_head_is_never_delivered() {
    let mut broker = Broker::default();
    let ch = broker.open();
    broker.declare(ch, "q", durable());
    broker.publish(ch, "q", message("lasting"));
    let mut short = message("short");
    short.properties.expiration = Some(10);
    broker.publish(ch, "q", short);
    assert_eq!(broker.engine.next_deadline(), None);
    broker.wait(SECOND);
    assert_eq!(broker.ready("q"), ["lasting", "short"]);
    assert_eq!(bodies(&broker.consume(ch, "q", "c")), ["lasting"]);
    assert_eq!(broker.ready("q").len(), 0);
}

#[test]
fn a_message_expires_when_it_returns_too_late() {
    let mut broker = Broker::default();
    let ch = broker.open();
    broker.declare(ch, "q", QueueOptions { message_ttl: Some(10), ..durable() });
    broker.consume(ch, "q", "c");
    broker.publish(ch, "q", message("m"));
    assert_eq!(broker.engine.next_deadline(), None, "an unacked message does not expire");
    broker.wait(SECOND);
    assert!(broker.apply(ch, nack(1, true)).is_empty());
    assert!(matches!(broker.facts.last(), Some(Fact::Dropped(_, _, DropReason::Expired))));
}

#[test]
fn a_time_to_live_of_zero_needs_a_waiting_consumer() {
    let mut broker = Broker::default();
    let ch = broker.open();
    broker.declare(ch, "q", QueueOptions { message_ttl: Some(0), ..durable() });
    broker.publish(ch, "q", message("a"));
    assert_eq!(broker.ready("q").len(), 0);
    broker.consume(ch, "q", "c");
    assert_eq!(bodies(&deliveries(broker.publish(ch, "q", message("b")))), ["b"]);
}

#[test]
fn rejections_in_a_retry_loop_are_counted_and_break_the_cycle_rule() {
    let mut broker = Broker::default();
    let ch = broker.open();
    broker.declare(ch, "work", dead_letters_to("wait"));
    broker.declare(ch, "wait", QueueOptions { message_ttl: Some(1000), ..dead_letters_to("work") });
    broker.publish(ch, "work", message("m"));
    let mut received = broker.consume(ch, "work", "c");
    for round in 1..=3 {
        broker.apply(ch, nack(round, false));
        received = deliveries(broker.wait(SECOND));
        assert_eq!(received.len(), 1, "round {round}");
    }
    let deaths = header(&received[0].message, "x-death");
    assert_eq!(deaths[0]["queue"], "wait");
    assert_eq!(deaths[0]["count"], 3);
    assert_eq!(deaths[1]["reason"], "rejected");
    assert_eq!(deaths[1]["count"], 3);
    assert_eq!(deaths[0]["time"], 1);
    assert_eq!(*header(&received[0].message, "x-first-death-queue"), "work");
}

#[test]
fn an_automatic_dead_letter_cycle_ends() {
    let mut broker = Broker::default();
    let ch = broker.open();
    broker.declare(ch, "a", QueueOptions { message_ttl: Some(10), ..dead_letters_to("b") });
    broker.declare(ch, "b", QueueOptions { message_ttl: Some(10), ..dead_letters_to("a") });
    broker.publish(ch, "a", message("m"));
    broker.wait(SECOND);
    assert_eq!(broker.engine.next_deadline(), None);
    let end = broker.facts.last();
    assert!(matches!(end, Some(Fact::DeadLettered(queue, _, _, to)) if &**queue == "b" && to.is_empty()), "{end:?}");
}

#[test]
fn a_full_queue_drops_its_head_or_refuses() {
    let mut broker = Broker::default();
    let ch = broker.open();
    broker.apply(ch, Method::ConfirmSelect);
    broker.declare(ch, "dead", durable());
    broker.declare(ch, "drop", QueueOptions { max_length: Some(2), ..dead_letters_to("dead") });
    let overflow = Overflow::RejectPublish;
    broker.declare(ch, "refuse", QueueOptions { max_length: Some(2), overflow, ..durable() });
    for queue in ["drop", "refuse"] {
        broker.apply(ch, bind(queue, "amq.fanout", ""));
    }
    let answers: Vec<Event> = ["a", "b", "c"]
        .into_iter()
        .flat_map(|body| broker.apply(ch, publish("amq.fanout", "", message(body))))
        .map(|(_, event)| event)
        .collect();
    assert_eq!(
        answers,
        [
            Event::Confirmed { seq: 1, multiple: false },
            Event::Confirmed { seq: 2, multiple: false },
            Event::Refused { seq: 3, why: Refusal::QueueFull }
        ]
    );
    assert_eq!(broker.ready("drop"), ["b", "c"]);
    assert_eq!(broker.ready("refuse"), ["a", "b"]);
    let dead = broker.dead_letter(ch);
    assert_eq!(*header(&dead.message, "x-first-death-reason"), "maxlen");
}

#[test]
fn the_delivery_limit_allows_exactly_that_many_returns() {
    let mut broker = Broker::default();
    let ch = broker.open();
    broker.declare(ch, "dead", durable());
    broker.declare(ch, "q", QueueOptions { delivery_limit: Some(2), ..dead_letters_to("dead") });
    broker.publish(ch, "q", message("poison"));
    broker.consume(ch, "q", "c");
    for tag in 1..=2 {
        assert_eq!(deliveries(broker.apply(ch, nack(tag, true))).len(), 1);
    }
    assert_eq!(deliveries(broker.apply(ch, nack(3, true))).len(), 0);
    let dead = broker.dead_letter(ch);
    assert_eq!(*header(&dead.message, "x-first-death-reason"), "delivery_limit");
}

#[test]
fn an_unused_queue_with_expires_goes_and_use_renews_it() {
    let mut broker = Broker::default();
    let ch = broker.open();
    let options = QueueOptions { expires: Some(1000), ..durable() };
    broker.declare(ch, "q", options.clone());
    broker.wait(900 * MS);
    broker.declare(ch, "q", options);
    broker.wait(900 * MS);
    broker.get(ch, "q");
    broker.wait(900 * MS);
    broker.consume(ch, "q", "c");
    broker.wait(10 * SECOND);
    assert!(broker.engine.queue_stats("q").is_some());
    broker.apply(ch, Method::Cancel { consumer: "c".into() });
    broker.wait(1000 * MS);
    assert!(broker.engine.queue_stats("q").is_none());
}

#[test]
fn an_auto_delete_queue_goes_with_its_last_consumer() {
    let mut broker = Broker::default();
    let (a, b) = (broker.open(), broker.open());
    broker.declare(a, "q", QueueOptions { auto_delete: true, ..durable() });
    broker.consume(a, "q", "c");
    broker.consume(b, "q", "c");
    broker.apply(a, Method::Cancel { consumer: "c".into() });
    assert!(broker.engine.queue_stats("q").is_some());
    broker.close(b);
    assert!(broker.engine.queue_stats("q").is_none());
}

// ---- stories: errors and restarts ----

#[test]
fn an_exclusive_queue_is_its_owners_until_the_connection_goes() {
    let mut broker = Broker::default();
    let (owner, other) = (broker.open(), broker.open());
    let options = QueueOptions { exclusive: true, ..QueueOptions::default() };
    broker.declare(owner, "reply", options.clone());
    broker.publish(other, "reply", message("anybody may publish"));
    assert_eq!(broker.ready("reply").len(), 1);
    let sent = broker.apply(other, Method::Get { queue: "reply".into(), no_ack: true });
    let (code, text) = closed(&sent).expect("locked");
    assert!(
        code == 405 && text.starts_with("RESOURCE_LOCKED - cannot obtain exclusive access to locked queue 'reply'")
    );

    let third = broker.open();
    broker.apply(owner, ack(99));
    let sent = broker.apply(third, Method::QueueDeclare { queue: "reply".into(), passive: true, options });
    assert_eq!(closed(&sent).map(|(code, _)| code), Some(405), "the connection is still there");
    broker.close(owner);
    assert!(broker.engine.queue_stats("reply").is_none());
}

#[test]
fn errors_close_the_channel_with_rabbitmqs_codes() {
    let mut setup = Broker::default();
    let ch = setup.open();
    setup.declare(ch, "q", durable());
    setup.consume(ch, "q", "c");
    let declare = |queue: &str, passive, options| Method::QueueDeclare { queue: queue.into(), passive, options };
    let cases = [
        (404, publish("nowhere", "k", message("m"))),
        (404, declare("unknown", true, durable())),
        (404, bind("unknown", "amq.topic", "k")),
        (404, bind("q", "unknown", "k")),
        (404, Method::Consume { queue: "unknown".into(), consumer: "d".into(), no_ack: false }),
        (404, Method::Get { queue: "unknown".into(), no_ack: false }),
        (404, Method::QueuePurge { queue: "unknown".into() }),
        (403, bind("q", "", "k")),
        (403, exchange("amq.mine", ExchangeKind::Direct)),
        (403, Method::ExchangeDelete { exchange: "amq.topic".into() }),
        (403, declare("amq.mine", false, durable())),
        (405, declare("q", false, QueueOptions { exclusive: true, ..durable() })),
        (406, declare("q", false, QueueOptions::default())),
        (406, declare("q", false, QueueOptions { max_length: Some(1), ..durable() })),
        (406, declare("new", false, QueueOptions { expires: Some(0), ..durable() })),
        (406, exchange("amq.topic", ExchangeKind::Direct)),
        (406, nack(7, false)),
        (530, Method::Consume { queue: "q".into(), consumer: "c".into(), no_ack: false }),
    ];
    for (code, method) in cases {
        let mut broker = Broker { engine: setup.engine.clone(), ..Broker::default() };
        let sent = broker.apply(ch, method.clone());
        assert_eq!(closed(&sent).map(|(code, _)| code), Some(code), "{method:?}");
        assert!(broker.apply(ch, Method::ConfirmSelect).is_empty(), "a closed channel is deaf");
    }
    let text = "PRECONDITION_FAILED - inequivalent arg 'x-max-length' for queue 'q' in vhost '/': received the \
                value '1' of type 'signedint' but current is none";
    let sent = setup.apply(ch, declare("q", false, QueueOptions { max_length: Some(1), ..durable() }));
    assert_eq!(closed(&sent), Some((406, text)));
}

#[test]
fn a_restart_keeps_what_is_durable_and_persistent() {
    let mut broker = Broker::default();
    let ch = broker.open();
    for (queue, options) in [("durable", durable()), ("transient", QueueOptions::default())] {
        broker.declare(ch, queue, options);
        for (body, delivery_mode) in
            [("1", DeliveryMode::Persistent), ("2", DeliveryMode::Transient), ("3", DeliveryMode::Persistent)]
        {
            let mut message = message(body);
            message.properties.delivery_mode = delivery_mode;
            broker.publish(ch, queue, message);
        }
    }
    let kind = ExchangeKind::Fanout;
    broker.apply(ch, exchange("kept", kind));
    broker.apply(ch, Method::ExchangeDeclare { exchange: "lost".into(), kind, durable: false, auto_delete: false });
    for (queue, exchange) in [("durable", "kept"), ("transient", "kept"), ("durable", "lost")] {
        broker.apply(ch, bind(queue, exchange, ""));
    }
    broker.apply(ch, Method::Qos { prefetch: 2 });
    broker.consume(ch, "durable", "c");
    broker.restart();

    assert!(broker.apply(ch, Method::ConfirmSelect).is_empty(), "the old connection is gone");
    assert_eq!(broker.engine.queues().map(|stats| stats.queue.to_string()).collect::<Vec<_>>(), ["durable"]);
    let ready: Vec<(String, bool, u32)> = broker
        .engine
        .ready_messages("durable")
        .map(|ready| (text(&ready.message), ready.redelivered, ready.delivery_count))
        .collect();
    assert_eq!(ready, [("1".to_owned(), true, 1), ("3".to_owned(), false, 0)]);
    let ch = broker.open();
    broker.apply(ch, publish("kept", "", message("4")));
    assert_eq!(broker.ready("durable"), ["1", "3", "4"]);
    assert!(closed(&broker.apply(ch, publish("lost", "", message("5")))).is_some());
}

// ---- the reference model: one queue, written as naively as its rules read ----

#[derive(Clone, Debug)]
enum Step {
    Publish { priority: u8 },
    Consume { ch: usize, no_ack: bool },
    Cancel { ch: usize, no_ack: bool },
    Settle { ch: usize, nth: usize, multiple: bool, how: Settle },
    Qos { ch: usize, prefetch: u32 },
    Get { ch: usize, no_ack: bool },
    Reconnect { ch: usize },
    Purge,
    Restart,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Settle {
    Ack,
    Requeue,
    Reject,
}

impl Settle {
    fn method(self, tag: u64, multiple: bool) -> Method {
        match self {
            Settle::Ack => Method::Ack { tag, multiple },
            Settle::Requeue => Method::Nack { tag, multiple, requeue: true },
            Settle::Reject => Method::Nack { tag, multiple, requeue: false },
        }
    }
}

fn any_settle() -> impl Strategy<Value = Settle> {
    prop_oneof![Just(Settle::Ack), Just(Settle::Requeue), Just(Settle::Reject)]
}

fn any_step() -> impl Strategy<Value = Step> {
    let ch = 0..3usize;
    prop_oneof![
        6 => (0..5u8).prop_map(|priority| Step::Publish { priority }),
        3 => (ch.clone(), prop::bool::weighted(0.2)).prop_map(|(ch, no_ack)| Step::Consume { ch, no_ack }),
        1 => (ch.clone(), any::<bool>()).prop_map(|(ch, no_ack)| Step::Cancel { ch, no_ack }),
        6 => (ch.clone(), 0..4usize, prop::bool::weighted(0.3), any_settle())
            .prop_map(|(ch, nth, multiple, how)| Step::Settle { ch, nth, multiple, how }),
        2 => (ch.clone(), 0..4u32).prop_map(|(ch, prefetch)| Step::Qos { ch, prefetch }),
        1 => (ch.clone(), any::<bool>()).prop_map(|(ch, no_ack)| Step::Get { ch, no_ack }),
        1 => ch.prop_map(|ch| Step::Reconnect { ch }),
        1 => prop_oneof![4 => Just(Step::Purge), 1 => Just(Step::Restart)],
    ]
}

#[derive(Clone, Debug)]
struct Item {
    priority: u8,
    position: usize,
    returned: u32,
    message: Arc<Message>,
}

#[derive(Debug, Default)]
struct Client {
    prefetch: u32,
    tag: u64,
    confirms: u64,
    held: BTreeMap<u64, (Item, bool)>,
}

impl Client {
    fn is_full(&self) -> bool {
        let in_window = self.held.values().filter(|(_, in_window)| *in_window).count();
        self.prefetch > 0 && in_window >= self.prefetch as usize
    }
}

/// What a broker with one queue and four channels (the last one publishes) has to say.
struct Model {
    options: QueueOptions,
    ready: Vec<Item>,
    published: usize,
    /// Number, channel, no_ack; in the order of subscription.
    consumers: Vec<(usize, usize, bool)>,
    subscriptions: usize,
    last_served: usize,
    ids: Vec<ChannelId>,
    clients: Vec<Client>,
    said: Vec<(ChannelId, Event)>,
}

impl Model {
    fn tag_of(no_ack: bool) -> Name {
        if no_ack { "free".into() } else { "acking".into() }
    }

    fn say(&mut self, ch: usize, event: Event) {
        self.said.push((self.ids[ch], event));
    }

    fn sort(&mut self) {
        self.ready.sort_by_key(|item| (Reverse(item.priority), item.position));
    }

    fn hand_over(&mut self, ch: usize, consumer: Name, no_ack: bool, in_window: bool) {
        let item = self.ready.remove(0);
        self.clients[ch].tag += 1;
        let tag = self.clients[ch].tag;
        let delivery = Delivery {
            consumer,
            tag,
            redelivered: item.returned > 0,
            exchange: "".into(),
            routing_key: "q".into(),
            delivery_count: item.returned,
            message: item.message.clone(),
        };
        if !no_ack {
            self.clients[ch].held.insert(tag, (item, in_window));
        }
        self.say(ch, Event::Delivered(delivery));
    }

    fn serve(&mut self) {
        while !self.ready.is_empty() {
            let (before, after): (Vec<_>, Vec<_>) = self.consumers.iter().partition(|c| c.0 <= self.last_served);
            let turn = after.into_iter().chain(before).find(|(_, ch, no_ack)| *no_ack || !self.clients[*ch].is_full());
            let Some((number, ch, no_ack)) = turn else { break };
            self.last_served = number;
            self.hand_over(ch, Model::tag_of(no_ack), no_ack, !no_ack);
        }
        if let (Some(max), Overflow::DropHead) = (self.options.max_length, self.options.overflow) {
            let surplus = self.ready.len().saturating_sub(max as usize);
            self.ready.drain(..surplus);
        }
    }

    fn requeue(&mut self, mut item: Item) {
        item.returned += 1;
        if self.options.delivery_limit.is_none_or(|limit| item.returned <= limit) {
            self.ready.push(item);
            self.sort();
        }
    }

    fn publish(&mut self, publisher: usize, message: Arc<Message>) {
        self.clients[publisher].confirms += 1;
        let seq = self.clients[publisher].confirms;
        let full = self.options.max_length.is_some_and(|max| self.ready.len() + 1 > max as usize);
        if full && self.options.overflow == Overflow::RejectPublish {
            return self.say(publisher, Event::Refused { seq, why: Refusal::QueueFull });
        }
        let priority = message.properties.priority.min(self.options.max_priority.unwrap_or(0));
        self.published += 1;
        self.ready.push(Item { priority, position: self.published, returned: 0, message });
        self.sort();
        self.serve();
        self.say(publisher, Event::Confirmed { seq, multiple: false });
    }

    fn disconnect(&mut self, ch: usize) {
        self.consumers.retain(|(_, of, _)| *of != ch);
        for (item, _) in std::mem::take(&mut self.clients[ch]).held.into_values() {
            self.requeue(item);
        }
    }
}

/// The model's queue in both worlds, and the steps applied to both.
struct Twins {
    broker: Broker,
    model: Model,
}

const PUBLISHER: usize = 3;

impl Twins {
    fn new(options: QueueOptions) -> Self {
        let model = Model {
            options,
            ready: Vec::new(),
            published: 0,
            consumers: Vec::new(),
            subscriptions: 0,
            last_served: 0,
            ids: Vec::new(),
            clients: Vec::new(),
            said: Vec::new(),
        };
        let mut twins = Twins { broker: Broker::default(), model };
        twins.connect_all();
        let options = twins.model.options.clone();
        twins.broker.declare(twins.model.ids[PUBLISHER], "q", options);
        twins
    }

    fn connect_all(&mut self) {
        self.model.ids = (0..=PUBLISHER).map(|_| self.broker.open()).collect();
        self.model.clients = (0..=PUBLISHER).map(|_| Client::default()).collect();
        self.broker.apply(self.model.ids[PUBLISHER], Method::ConfirmSelect);
    }

    /// What the broker said; the model's answer is in `model.said`.
    fn step(&mut self, number: usize, step: Step) -> Vec<(ChannelId, Event)> {
        let Twins { broker, model } = self;
        match step {
            Step::Publish { priority } => {
                let mut message = message(&number.to_string());
                message.properties.priority = priority;
                let method = publish("", "q", message);
                let Method::Publish { message, .. } = method.clone() else { unreachable!() };
                model.publish(PUBLISHER, message);
                broker.apply(model.ids[PUBLISHER], method)
            }
            Step::Consume { ch, no_ack } => {
                if model.consumers.iter().any(|(_, of, free)| (*of, *free) == (ch, no_ack)) {
                    return Vec::new();
                }
                model.subscriptions += 1;
                model.consumers.push((model.subscriptions, ch, no_ack));
                model.say(ch, Event::Done);
                model.serve();
                let consumer = Model::tag_of(no_ack);
                broker.apply(model.ids[ch], Method::Consume { queue: "q".into(), consumer, no_ack })
            }
            Step::Cancel { ch, no_ack } => {
                model.consumers.retain(|(_, of, free)| (*of, *free) != (ch, no_ack));
                model.say(ch, Event::Done);
                broker.apply(model.ids[ch], Method::Cancel { consumer: Model::tag_of(no_ack) })
            }
            Step::Settle { ch, nth, multiple, how } => {
                let Some(&tag) = model.clients[ch].held.keys().nth(nth) else { return Vec::new() };
                let first = if multiple { 0 } else { tag };
                let tags: Vec<u64> = model.clients[ch].held.range(first..=tag).map(|(tag, _)| *tag).collect();
                let settled: Vec<Item> =
                    tags.iter().filter_map(|tag| Some(model.clients[ch].held.remove(tag)?.0)).collect();
                if how == Settle::Requeue {
                    settled.into_iter().for_each(|item| model.requeue(item));
                }
                model.serve();
                broker.apply(model.ids[ch], how.method(tag, multiple))
            }
            Step::Qos { ch, prefetch } => {
                model.clients[ch].prefetch = prefetch;
                model.say(ch, Event::Done);
                model.serve();
                broker.apply(model.ids[ch], Method::Qos { prefetch })
            }
            Step::Get { ch, no_ack } => {
                if model.ready.is_empty() {
                    model.say(ch, Event::GetEmpty);
                } else {
                    model.hand_over(ch, "".into(), no_ack, false);
                }
                broker.apply(model.ids[ch], Method::Get { queue: "q".into(), no_ack })
            }
            Step::Reconnect { ch } => {
                model.disconnect(ch);
                model.serve();
                let said = broker.close(model.ids[ch]);
                model.ids[ch] = broker.open();
                said
            }
            Step::Purge => {
                let messages = model.ready.len() as u32;
                model.ready.clear();
                model.say(PUBLISHER, Event::QueueDeleted { messages });
                broker.apply(model.ids[PUBLISHER], Method::QueuePurge { queue: "q".into() })
            }
            Step::Restart => {
                (0..=PUBLISHER).for_each(|ch| model.disconnect(ch));
                model.serve();
                broker.restart();
                self.connect_all();
                Vec::new()
            }
        }
    }
}

fn any_options() -> impl Strategy<Value = QueueOptions> {
    let max_priority = prop_oneof![Just(None), Just(Some(0)), Just(Some(3))];
    let max_length = prop_oneof![2 => Just(None), 1 => (0..4u32).prop_map(Some)];
    let delivery_limit = prop_oneof![Just(None), (0..3u32).prop_map(Some)];
    let overflow = prop_oneof![Just(Overflow::DropHead), Just(Overflow::RejectPublish)];
    (max_priority, max_length, delivery_limit, overflow).prop_map(
        |(max_priority, max_length, delivery_limit, overflow)| QueueOptions {
            max_priority,
            max_length,
            delivery_limit,
            overflow,
            ..durable()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_broker_says_what_the_model_says(
        options in any_options(),
        steps in prop::collection::vec(any_step(), 0..120),
    ) {
        let mut twins = Twins::new(options);
        for (number, step) in steps.into_iter().enumerate() {
            let said = twins.step(number, step.clone());
            prop_assert_eq!(&said, &std::mem::take(&mut twins.model.said), "step {}: {:?}", number, step);
            let ready: Vec<String> = twins.model.ready.iter().map(|item| text(&item.message)).collect();
            prop_assert_eq!(twins.broker.ready("q"), ready, "step {}: {:?}", number, step);
        }
    }
}

// ---- the laws: several queues and channels, everything that a client can send, garbage included ----

#[derive(Clone, Debug)]
enum Act {
    Apply {
        ch: usize,
        method: Method,
    },
    /// Settles the `nth` delivery that the client knows of.
    Settle {
        ch: usize,
        nth: usize,
        multiple: bool,
        how: Settle,
    },
    Publish {
        ch: usize,
        exchange: Name,
        routing_key: Name,
        mandatory: bool,
        message: Message,
    },
    Reconnect {
        ch: usize,
    },
    Wait {
        ms: u64,
    },
    Restart,
}

fn options_of(queue: &str) -> QueueOptions {
    let dlx = |exchange: &str| Some(exchange.into());
    match queue {
        "q0" => QueueOptions { max_priority: Some(3), ..durable() },
        "q1" => QueueOptions { message_ttl: Some(20), ..dead_letters_to("q2") },
        "q2" => QueueOptions {
            max_length: Some(3),
            delivery_limit: Some(1),
            dead_letter_exchange: dlx("amq.fanout"),
            ..durable()
        },
        "q3" => QueueOptions { max_length: Some(2), overflow: Overflow::RejectPublish, ..durable() },
        "q4" => QueueOptions {
            auto_delete: true,
            expires: Some(50),
            message_ttl: Some(5),
            max_priority: Some(1),
            dead_letter_exchange: dlx("x"),
            ..durable()
        },
        "q5" => QueueOptions { exclusive: true, ..dead_letters_to("q5") },
        _ => QueueOptions { delivery_limit: Some(0), ..QueueOptions::default() },
    }
}

fn one_of(names: &'static [&'static str]) -> impl Strategy<Value = Name> + Clone {
    prop::sample::select(names).prop_map(Name::from)
}

fn any_queue() -> impl Strategy<Value = Name> + Clone {
    prop_oneof![
        30 => one_of(&["q0", "q1", "q2", "q3", "q4"]),
        3 => one_of(&["q5", "", "amq.gen-1", "no such queue"])
    ]
}

fn any_exchange() -> impl Strategy<Value = Name> + Clone {
    prop_oneof![60 => one_of(&["", "", "x", "amq.fanout", "amq.topic"]), 2 => one_of(&["t", "\u{1F41B}"])]
}

fn any_key() -> impl Strategy<Value = Name> + Clone {
    prop_oneof![
        2 => one_of(&["q0", "q1", "q2", "q3", "q4", "q5"]),
        1 => one_of(&["a.b", "#", "*.b", "a.#", "", ".", "..", "#.#.*"])
    ]
}

fn any_consumer() -> impl Strategy<Value = Name> + Clone {
    one_of(&["c0", "c1", "c2", "c3", "c4"])
}

fn any_message() -> impl Strategy<Value = Message> {
    (any::<u8>(), prop::option::weighted(0.2, 0..30u64), any::<bool>()).prop_map(|(priority, expiration, transient)| {
        let mut message = message("m");
        message.properties.priority = priority % 5;
        message.properties.expiration = expiration;
        message.properties.delivery_mode = if transient { DeliveryMode::Transient } else { DeliveryMode::Persistent };
        message.headers.set("x-death", "not what a broker writes");
        message
    })
}

fn any_method() -> impl Strategy<Value = Method> {
    let kind = prop::sample::select(&[ExchangeKind::Direct, ExchangeKind::Topic, ExchangeKind::Fanout][..]);
    let bound = (any_queue(), any_exchange(), any_key());
    prop_oneof![
        6 => (any_queue(), prop::bool::weighted(0.1), prop::bool::weighted(0.05)).prop_map(
            |(queue, passive, flip)| {
                let mut options = options_of(&queue);
                options.durable ^= flip;
                Method::QueueDeclare { queue, passive, options }
            }
        ),
        8 => (any_queue(), any_consumer(), prop::bool::weighted(0.2))
            .prop_map(|(queue, consumer, no_ack)| Method::Consume { queue, consumer, no_ack }),
        4 => (0..4u32).prop_map(|prefetch| Method::Qos { prefetch }),
        2 => any_consumer().prop_map(|consumer| Method::Cancel { consumer }),
        2 => (any_queue(), any::<bool>()).prop_map(|(queue, no_ack)| Method::Get { queue, no_ack }),
        2 => Just(Method::ConfirmSelect),
        4 => bound.clone().prop_map(|(queue, exchange, routing_key)| Method::QueueBind { queue, exchange, routing_key }),
        1 => bound.prop_map(|(queue, exchange, routing_key)| Method::QueueUnbind { queue, exchange, routing_key }),
        2 => (any_exchange(), kind, any::<bool>(), any::<bool>()).prop_map(|(exchange, kind, durable, auto_delete)| {
            Method::ExchangeDeclare { exchange, kind, durable, auto_delete }
        }),
        1 => any_exchange().prop_map(|exchange| Method::ExchangeDelete { exchange }),
        1 => any_queue().prop_map(|queue| Method::QueueDelete { queue }),
        1 => any_queue().prop_map(|queue| Method::QueuePurge { queue }),
        1 => (any::<u64>(), any::<bool>()).prop_map(|(tag, multiple)| Method::Ack { tag, multiple }),
        1 => (0..9u64, any::<bool>(), any::<bool>())
            .prop_map(|(tag, multiple, requeue)| Method::Nack { tag, multiple, requeue }),
    ]
}

fn any_act() -> impl Strategy<Value = Act> {
    let ch = 0..4usize;
    prop_oneof![
        10 => (ch.clone(), any_method()).prop_map(|(ch, method)| Act::Apply { ch, method }),
        12 => (ch.clone(), any_exchange(), any_key(), any::<bool>(), any_message()).prop_map(
            |(ch, exchange, routing_key, mandatory, message)| {
                Act::Publish { ch, exchange, routing_key, mandatory, message }
            }
        ),
        8 => (ch.clone(), 0..3usize, prop::bool::weighted(0.3), any_settle())
            .prop_map(|(ch, nth, multiple, how)| Act::Settle { ch, nth, multiple, how }),
        2 => ch.prop_map(|ch| Act::Reconnect { ch }),
        2 => (0..40u64).prop_map(|ms| Act::Wait { ms }),
        1 => prop_oneof![3 => Just(Act::Wait { ms: 0 }), 1 => Just(Act::Restart)],
    ]
}

/// A live copy as the facts tell it.
#[derive(Clone, Debug)]
struct Live {
    message: Arc<Message>,
    /// Order of arrival over all queues.
    arrival: usize,
    returned: u32,
    holder: Option<ChannelId>,
}

/// What one client knows.
#[derive(Debug, Default)]
struct Known {
    closed: bool,
    prefetch: u32,
    confirming: bool,
    published: u64,
    answered: u64,
    /// Queue and no_ack by consumer tag.
    consumers: BTreeMap<Name, (Name, bool)>,
    /// Whether the delivery counts against the prefetch.
    held: BTreeMap<u64, bool>,
}

impl Known {
    fn in_window(&self) -> usize {
        self.held.values().filter(|in_window| **in_window).count()
    }
}

/// Keeps the books of a run and checks every entry against the laws.
#[derive(Default)]
struct Auditor {
    engine: Engine,
    now: u64,
    ids: Vec<ChannelId>,
    clients: BTreeMap<ChannelId, Known>,
    live: BTreeMap<(Name, usize), Live>,
    arrivals: usize,
    ended: usize,
    /// Keeps addresses unique for the run.
    seen: Vec<Arc<Message>>,
    restarting: bool,
}

fn key(queue: &Name, message: &Arc<Message>) -> (Name, usize) {
    (queue.clone(), Arc::as_ptr(message) as usize)
}

impl Auditor {
    fn connect(&mut self) -> ChannelId {
        let id = self.engine.open();
        assert!(self.clients.insert(id, Known::default()).is_none(), "channel ids are never reused");
        id
    }

    /// A broker with everything that the acts like to use.
    fn new() -> Self {
        let mut auditor = Auditor::default();
        auditor.ids = (0..4).map(|_| auditor.connect()).collect();
        let declare =
            |queue: &str| Method::QueueDeclare { queue: queue.into(), passive: false, options: options_of(queue) };
        let mut setup = vec![exchange("x", ExchangeKind::Topic)];
        setup.extend(["q0", "q1", "q2", "q3", "q4", "q5"].map(declare));
        setup.extend(["q0", "q1", "q3"].map(|queue| bind(queue, "amq.fanout", "")));
        setup.extend([bind("q0", "x", "q4"), bind("q4", "x", "a.#"), bind("q1", "amq.topic", "#")]);
        for method in setup {
            auditor.act(Act::Apply { ch: 0, method });
        }
        auditor
    }

    /// Clients whose channel was closed come back at once, but for the last, which goes on sending.
    fn revive(&mut self, act: &Act) {
        let (Act::Apply { ch, .. } | Act::Settle { ch, .. } | Act::Publish { ch, .. }) = *act else { return };
        if ch < 3 && self.clients[&self.ids[ch]].closed {
            self.act(Act::Reconnect { ch });
        }
    }

    fn act(&mut self, act: Act) {
        self.revive(&act);
        let mut out = Recorder::default();
        let mut asked = None;
        match act {
            Act::Apply { ch, method } => asked = self.apply(self.ids[ch], method, &mut out),
            Act::Settle { ch, nth, multiple, how } => {
                let id = self.ids[ch];
                if let Some(&tag) = self.clients[&id].held.keys().nth(nth) {
                    asked = self.apply(id, how.method(tag, multiple), &mut out);
                }
            }
            Act::Publish { ch, exchange, routing_key, mandatory, message } => {
                let message = Arc::new(message);
                self.seen.push(message.clone());
                let method = Method::Publish { exchange, routing_key, mandatory, message };
                asked = self.apply(self.ids[ch], method, &mut out);
            }
            Act::Reconnect { ch } => {
                self.engine.close(self.ids[ch], self.now, &mut out);
                self.clients.remove(&self.ids[ch]);
                self.ids[ch] = self.connect();
            }
            Act::Wait { ms } => {
                self.now += ms * MS;
                self.engine.expire(self.now, &mut out);
                assert!(self.engine.next_deadline().is_none_or(|deadline| deadline > self.now));
            }
            Act::Restart => {
                self.restarting = true;
                self.engine.restart(self.now, &mut out);
                self.clients.clear();
                self.ids = (0..4).map(|_| self.connect()).collect();
                assert!(self.engine.queues().all(|stats| stats.options.durable && !stats.options.exclusive));
            }
        }
        self.audit(out, asked);
        assert!(!self.restarting || self.live.values().all(|live| is_persistent(&live.message)));
        self.restarting = false;
        self.compare();
    }

    /// Applies a method and returns the question that awaits an answer.
    fn apply(&mut self, id: ChannelId, method: Method, out: &mut Recorder) -> Option<(ChannelId, Method)> {
        self.engine.apply(id, method.clone(), self.now, out);
        let client = self.clients.get_mut(&id)?;
        if client.closed {
            assert!(!out.0.iter().any(|said| matches!(said, Said::To(to, _) if *to == id)));
            return None;
        }
        match &method {
            Method::Qos { prefetch } => client.prefetch = *prefetch,
            Method::ConfirmSelect => client.confirming = true,
            Method::Publish { .. } => client.published += u64::from(client.confirming),
            Method::Ack { tag, multiple } | Method::Nack { tag, multiple, .. } => {
                let first = if *multiple { 0 } else { *tag };
                let last = if *multiple && *tag == 0 { u64::MAX } else { *tag };
                if client.held.contains_key(tag) || (*multiple && *tag == 0) {
                    client.held.retain(|held, _| *held < first || *held > last);
                }
            }
            _ => {}
        }
        Some((id, method))
    }

    fn audit(&mut self, out: Recorder, asked: Option<(ChannelId, Method)>) {
        let mut last_fact = None;
        let mut answers = 0;
        for said in out.0 {
            match said {
                Said::That(fact) => {
                    self.audit_fact(&fact);
                    last_fact = Some(fact);
                }
                Said::To(id, event) => {
                    let question = asked.as_ref().filter(|(asker, _)| *asker == id).map(|(_, method)| method);
                    answers += usize::from(self.audit_event(id, event, question, last_fact.as_ref()));
                }
            }
        }
        if let Some((id, method)) = asked
            && !self.clients[&id].closed
        {
            let silent = matches!(method, Method::Ack { .. } | Method::Nack { .. } | Method::Publish { .. });
            assert_eq!(answers, usize::from(!silent), "{method:?}");
            assert_eq!(self.clients[&id].published, self.clients[&id].answered, "every publish is confirmed once");
        }
    }

    fn audit_fact(&mut self, fact: &Fact) {
        match fact {
            Fact::Queued(queue, message) => {
                self.arrivals += 1;
                self.seen.push(message.clone());
                let live = Live { message: message.clone(), arrival: self.arrivals, returned: 0, holder: None };
                assert!(self.live.insert(key(queue, message), live).is_none(), "queued twice");
            }
            Fact::Delivered(queue, message, id) => {
                self.check_is_head(queue, message);
                let live = self.live.get_mut(&key(queue, message)).expect("delivered what is not there");
                assert_eq!(live.holder.replace(*id), None, "delivered while unacked");
            }
            Fact::Requeued(queue, message, delivery_count) => {
                let live = self.live.get_mut(&key(queue, message)).expect("requeued what is not there");
                assert!(live.holder.take().is_some(), "requeued without a holder");
                live.returned += 1;
                assert_eq!(live.returned, *delivery_count);
                assert!(!self.restarting || is_persistent(message), "a restart returned what it should have lost");
                let limit = options_of(queue).delivery_limit;
                assert!(limit.is_none_or(|limit| live.returned <= limit), "above the delivery limit");
            }
            Fact::Acked(queue, message) => {
                assert!(self.end(queue, message).holder.is_some());
            }
            Fact::Dropped(_, _, DropReason::NoRoute | DropReason::Refused) => {}
            Fact::Dropped(queue, message, reason) => {
                if matches!(reason, DropReason::Expired | DropReason::MaxLength) {
                    self.check_is_head(queue, message);
                }
                let live = self.end(queue, message);
                if *reason == DropReason::DeliveryLimit {
                    assert_eq!(Some(live.returned), options_of(queue).delivery_limit);
                }
                if *reason == DropReason::Transient {
                    let kept = is_persistent(message) && self.engine.queue_stats(queue).is_some();
                    assert!(self.restarting && !kept, "lost by a restart that should have kept it");
                }
            }
            Fact::DeadLettered(queue, message, reason, _) => {
                let live = self.end(queue, message);
                let by_client = matches!(reason, DeathReason::Rejected | DeathReason::DeliveryLimit);
                assert_eq!(live.holder.is_some(), by_client);
            }
        }
    }

    fn end(&mut self, queue: &Name, message: &Arc<Message>) -> Live {
        self.ended += 1;
        self.live.remove(&key(queue, message)).expect("a copy ends once")
    }

    /// Dead letters are reported after they left, so that only queues without them show the head at each fact.
    fn check_is_head(&self, queue: &Name, message: &Arc<Message>) {
        if options_of(queue).dead_letter_exchange.is_some() {
            return;
        }
        let place = |live: &Live| (Reverse(rank(queue, &live.message)), live.arrival);
        let head = self.live_in(queue).filter(|live| live.holder.is_none()).min_by_key(|live| place(live));
        assert!(head.is_some_and(|head| Arc::ptr_eq(&head.message, message)), "not the head of {queue}");
    }

    fn live_in(&self, queue: &Name) -> impl Iterator<Item = &Live> {
        self.live.range((queue.clone(), 0)..=(queue.clone(), usize::MAX)).map(|(_, live)| live)
    }

    /// Returns whether the event answers the question.
    fn audit_event(&mut self, id: ChannelId, event: Event, question: Option<&Method>, last: Option<&Fact>) -> bool {
        let client = self.clients.get_mut(&id).expect("an event for nobody");
        assert!(!client.closed, "an event after the channel was closed");
        match (event, question) {
            (Event::Delivered(delivery), question) => {
                let Some(Fact::Delivered(queue, message, to)) = last else { panic!("a delivery without its fact") };
                assert!(Arc::ptr_eq(message, &delivery.message) && *to == id);
                let live = &self.live[&key(queue, message)];
                assert_eq!((live.returned, live.returned > 0), (delivery.delivery_count, delivery.redelivered));
                if delivery.consumer.is_empty() {
                    let Some(Method::Get { no_ack, .. }) = question else { panic!("nobody asked") };
                    (!no_ack).then(|| client.held.insert(delivery.tag, false));
                    return true;
                }
                let (from, no_ack) = client.consumers.get(&delivery.consumer).expect("a known consumer");
                assert_eq!(from, queue);
                if !no_ack {
                    client.held.insert(delivery.tag, true);
                    assert!(
                        client.prefetch == 0 || client.in_window() <= client.prefetch as usize,
                        "prefetch exceeded"
                    );
                }
                false
            }
            (Event::Confirmed { seq, multiple: false } | Event::Refused { seq, .. }, Some(Method::Publish { .. })) => {
                client.answered += 1;
                assert_eq!(seq, client.answered, "confirmed in order");
                false
            }
            (Event::Returned { .. }, Some(Method::Publish { mandatory: true, .. })) => false,
            (Event::ConsumerCancelled { consumer }, _) => {
                assert!(client.consumers.remove(&consumer).is_some());
                false
            }
            (Event::Closed { .. }, Some(_)) => {
                *client = Known { closed: true, ..Known::default() };
                false
            }
            (Event::Done, Some(Method::Consume { queue, consumer, no_ack })) => {
                client.consumers.insert(consumer.clone(), (queue.clone(), *no_ack));
                true
            }
            (Event::Done, Some(Method::Cancel { consumer })) => {
                client.consumers.remove(consumer);
                true
            }
            (Event::Done | Event::QueueDeclared { .. } | Event::QueueDeleted { .. } | Event::GetEmpty, Some(_)) => true,
            (event, question) => panic!("{event:?} answers {question:?}"),
        }
    }

    /// The books agree with what the engine shows.
    fn compare(&self) {
        for stats in self.engine.queues() {
            let mut ready: Vec<&Live> = self.live_in(stats.queue).filter(|live| live.holder.is_none()).collect();
            ready.sort_by_key(|live| (Reverse(rank(stats.queue, &live.message)), live.arrival));
            let shown: Vec<_> = self.engine.ready_messages(stats.queue).collect();
            assert_eq!(shown.len(), ready.len());
            assert!(shown.iter().zip(&ready).all(|(shown, live)| {
                Arc::ptr_eq(&shown.message, &live.message)
                    && (shown.delivery_count, shown.redelivered) == (live.returned, live.returned > 0)
            }));
            if let Some(expiry) = shown.first().and_then(|head| head.expires_at) {
                assert!(expiry > self.now && self.engine.next_deadline().is_some_and(|deadline| deadline <= expiry));
            }
            self.check_nobody_idles(stats.queue, ready.len());
        }
        let unacked = self.live.values().filter(|live| live.holder.is_some()).count();
        assert_eq!(self.engine.unacked_messages().count(), unacked);
        assert_eq!(self.engine.queues().map(|stats| stats.unacked).sum::<usize>(), unacked);
        assert!(self.engine.unacked_messages().all(|shown| {
            self.live.get(&key(shown.queue, shown.message)).is_some_and(|live| live.holder == Some(shown.channel))
        }));
        assert!(self.live.keys().all(|(queue, _)| self.engine.queue_stats(queue).is_some()));
        assert_eq!(self.arrivals, self.live.len() + self.ended, "every copy is in exactly one place");
    }

    fn check_nobody_idles(&self, queue: &Name, ready: usize) {
        for client in self.clients.values() {
            let mut consumers = client.consumers.values().filter(|(from, _)| from == queue);
            let full = client.prefetch > 0 && client.in_window() >= client.prefetch as usize;
            assert!(ready == 0 || consumers.all(|(_, no_ack)| full && !no_ack), "{queue} waits for an idle consumer");
        }
    }
}

fn is_persistent(message: &Message) -> bool {
    message.properties.delivery_mode == DeliveryMode::Persistent
}

fn rank(queue: &Name, message: &Message) -> u8 {
    message.properties.priority.min(options_of(queue).max_priority.unwrap_or(0))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_sequence_of_methods_breaks_the_laws(acts in prop::collection::vec(any_act(), 0..150)) {
        let mut auditor = Auditor::new();
        for act in acts {
            auditor.act(act);
        }
    }
}
