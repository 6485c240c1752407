//! Stories of processes: how they start, what stops them, and what is left of them.

mod common;

use actix::fut::wrap_future;
use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, Context};
use common::*;
use simq_sim::{Connection, Exit, Fault, Point, Process, Signal, Summary, World};
use std::cell::{Cell, RefCell};
use std::future::pending;
use std::rc::Rc;
use std::task::Waker;

/// Counts the futures that live.
struct Alive(Rc<Cell<i32>>);

impl Alive {
    fn new(count: &Rc<Cell<i32>>) -> Self {
        count.set(count.get() + 1);
        Alive(count.clone())
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

fn spawn_waiters(process: &Process, count: &Rc<Cell<i32>>) {
    for _ in 0..3 {
        let alive = Alive::new(count);
        process.spawn(async move {
            let _alive = alive;
            pending::<()>().await;
        });
    }
}

#[test]
fn a_kill_drops_every_future_of_the_process_and_of_its_children() {
    let world = world(1);
    let count: Rc<Cell<i32>> = Rc::default();
    let counted = count.clone();
    world.define("w", move |process| {
        spawn_waiters(&process, &counted);
        let inner = counted.clone();
        let child = process.start_child("1", move |child, _pipe| {
            spawn_waiters(&child, &inner);
            let grandchild = child.start_child("1", |grandchild, _| spawn_waiters(&grandchild, &inner));
            child.spawn(async move { drop((grandchild, pending::<()>().await)) });
        });
        process.spawn(async move { drop((child, pending::<()>().await)) });
    });
    world.start("w");
    let before = count.clone();
    world.at(ms(999), move || assert_eq!(before.get(), 9));
    world.fault_at(secs(1), kill("w"));
    run(&world);
    assert_eq!(count.get(), 0);
    let exits: Vec<String> = world.exits().into_iter().map(|(name, exit)| format!("{name}: {exit}")).collect();
    assert_eq!(exits, ["w: signal 9 (SIGKILL)", "w/1: signal 9 (SIGKILL)", "w/1/1: signal 9 (SIGKILL)"]);
}

/// Does all that a handle offers, at the worst moment.
struct LastWill(Process, Connection);

impl Drop for LastWill {
    fn drop(&mut self) {
        let LastWill(process, connection) = self;
        assert!(!process.alive());
        connection.say("last words", 1);
        connection.close();
        process.spawn(async { unreachable!("a dead process runs nothing") });
        assert!(!process.note("last", 0, &"words"));
        process.replace_file("will", vec![1]);
        assert!(process.durable("will", || 1).is_none());
        process.random();
        let mut connecting = Box::pin(process.connect("server"));
        let mut cx = std::task::Context::from_waker(Waker::noop());
        assert!(connecting.as_mut().poll(&mut cx).is_pending());
        drop(process.listen());
        let heir = process.start_child("heir", |_, _| unreachable!("a dead process starts nothing"));
        heir.pipe.say("inheritance", 1);
        heir.kill();
        drop(heir);
        process.uses_tokio();
        process.exit(0);
    }
}

fn last_will(written: bool) -> Summary {
    let log = Log::default();
    let world = world(1);
    echo(&world, "server", &log);
    host(&world, "w", move |process| async move {
        let connection = process.connect("server").await.expect("a server");
        connection.say("hello", 7);
        let _will = written.then(|| LastWill(process.clone(), connection.clone()));
        process.random();
        connection.hear().await;
        connection.hear().await;
    });
    host(&world, "other", |process| async move {
        process.sleep(secs(2)).await;
        process.note("drawn", process.random(), &"");
    });
    ["server", "w", "other"].iter().for_each(|name| assert!(world.start(name)));
    world.fault_at(secs(1), kill("w"));
    run(&world);
    assert_eq!(log.lines().len(), 2, "one message and the end: {:?}", log.lines());
    world.summary()
}

#[test]
fn destructors_of_a_killed_process_leave_no_trace_in_the_world() {
    assert_eq!(last_will(true), last_will(false));
}

#[test]
fn a_destructor_that_panics_in_a_killed_process_is_nobodys_panic() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("nobody should hear this");
        }
    }
    let world = world(1);
    world.define("w", |process| {
        for _ in 0..2 {
            process.spawn(async { drop((Bomb, pending::<()>().await)) });
        }
    });
    world.define("bomber", |process| {
        process.spawn(async {
            let _bomb = Bomb;
        });
    });
    world.start("w");
    world.start("bomber");
    world.fault_at(secs(1), kill("w"));
    run(&world);
    assert_eq!(world.exit_of("w"), Some(Exit::Killed));
    assert!(matches!(world.exit_of("bomber"), Some(Exit::Panicked(_))), "a living process dies of it");
}

