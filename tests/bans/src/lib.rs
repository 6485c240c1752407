//! Everything that is forbidden, one line each.
#![allow(unused, clippy::all)]
#![deny(clippy::disallowed_methods, clippy::disallowed_types, clippy::disallowed_macros)]

use actix::prelude::*;
use std::time::Duration;

struct Ticker;

impl Actor for Ticker {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        ctx.run_later(Duration::ZERO, |_, _| {}); // banned
        ctx.run_interval(Duration::ZERO, |_, _| {}); // banned
    }
}

impl Supervised for Ticker {}

struct Blocking;

impl Actor for Blocking {
    type Context = SyncContext<Self>;
}

fn time() {
    std::time::Instant::now(); // banned
    std::time::SystemTime::now(); // banned
    tokio::time::Instant::now(); // banned
}

fn threads() {
    std::thread::spawn(|| {}); // banned
    std::thread::sleep(Duration::ZERO); // banned
    std::thread::scope(|_| {}); // banned
    std::thread::Builder::new().spawn(|| {}); // banned
    tokio::task::spawn_blocking(|| {}); // banned
    actix::Arbiter::new(); // banned
    actix::SyncArbiter::start(1, || Blocking); // banned
}

fn files() {
    std::fs::read(""); // banned
    std::fs::read_to_string(""); // banned
    std::fs::write("", ""); // banned
    std::fs::rename("", ""); // banned
    std::fs::remove_file(""); // banned
    std::fs::File::open(""); // banned
    std::fs::File::create(""); // banned
}

fn processes() {
    std::process::Command::new(""); // banned
    std::process::id(); // banned
    std::process::exit(0); // banned
}

async fn tasks() {
    tokio::time::sleep(Duration::ZERO).await; // banned
    tokio::time::sleep_until(later()).await; // banned
    tokio::time::interval(Duration::ZERO); // banned
    tokio::time::timeout(Duration::ZERO, async {}).await; // banned
    tokio::spawn(async {}); // banned
    tokio::task::spawn_local(async {}); // banned
    actix::spawn(async {}); // banned
    Ticker.start(); // banned
    actix::Supervisor::start(|_| Ticker); // banned
    tokio::select! { _ = async {} => {} } // banned
}

fn later() -> tokio::time::Instant {
    unimplemented!()
}

fn order() {
    let map: std::collections::HashMap<u8, u8>; // banned
    let set: std::collections::HashSet<u8>; // banned
    let keys: std::hash::RandomState; // banned
    let hasher: std::hash::DefaultHasher; // banned
}

fn randomness() {
    getrandom::fill(&mut []); // banned
}
