//! Measures the cost of a long history: fills a store with keyed sales, then opens it again.
//!
//! `cargo run --release -p inventory-tests --example history [SALES] [DIR]` prints the time to
//! open, the memory of the process, and the time of a sale with little and with much behind it.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::disallowed_methods)]

use std::{
    collections::BTreeMap,
    path::Path,
    time::{Duration, Instant},
};

use inventory::{
    Command, CommandKind, EventName, EventSettings, HoldId, IdempotencyKey, Items, Limits,
    StockName,
};
use inventory_embedded::{EmbeddedOptions, EmbeddedStore};
use inventory_store::{Durability, OwnedStore, run_batch};

struct Seller {
    store: EmbeddedStore,
    number: u64,
}

impl Seller {
    fn open(dir: &Path, number: u64) -> Self {
        Self { store: EmbeddedStore::open(dir, &EmbeddedOptions::default()).unwrap(), number }
    }

    async fn put(&mut self) {
        let kind = CommandKind::PutEvent {
            event: EventName::new("default").unwrap(),
            capacities: BTreeMap::from([(StockName::new("general").unwrap(), 1_000_000_000)]),
            settings: EventSettings::default(),
            if_settings_seq: None,
            only_create: true,
            draw: None,
        };
        let command = Command { id: HoldId::new(0, [0; 10]), kind };
        run_batch(
            &mut self.store,
            &Limits::default(),
            std::iter::once((&command, None)),
            Vec::new(),
            1,
            Durability::Synced,
        )
        .await
        .unwrap();
    }

    async fn sell(&mut self, count: usize, durability: Durability) {
        let event = EventName::new("default").unwrap();
        let now_ms = 1_000_000 + self.number / 50;
        let commands: Vec<_> = (0..count)
            .map(|_| {
                self.number += 1;
                let mixed = self.number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
                let mut random = [0; 10];
                random[2..].copy_from_slice(&self.number.to_be_bytes());
                let kind = CommandKind::Reserve {
                    event: event.clone(),
                    items: Items::one(StockName::new("general").unwrap(), 1),
                    customer: None,
                    by_seller: false,
                    pass: None,
                };
                (
                    Command { id: HoldId::new(now_ms, random), kind },
                    IdempotencyKey::new(&format!("{mixed:016x}")).unwrap(),
                )
            })
            .collect();
        let commands = commands.iter().map(|(command, key)| (command, Some(key)));
        run_batch(&mut self.store, &Limits::default(), commands, Vec::new(), now_ms, durability)
            .await
            .unwrap();
    }

    /// The time of one sale among 64 that are committed together, without the sync, which costs the
    /// same either way.
    async fn cost(&mut self) -> Duration {
        const ROUNDS: u32 = 400;
        let started = Instant::now();
        for _ in 0..ROUNDS {
            self.sell(64, Durability::Buffered).await;
        }
        started.elapsed() / (ROUNDS * 64)
    }
}

fn resident_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
}

fn main() {
    let sales: u64 = std::env::args().nth(1).map_or(1_000_000, |text| text.parse().unwrap());
    let dir = std::env::args()
        .nth(2)
        .map_or_else(|| std::env::temp_dir().join("history"), std::path::PathBuf::from);
    let _ = std::fs::remove_dir_all(&dir);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let mut seller = Seller::open(&dir, 0);
        seller.put().await;
        seller.sell(1_000, Durability::Buffered).await;
        let early = seller.cost().await;
        let started = Instant::now();
        while seller.number < sales {
            seller.sell(1_000, Durability::Buffered).await;
        }
        println!(
            "filled with {} sales in {:.0} s, {:.0} MiB resident",
            seller.number,
            started.elapsed().as_secs_f64(),
            resident_mib()
        );
        let number = seller.number;
        drop(seller);
        let started = Instant::now();
        let mut seller = Seller::open(&dir, number);
        println!(
            "opened in {} ms, {:.0} MiB resident",
            started.elapsed().as_millis(),
            resident_mib()
        );
        assert_eq!(seller.store.views()[0].event.stocks[0].1.sold, number);
        let late = seller.cost().await;
        println!(
            "a sale costs {early:?} early and {late:?} late: {:.2} times as much",
            late.as_secs_f64() / early.as_secs_f64()
        );
    });
    let _ = std::fs::remove_dir_all(&dir);
}