struct Worker {
    connection: Connection,
    log: Log,
}

impl Actor for Worker {
    type Context = Context<Self>;

    fn stopped(&mut self, _: &mut Self::Context) {
        self.log.add("stopped");
        self.connection.say("goodbye", 99);
    }
}

fn actor_world(log: &Log, served: &Log) -> World {
    let world = world(1);
    echo(&world, "server", served);
    let log = log.clone();
    host(&world, "w", move |process| {
        let log = log.clone();
        async move {
            let connection = process.connect("server").await.expect("a server");
            connection.say("hello", 1);
            let mut ctx = Context::<Worker>::new();
            let shift = process.sleep(secs(10));
            ctx.spawn(wrap_future::<_, Worker>(shift).map(|(), _, ctx: &mut Context<Worker>| ctx.stop()));
            let actor = ctx.into_future(Worker { connection, log });
            process.spawn(async move {
                actor.await;
            });
        }
    });
    world.start("server");
    world.start("w");
    world
}

#[test]
fn an_actor_that_stops_by_itself_says_goodbye() {
    let (log, served) = (Log::default(), Log::default());
    let world = actor_world(&log, &served);
    run(&world);
    assert_eq!(log.lines(), ["stopped"]);
    let heard: Vec<_> = served.lines().iter().filter_map(|line| line.split(' ').nth(1).map(str::to_owned)).collect();
    assert_eq!(heard, ["1", "99", "end"]);
}

#[test]
fn an_actor_that_is_killed_says_nothing() {
    let (log, served) = (Log::default(), Log::default());
    let world = actor_world(&log, &served);
    world.fault_at(secs(5), kill("w"));
    run(&world);
    assert_eq!(log.lines(), ["stopped"], "dropping an actor runs its hook");
    let heard: Vec<_> = served.lines().iter().filter_map(|line| line.split(' ').nth(1).map(str::to_owned)).collect();
    assert_eq!(heard, ["1", "end"], "which reaches nobody");
}

#[test]
fn a_restart_is_a_new_life_on_the_old_disk() {
    let log = Log::default();
    let world = world(1);
    let (seen, handles) = (log.clone(), Rc::new(RefCell::new(Vec::new())));
    let kept = handles.clone();
    world.define("w", move |process| {
        let file = process.read_file("state").map(|bytes| bytes[0]);
        let count = process.durable("count", || 0_u32).expect("a counter");
        *count.borrow_mut() += 1;
        seen.add(format!("life {} file {file:?} count {}", process.incarnation(), count.borrow()));
        process.replace_file("state", vec![process.incarnation() as u8]);
        kept.borrow_mut().push(process.clone());
        process.spawn(pending());
    });
    assert!(world.start("w"));
    assert!(!world.start("w"), "it runs");
    assert!(!world.start("nobody"));
    let too_early = world.fault_at(ms(500), Fault::WipeDisk { process: "w".into() });
    for at in [1, 3, 5] {
        world.fault_at(secs(at), kill("w"));
        world.fault_at(secs(at + 1), restart("w"));
    }
    let wipe = world.fault_at(ms(5_500), Fault::WipeDisk { process: "w".into() });
    run(&world);
    let expected = [
        "life 1 file None count 1",
        "life 2 file Some(1) count 2",
        "life 3 file Some(2) count 3",
        "life 4 file None count 1",
    ];
    assert_eq!(log.lines(), expected);
    assert!(!world.struck(too_early) && world.struck(wipe));
    let lives: Vec<u32> = handles.borrow().iter().map(Process::incarnation).collect();
    assert_eq!(lives, [1, 2, 3, 4], "an old handle still means its own life");
}

#[test]
fn a_machine_on_the_disk_may_use_its_process_while_it_is_made_and_unmade() {
    struct Kept(Process);
    impl Drop for Kept {
        fn drop(&mut self) {
            assert_eq!(&*self.0.name(), "w");
        }
    }
    let world = world(1);
    world.define("w", |process| {
        let inner = process.clone();
        process.durable("kept", || {
            inner.name();
            inner.durable("other", || 0).expect("made inside");
            Kept(inner.clone())
        });
    });
    world.start("w");
    world.fault_at(secs(1), kill("w"));
    let wipe = world.fault_at(secs(2), Fault::WipeDisk { process: "w".into() });
    run(&world);
    assert!(world.struck(wipe));
}

