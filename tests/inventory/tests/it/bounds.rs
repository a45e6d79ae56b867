//! Far more than the embedded store may keep in memory and in its journal.

use std::{path::Path, process::Command as Program};

use inventory::{Command, CommandKind, Hash, HoldId, Limits};
use inventory_embedded::{EmbeddedOptions, EmbeddedStore};
use inventory_store::{Durability, OwnedStore, Store, run_batch};

use crate::support::{event, items, put, run};

/// The least that can be set.
const OPTIONS: EmbeddedOptions = EmbeddedOptions {
    cache_bytes: 1 << 20,
    memtable_bytes: 1 << 20,
    open_files: 256,
    journal_bytes: 64 << 20,
    keys_max: 1 << 40,
};
/// fjall makes each journal that long at once, and begins another when a table is written and this
/// one is full.
const JOURNAL_FILE_BYTES: u64 = 64 << 20;
/// The memory of an idle process, with the filters and indexes of open tables.
const OTHER_MEMORY_BYTES: u64 = 48 << 20;
/// The row of an event with many stocks is long, and every sale rewrites it.
const STOCKS: u64 = 1_024;
const SALES: u64 = 3_600;
/// Set in the process that does the work, and not in the test that starts and observes it.
const DIR: &str = "STORE_BOUNDS_DIR";

/// The journals of a store, and how long they are together.
fn journals(dir: &Path) -> (u64, u64) {
    let (mut newest, mut bytes) = (0, 0);
    for entry in std::fs::read_dir(dir.join("db/tables")).unwrap().flatten() {
        let name = entry.file_name().into_string().unwrap();
        if let Some(id) = name.strip_suffix(".jnl") {
            newest = newest.max(id.parse().unwrap());
            // One that goes away meanwhile has no length any more.
            bytes += entry.metadata().map_or(0, |file| file.len());
        }
    }
    (newest, bytes)
}

/// The most memory this process has ever had, bytes.
fn resident_max_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1_024
}

/// Sells, and returns how many bytes were written at least, how long the journals were at their
/// longest, and the number of the last.
async fn sell(dir: &Path) -> (u64, u64, u64) {
    let limits = Limits { stocks_max: 1_024, ..Limits::default() };
    let mut store = EmbeddedStore::open(dir, &OPTIONS).unwrap();
    // Random, since fjall compresses long values.
    let names: Vec<_> =
        (0..STOCKS).map(|number| Hash::of(&number.to_be_bytes()).to_string()).collect();
    let capacities: Vec<_> = names.iter().map(|name| (name.as_str(), SALES)).collect();
    run(&mut store, &limits, 0, put("default", &capacities), None, 1_000).await;
    let (mut longest, mut last) = (0, 0);
    for number in 0..SALES {
        let kind = CommandKind::Reserve {
            event: event("default"),
            items: items(&[(&names[0], 1)]),
            customer: None,
            by_seller: false,
            pass: None,
        };
        let mut random = [0; 10];
        random[2..].copy_from_slice(&number.to_be_bytes());
        let command = Command { id: HoldId::new(1_000 + number, random), kind };
        let commands = std::iter::once((&command, None));
        run_batch(&mut store, &limits, commands, Vec::new(), 1_000 + number, Durability::Synced)
            .await
            .unwrap();
        let (newest, bytes) = journals(dir);
        (longest, last) = (longest.max(bytes), newest);
    }
    let row = serde_json::to_vec(&store.views()[0].event).unwrap();
    (SALES * row.len() as u64, longest, last)
}

/// Reads all records, and returns how many there are.
async fn read(dir: &Path) -> u64 {
    let store = EmbeddedStore::open(dir, &OPTIONS).unwrap();
    let (reader, mut count) = (store.reader(), 0);
    loop {
        let page = reader.records(&event("default"), count, 1_000).await.unwrap();
        if page.is_empty() {
            assert_eq!(store.views()[0].event.seq, count);
            return count;
        }
        count += page.len() as u64;
    }
}

#[tokio::test]
async fn store_larger_than_its_bounds_keeps_to_them() {
    let Some(dir) = std::env::var_os(DIR) else {
        // In a process of its own, so that the memory is its memory.
        let dir = tempfile::tempdir().unwrap();
        let mut child = Program::new(std::env::current_exe().unwrap());
        child
            .args(["--exact", "bounds::store_larger_than_its_bounds_keeps_to_them", "--nocapture"])
            .env(DIR, dir.path());
        let output = child.output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success() && text.contains("1 passed"),
            "{text}\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
        println!("{text}");
        return;
    };
    let dir = Path::new(&dir);
    let (written, journals_max, journals) = sell(dir).await;
    assert_eq!(read(dir).await, SALES + 1);
    let resident_max = resident_max_bytes();
    println!(
        "{} MiB written; journals at most {} MiB, the last is number {journals}; resident at most {} MiB",
        written >> 20,
        journals_max >> 20,
        resident_max >> 20
    );
    // More was written than the journals may have, so that some of them had to go.
    assert!(journals >= 3 && written > 4 * JOURNAL_FILE_BYTES, "{journals} {written}");
    // One that is written to, and one that waits for its tables.
    assert!(journals_max <= OPTIONS.journal_bytes + 2 * JOURNAL_FILE_BYTES, "{journals_max}");
    // A memtable being flushed is in memory beside its successor.
    let memory_max = OPTIONS.cache_bytes
        + 2 * EmbeddedOptions::TABLES * OPTIONS.memtable_bytes
        + OTHER_MEMORY_BYTES;
    assert!(resident_max <= memory_max && memory_max * 3 < written, "{resident_max}");
}
