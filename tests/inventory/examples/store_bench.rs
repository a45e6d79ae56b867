//! How many sales the embedded store takes per second, each batch fsynced, by size of the batch.
//!
//! `cargo run --release -p inventory-tests --example store_bench [DIR]`
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::disallowed_methods)]

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use inventory::{
    Command, CommandKind, CustomerId, EventName, EventSettings, HoldId, IdempotencyKey, Items,
    Limits, StockName,
};
use inventory_embedded::{EmbeddedOptions, EmbeddedStore};
use inventory_store::{Durability, run_batch};

const EACH: Duration = Duration::from_secs(3);

/// What every sale has beside its items.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum With {
    Nothing,
    Key,
    Customer,
}

fn main() {
    let dir = std::env::args()
        .nth(1)
        .map_or_else(|| std::env::temp_dir().join("store_bench"), Into::into);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    println!("| batch | each with | sales/s | ms per commit |\n|---|---|---|---|");
    for with in [With::Nothing, With::Key, With::Customer] {
        for batch in [1, 16, 64, 256, 1024] {
            let _ = std::fs::remove_dir_all(&dir);
            let (sales_per_s, commit_ms) = runtime.block_on(measure(&dir, batch, with));
            println!("| {batch} | {with:?} | {sales_per_s:.0} | {commit_ms:.2} |");
        }
    }
    let _ = std::fs::remove_dir_all(&dir);
}

async fn measure(dir: &std::path::Path, batch: usize, with: With) -> (f64, f64) {
    let mut store = EmbeddedStore::open(dir, &EmbeddedOptions::default()).unwrap();
    let (limits, event, stock) =
        (Limits::default(), EventName::new("default").unwrap(), StockName::new("general").unwrap());
    let put = CommandKind::PutEvent {
        event: event.clone(),
        capacities: BTreeMap::from([(stock.clone(), 1_000_000_000)]),
        settings: EventSettings::default(),
        if_settings_seq: None,
        only_create: true,
        draw: None,
    };
    let put = Command { id: HoldId::new(0, [0; 10]), kind: put };
    run_batch(
        &mut store,
        &limits,
        std::iter::once((&put, None)),
        Vec::new(),
        1,
        Durability::Synced,
    )
    .await
    .unwrap();
    let (mut number, mut commits, started) = (0_u64, 0_u32, Instant::now());
    while started.elapsed() < EACH {
        let now_ms = 1_000_000 + started.elapsed().as_millis() as u64;
        let commands: Vec<_> = (0..batch)
            .map(|_| {
                number += 1;
                let mut random = [0; 10];
                random[2..].copy_from_slice(&number.to_be_bytes());
                // Keys and customers as clients make them: in no order.
                let text = format!("{:016x}-{number}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
                let kind = CommandKind::Reserve {
                    event: event.clone(),
                    items: Items::one(stock.clone(), 1),
                    customer: (with == With::Customer).then(|| CustomerId::new(&text).unwrap()),
                    by_seller: false,
                    pass: None,
                };
                let key = (with == With::Key).then(|| IdempotencyKey::new(&text).unwrap());
                (Command { id: HoldId::new(now_ms, random), kind }, key)
            })
            .collect();
        let commands = commands.iter().map(|(command, key)| (command, key.as_ref()));
        run_batch(&mut store, &limits, commands, Vec::new(), now_ms, Durability::Synced)
            .await
            .unwrap();
        commits += 1;
    }
    let elapsed = started.elapsed().as_secs_f64();
    (number as f64 / elapsed, elapsed * 1_000.0 / f64::from(commits))
}