fn paused(process: &str, lasting: Option<u64>) -> Fault {
    Fault::Pause { process: process.into(), lasting: lasting.map(ms) }
}

fn client_that_counts(world: &World, every: u64, times: u64) {
    host(world, "client", move |process| async move {
        let connection = process.connect("server").await.expect("a server");
        for number in 1..=times {
            connection.say("count", number);
            process.sleep(ms(every)).await;
        }
        pending::<()>().await;
    });
}

#[test]
fn a_paused_process_reads_its_messages_when_it_is_resumed() {
    let log = Log::default();
    let world = steady(1);
    echo(&world, "server", &log);
    client_that_counts(&world, 10, 5);
    world.start("server");
    world.start("client");
    world.fault_at(ms(15), paused("server", None));
    let again = world.fault_at(ms(100), Fault::Resume { process: "server".into() });
    let in_vain = world.fault_at(ms(101), Fault::Resume { process: "server".into() });
    run(&world);
    assert_eq!(log.lines(), ["3ms 1", "13ms 2", "100ms 3", "100ms 4", "100ms 5"]);
    assert!(world.struck(again) && !world.struck(in_vain));
}

#[test]
fn a_process_runs_again_when_the_last_of_its_pauses_is_over() {
    let log = Log::default();
    let world = steady(1);
    echo(&world, "server", &log);
    client_that_counts(&world, 1, 1);
    world.start("server");
    world.start("client");
    world.fault_at(ms(1), paused("server", Some(100)));
    world.fault_at(ms(50), paused("server", Some(200)));
    run(&world);
    assert_eq!(log.lines(), ["250ms 1"]);
}

#[test]
fn a_pause_of_one_life_does_not_end_a_pause_of_the_next() {
    let log = Log::default();
    let world = steady(1);
    let lived = log.clone();
    host(&world, "w", move |process| {
        let lived = lived.clone();
        async move {
            process.sleep(ms(20)).await;
            lived.at(&process, "awake");
        }
    });
    world.start("w");
    world.fault_at(ms(1), paused("w", Some(100)));
    world.fault_at(ms(2), kill("w"));
    world.fault_at(ms(90), restart("w"));
    world.fault_at(ms(95), paused("w", None));
    world.fault_at(ms(500), Fault::Resume { process: "w".into() });
    run(&world);
    assert_eq!(log.lines(), ["500ms awake"]);
}

#[test]
fn a_pause_stops_children_too_and_leaves_those_that_were_stopped_before() {
    let log = Log::default();
    let world = steady(1);
    let ticked = log.clone();
    world.define("w", move |process| {
        let children: Vec<_> = ["1", "2"]
            .into_iter()
            .map(|suffix| {
                let ticked = ticked.clone();
                process.start_child(suffix, move |child, _pipe| {
                    let inner = child.clone();
                    child.spawn(async move {
                        inner.sleep(ms(10)).await;
                        ticked.at(&inner, inner.name());
                        pending::<()>().await;
                    });
                })
            })
            .collect();
        process.spawn(async move { drop((children, pending::<()>().await)) });
    });
    world.start("w");
    world.fault_at(ms(1), paused("w/2", None));
    world.fault_at(ms(2), paused("w", Some(50)));
    world.fault_at(ms(100), Fault::Resume { process: "w/2".into() });
    run(&world);
    assert_eq!(log.lines(), ["52ms w/1", "100ms w/2"]);
}

#[test]
fn what_a_process_says_after_it_was_paused_gets_out_after_the_pause() {
    let log = Log::default();
    let world = steady(1);
    echo(&world, "server", &log);
    host(&world, "w", |process| async move {
        let connection = process.connect("server").await.expect("a server");
        for number in 1..=3 {
            connection.say("ack", number);
        }
        drop(connection);
        process.exit(5);
    });
    world.start("server");
    world.start("w");
    world.fault_on(on("w", Point::Before, "ack", 2), paused("w", Some(100)));
    let count = world.fault_on(on("w", Point::After, "ack", 3), Fault::StepClock { process: "w".into(), by_nanos: 1 });
    run(&world);
    assert_eq!(log.lines(), ["3ms 1", "103ms 2", "103ms 3", "103ms end"]);
    assert_eq!(world.exit_of("w"), Some(Exit::Status(5)));
    assert!(world.struck(count));
}

