//! Python's values that JSON lacks: a Python peer sees its own `datetime`, `Decimal`, `bytes`, NaN.
//!
//! ```text
//! price 1.50, at 2026-03-29T03:30:00+02:00, in UTC Some("2026-03-29T01:30:00+00:00")
//! came back: 1.50
//! stored: [{"__type__":"decimal","__value__":"1.50"},{"__type__":"datetime","__value__":"2026-03-29T03:30:00+02:00"}]
//! came back: [255, 0], NaN, 00000000-0000-0000-0000-000000001234
//! 2026-01-02 2026-01-02T03:04:05+00:00
//! ```

use simq::python::{Bytes, Date, DateTime, Decimal, Float, Uuid};
use simq::{App, TaskContext, Timestamp};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(10);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    tokio::runtime::Builder::new_current_thread().build()?.block_on(run())
}

async fn run() -> Result<(), Box<dyn std::error::Error>> {
    let app = App::new("shop");
    let invoice = app.task("shop.invoice", |_: TaskContext, (price, at): (Decimal, DateTime)| async move {
        println!("price {price}, at {at}, in UTC {:?}", at.timestamp().map(|at| at.to_string()));
        Ok((price, at))
    });
    let mirror = app.task("shop.mirror", |_: TaskContext, (bytes, number): (Bytes, Float)| async move {
        Ok((bytes, number, Uuid(0x1234)))
    });
    let running = app.start()?;

    let at: DateTime = "2026-03-29T03:30:00+02:00".parse()?;
    let call = invoice.delay(("1.50".parse()?, at)).await?;
    let (price, _) = call.get(SOON).await?;
    println!("came back: {price}");
    // What is stored, as a Python client reads it.
    println!("stored: {}", call.info().await?);

    let call = mirror.delay((Bytes::from(vec![0xff, 0x00]), Float(f64::NAN))).await?;
    let (bytes, number, id) = call.get(SOON).await?;
    println!("came back: {:?}, {}, {id}", bytes.0, number.0);

    println!(
        "{} {}",
        Date::from(Timestamp::parse("2026-01-02")?),
        DateTime::from(Timestamp::parse("2026-01-02T03:04:05Z")?)
    );
    running.shutdown().await;
    Ok(())
}
