//! The thread that completes the index of reservations while sales go on.
//!
//! It adds the rows of all holds, a few at a time; rows that exist are written again, which changes
//! nothing. The committer adds the rows of its own records meanwhile.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use inventory::domain::{LookupKey, TimeMs};
use inventory_store::{Clock, Durability, StoreError, SystemClock};
use parking_lot::Mutex;

use crate::{
    contents::Contents,
    errors::failed,
    journal::Journal,
    lookup::LookupIndex,
    rows::{decode_hold, encode, lookup_key, lookup_prefix},
    tables::{INDEXED_RECORDS, Tables},
};

/// Holds indexed with one write. The committer waits for at most one such write.
const CHUNK: usize = 256;
/// A row, and the most the journal adds to it.
const ROW_BYTES: u64 = 64;
/// The thread that completes the index. Dropping this ends it.
pub struct LookupBuilder {
    stop: Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<()>>,
}

impl LookupBuilder {
    /// Starts the thread if the index is not complete.
    pub fn start(contents: &Contents) -> io::Result<Option<Self>> {
        if contents.lookup.is_complete() {
            return Ok(None);
        }
        let stop = Arc::new(AtomicBool::new(false));
        let build = Build {
            tables: contents.tables.clone(),
            index: contents.lookup.clone(),
            journal: contents.journal.clone(),
            clock: SystemClock::default(),
            stop: stop.clone(),
        };
        let thread = thread::Builder::new().name("lookup-index".into()).spawn(move || build.run());
        Ok(Some(Self { stop, thread: Some(thread?) }))
    }
}

impl Drop for LookupBuilder {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // A panic of the thread has been logged; the index stays incomplete.
            let _ = thread.join();
        }
    }
}

struct Build {
    tables: Tables,
    index: Arc<LookupIndex>,
    journal: Arc<Mutex<Journal>>,
    clock: SystemClock,
    stop: Arc<AtomicBool>,
}

impl Build {
    fn run(&self) {
        let started_ms = self.clock.now_ms();
        tracing::info!("building the index of reservations; look-ups are refused until it is done");
        match self.all() {
            Ok(Some(holds)) => {
                let seconds = self.since(started_ms).as_secs_f64();
                tracing::info!(holds, seconds, "index of reservations built");
            }
            Ok(None) => {
                tracing::info!("index of reservations not finished; the next start builds it");
            }
            Err(error) => tracing::error!(%error, "cannot build the index of reservations"),
        }
    }

    /// Adds the rows of all holds and returns their number; nothing when it was stopped.
    fn all(&self) -> Result<Option<u64>, StoreError> {
        let (mut from, mut holds) = (Vec::new(), 0);
        while !self.stop.load(Ordering::Relaxed) {
            let started_ms = self.clock.now_ms();
            let mut batch = self.tables.batch(Durability::Buffered);
            let (mut len, mut rows) = (0, 0);
            for row in self.tables.holds.range(from.clone()..).take(CHUNK) {
                let (id, hold) = row.into_inner().map_err(failed)?;
                let hold = decode_hold(&hold)?;
                for key in LookupKey::of(&hold) {
                    let row = lookup_key(&lookup_prefix(key), hold.id);
                    batch.insert(&self.tables.lookup, row, []);
                    rows += 1;
                }
                // The next chunk starts after this row.
                from = [&id[..], &[0]].concat();
                len += 1;
            }
            if len == 0 {
                self.finish()?;
                return Ok(Some(holds));
            }
            holds += len;
            let mut journal = self.journal.lock();
            journal.prepare(&self.tables, rows * ROW_BYTES);
            batch.commit().map_err(failed)?;
            drop(journal);
            // At least as long as the write took, so that this takes at most half of one core.
            thread::park_timeout(self.since(started_ms) + Duration::from_millis(1));
        }
        Ok(None)
    }

    fn since(&self, started_ms: TimeMs) -> Duration {
        Duration::from_millis(self.clock.now_ms().saturating_sub(started_ms))
    }

    /// Every hold that was there has its rows, and the committer has added those of the others.
    /// The write that says so comes after all of them in the journal, and is synced.
    fn finish(&self) -> Result<(), StoreError> {
        let mut batch = self.tables.batch(Durability::Synced);
        let mut journal = self.journal.lock();
        batch.insert(&self.tables.meta, INDEXED_RECORDS, encode(&journal.records)?);
        journal.prepare(&self.tables, ROW_BYTES);
        batch.commit().map_err(failed)?;
        self.index.set_complete();
        Ok(())
    }
}