#[test]
fn a_kill_during_a_pause_takes_what_was_not_said_yet() {
    let log = Log::default();
    let world = steady(1);
    echo(&world, "server", &log);
    client_that_counts(&world, 10, 5);
    world.start("server");
    world.start("client");
    world.fault_on(on("client", Point::Before, "count", 2), paused("client", Some(100)));
    world.fault_at(ms(50), kill("client"));
    run(&world);
    assert_eq!(log.lines(), ["3ms 1", "51ms end"]);
}

fn signal(process: &str, signal: Signal, group: bool, grace: Option<u64>) -> Fault {
    Fault::Signal { process: process.into(), signal, group, grace: grace.map(ms) }
}

fn polite(world: &World, name: &str, needs: u64) {
    host(world, name, move |process| async move {
        let mut received = 0;
        while process.next_signal().await != Signal::Terminate {
            received += 1;
        }
        process.sleep(ms(needs)).await;
        process.exit(received);
    });
}

#[test]
fn a_signal_ends_a_process_that_does_not_handle_it() {
    let world = world(1);
    ["terminated", "interrupted"].iter().for_each(|name| world.define(name, |process| process.spawn(pending())));
    world.start("terminated");
    world.start("interrupted");
    world.fault_at(secs(1), signal("terminated", Signal::Terminate, false, None));
    world.fault_at(secs(1), signal("interrupted", Signal::Interrupt, false, None));
    let nobody = world.fault_at(secs(2), signal("terminated", Signal::Terminate, false, None));
    run(&world);
    assert_eq!(world.exit_of("terminated"), Some(Exit::Terminated));
    assert_eq!(world.exit_of("interrupted").expect("an exit").to_string(), "signal 2 (SIGINT)");
    assert!(!world.struck(nobody));
}

#[test]
fn a_handled_signal_lets_the_process_end_as_it_wants() {
    let world = world(1);
    polite(&world, "w", 100);
    world.start("w");
    world.fault_at(secs(1), signal("w", Signal::User1, false, None));
    world.fault_at(secs(1), signal("w", Signal::Interrupt, false, None));
    world.fault_at(secs(2), signal("w", Signal::Terminate, false, Some(200)));
    run(&world);
    assert_eq!(world.exit_of("w"), Some(Exit::Status(2)));
}

#[test]
fn who_needs_longer_than_the_grace_period_is_killed() {
    let world = world(1);
    polite(&world, "slow", 300);
    polite(&world, "paused", 0);
    world.start("slow");
    world.start("paused");
    world.fault_at(ms(500), paused("paused", None));
    world.fault_at(secs(1), signal("slow", Signal::Terminate, false, Some(200)));
    world.fault_at(secs(1), signal("paused", Signal::Terminate, false, Some(200)));
    run(&world);
    assert_eq!(world.exit_of("slow"), Some(Exit::Killed));
    assert_eq!(world.exit_of("paused"), Some(Exit::Killed));
    assert_eq!(world.now(), ms(1_200), "a sleep that was cancelled does not drag time along");
}

#[test]
fn the_grace_period_of_one_life_does_not_kill_the_next() {
    let world = world(1);
    polite(&world, "w", 0);
    world.start("w");
    world.fault_at(secs(1), signal("w", Signal::Terminate, false, Some(10_000)));
    world.fault_at(secs(2), restart("w"));
    run(&world);
    assert_eq!(world.exit_of("w"), None);
    assert_eq!(world.exits().len(), 1);
}

#[test]
fn a_stopped_process_takes_its_signals_when_it_is_resumed() {
    let world = world(1);
    polite(&world, "polite", 0);
    world.define("rude", |process| process.spawn(pending()));
    for name in ["polite", "rude"] {
        world.start(name);
        world.fault_at(ms(500), paused(name, Some(1_000)));
        world.fault_at(secs(1), signal(name, Signal::Terminate, false, None));
    }
    assert_eq!(world.run(ms(1_499), 1_000), simq_sim::Stop::Time);
    assert!(world.exits().is_empty());
    run(&world);
    assert_eq!(world.exit_of("polite"), Some(Exit::Status(0)));
    assert_eq!(world.exit_of("rude"), Some(Exit::Terminated));
}

/// A parent that logs how its child ends, and what the child said before.
fn parent(world: &World, log: &Log) {
    let log = log.clone();
    host(world, "w", move |process| {
        let log = log.clone();
        async move {
            let child = process.start_child("1", |child, pipe| {
                let inner = child.clone();
                child.spawn(async move {
                    for number in 1.. {
                        pipe.say("progress", number);
                        inner.sleep(ms(400)).await;
                    }
                });
            });
            let exit = child.exited().await;
            log.at(&process, format!("child: {exit}"));
            while let Some(number) = child.pipe.hear().await {
                log.at(&process, number);
            }
            log.at(&process, "pipe ends");
            pending::<()>().await;
        }
    });
    world.start("w");
}

#[test]
fn a_parent_learns_of_its_childs_death_and_reads_what_it_said() {
    let log = Log::default();
    let world = world(1);
    parent(&world, &log);
    let struck = world.fault_at(secs(1), Fault::KillChild { process: "w".into(), child: Some(1) });
    let nobody = world.fault_at(secs(2), Fault::KillChild { process: "w".into(), child: Some(1) });
    run(&world);
    let expected = ["1000ms child: signal 9 (SIGKILL)", "1000ms 1", "1000ms 2", "1000ms 3", "1000ms+20000ns pipe ends"];
    assert_eq!(log.lines(), expected);
    assert!(world.struck(struck) && !world.struck(nobody));
    assert_eq!(world.exit_of("w"), None);
}

#[test]
fn the_out_of_memory_killer_takes_a_child() {
    let log = Log::default();
    let world = world(1);
    parent(&world, &log);
    world.fault_at(secs(1), Fault::OutOfMemory { process: "w".into(), child: true });
    run(&world);
    assert_eq!(log.lines()[0], "1000ms child: signal 9 (SIGKILL), out of memory");
}

#[test]
fn a_child_dies_with_its_parent_however_that_ends() {
    for (fault, exit) in [
        (kill("w"), Exit::Killed),
        (signal("w", Signal::Terminate, false, None), Exit::Terminated),
        (Fault::Vanish { process: "w".into() }, Exit::Killed),
        (Fault::OutOfMemory { process: "w".into(), child: false }, Exit::OutOfMemory),
    ] {
        let log = Log::default();
        let world = world(1);
        parent(&world, &log);
        world.fault_at(secs(1), fault);
        run(&world);
        let exits = world.exits();
        assert_eq!(exits.iter().map(|(name, _)| &**name).collect::<Vec<_>>(), ["w", "w/1"]);
        assert_eq!((&exits[0].1, &exits[1].1), (&exit, &Exit::Killed));
        assert!(log.lines().is_empty());
    }
}

#[test]
fn a_signal_to_the_group_reaches_the_children() {
    let log = Log::default();
    let world = world(1);
    parent(&world, &log);
    world.fault_at(secs(1), signal("w", Signal::Terminate, true, None));
    run(&world);
    assert!(world.exits().iter().all(|(_, exit)| *exit == Exit::Terminated));
}

#[test]
fn of_two_children_with_one_name_the_youngest_that_lives_is_meant() {
    let world = world(1);
    let kept = Rc::new(RefCell::new(Vec::new()));
    let children = kept.clone();
    world.define("w", move |process| {
        for _ in 0..2 {
            let child = process.start_child("1", |child, _| child.spawn(pending()));
            children.borrow_mut().push(child);
        }
        process.spawn(pending());
    });
    world.start("w");
    world.fault_at(secs(1), kill("w/1"));
    run(&world);
    let alive: Vec<bool> = kept.borrow().iter().map(|child| child.process().alive()).collect();
    assert_eq!(alive, [true, false]);
}

#[test]
fn a_panic_ends_the_process_whose_code_it_was() {
    let world = world(1);
    host(&world, "task", |process| async move {
        process.sleep(secs(1)).await;
        panic!("in a task");
    });
    world.define("program", |_| panic!("in the program"));
    world.define("parent", |process| {
        let child = process.start_child("1", |_, _| panic!("in the child"));
        process.spawn(async move { drop((child, pending::<()>().await)) });
    });
    ["task", "program", "parent"].iter().for_each(|name| assert!(world.start(name)));
    run(&world);
    assert_eq!(world.exit_of("task"), Some(Exit::Panicked("in a task".to_owned())));
    assert_eq!(world.exit_of("program"), Some(Exit::Panicked("in the program".to_owned())));
    assert_eq!(world.exit_of("parent"), None);
    let child = world.exits().into_iter().find(|(name, _)| &**name == "parent/1").expect("its end");
    assert_eq!(child.1.to_string(), "panic: in the child");
}

#[test]
fn what_follows_an_exit_has_no_effect() {
    let log = Log::default();
    let world = steady(1);
    echo(&world, "server", &log);
    host(&world, "w", |process| async move {
        let connection = process.connect("server").await.expect("a server");
        connection.say("before", 1);
        process.exit(3);
        connection.say("after", 2);
        process.spawn(async { unreachable!() });
        process.exit(4);
        process.sleep(secs(1)).await;
        unreachable!("its futures are gone");
    });
    world.start("server");
    world.start("w");
    run(&world);
    assert_eq!(log.lines(), ["3ms 1", "3ms end"]);
    assert_eq!(world.exit_of("w"), Some(Exit::Status(3)));
}

#[test]
fn a_program_that_is_killed_while_it_starts_leaves_nothing() {
    let count: Rc<Cell<i32>> = Rc::default();
    let world = world(1);
    let counted = count.clone();
    world.define("w", move |process| {
        spawn_waiters(&process, &counted);
        process.replace_file("pid", vec![1]);
        spawn_waiters(&process, &counted);
        process.start_child("1", |child, _| spawn_waiters(&child, &Rc::default()));
        let _listener = process.listen();
    });
    let fault = world.fault_on(on("w", Point::After, "disk.replace", 1), kill("w"));
    world.start("w");
    run(&world);
    assert!(world.struck(fault));
    assert_eq!(count.get(), 0);
    assert_eq!(world.exits().len(), 1, "the child was never born");
}

#[test]
fn a_process_can_bring_itself_down_from_deep_inside() {
    let world = world(1);
    assert!(!simq_sim::end_here(Exit::Killed), "nobody runs");
    host(&world, "w", |process| async move {
        process.sleep(secs(1)).await;
        assert!(simq_sim::end_here(Exit::OutOfMemory));
        assert!(!simq_sim::end_here(Exit::Killed));
        pending::<()>().await;
    });
    world.start("w");
    run(&world);
    assert_eq!(world.exit_of("w"), Some(Exit::OutOfMemory));
}

#[test]
fn defining_a_host_again_changes_its_next_life() {
    let log = Log::default();
    let world = world(1);
    for version in ["old", "new"] {
        let log = log.clone();
        world.define("w", move |process| {
            log.add(version);
            process.exit(0);
        });
        assert!(world.start("w"));
    }
    assert_eq!(log.lines(), ["old", "new"]);
}

#[test]
fn the_end_of_the_world_frees_it_and_runs_no_destructor_to_any_effect() {
    let count: Rc<Cell<i32>> = Rc::default();
    struct Heavy(Connection, Alive);
    impl std::fmt::Display for Heavy {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("heavy")
        }
    }
    impl simq_sim::Payload for Heavy {
        fn label(&self) -> &'static str {
            "heavy"
        }
        fn digest(&self) -> u64 {
            u64::from(self.0.number() > 0 && self.1.0.get() > 0)
        }
        fn duplicate(&self) -> Option<Box<dyn simq_sim::Payload>> {
            None
        }
    }
    let world = steady(1);
    // It listens and never accepts: connections wait in its backlog, messages in their inboxes.
    host(&world, "server", |process| async move {
        let _listener = process.listen();
        pending::<()>().await;
    });
    let counted = count.clone();
    host(&world, "w", move |process| {
        let counted = counted.clone();
        async move {
            let connection = process.connect("server").await.expect("a server");
            for _ in 0..2 {
                connection.send(Box::new(Heavy(connection.clone(), Alive::new(&counted))));
                process.sleep(secs(1)).await;
            }
            connection.send(Box::new(Heavy(connection.clone(), Alive::new(&counted))));
            pending::<()>().await;
        }
    });
    world.start("server");
    world.start("w");
    world.run(ms(2_002), 1_000);
    assert_eq!(count.get(), 3);
    drop(world);
    assert_eq!(count.get(), 0);
    simq_sim::World::new(simq_sim::Config::new(2)).expect("room for another world");
}
