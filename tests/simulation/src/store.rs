//! A store on the simulated disk: a journal of batches, each a length, a checksum and record
//! bodies. The code that restores a backup rebuilds the memory from it.

use std::sync::Arc;

use inventory::{
    TimeMs,
    decide::{ReadSet, WorkingSet},
};
use inventory_audit::verify::Entry;
use inventory_store::{
    Durability, EventView, MemoryStore, OwnedStore, Reader, ReplayError, Replayer, Store,
    StoreError,
};
use sha2::{Digest, Sha256};

use crate::disk::Disk;

/// The length and the first bytes of the SHA-256 of what follows.
const HEAD: usize = 4 + 8;

/// Counts in memory, records on the disk.
pub struct SimStore {
    memory: MemoryStore,
    disk: Disk,
}

impl SimStore {
    /// Opens the batches on `disk` and cuts the file at the first one that is not whole.
    ///
    /// # Errors
    /// [`ReplayError`] when the records do not follow from each other.
    pub async fn open(disk: &Disk) -> Result<Self, ReplayError> {
        let bytes = disk.read();
        let (bodies, whole) = parse(&bytes);
        disk.truncate(whole);
        let mut replayer = Replayer::new(MemoryStore::default());
        for body in &bodies {
            replayer.push(body).await?;
        }
        let (memory, _) = replayer.finish().await?;
        Ok(Self { memory, disk: disk.clone() })
    }
}

/// The record bodies in `bytes`, and how many bytes of it are whole batches.
fn parse(bytes: &[u8]) -> (Vec<Vec<u8>>, usize) {
    let (mut bodies, mut at) = (Vec::new(), 0);
    while let Some((head, rest)) = bytes[at..].split_at_checked(HEAD) {
        let len = u32::from_be_bytes([head[0], head[1], head[2], head[3]]) as usize;
        let Some(payload) =
            rest.get(..len).filter(|payload| Sha256::digest(payload)[..8] == head[4..])
        else {
            break;
        };
        bodies.extend(
            payload
                .split(|byte| *byte == b'\n')
                .filter(|body| !body.is_empty())
                .map(<[u8]>::to_vec),
        );
        at += HEAD + len;
    }
    (bodies, at)
}

/// The records on `disk`, each with its place in its event's ledger by the order in which they lie
/// there.
#[must_use]
pub fn records(disk: &Disk) -> Vec<Entry> {
    let (bodies, _) = parse(&disk.read());
    let mut next = std::collections::HashMap::<_, u64>::new();
    let entries = bodies.into_iter().filter_map(|body| {
        let event = inventory::ledger::Record::from_body(&body).ok()?.event;
        let seq = next.entry(event.clone()).or_default();
        *seq += 1;
        Some(Entry { event, seq: *seq, body })
    });
    entries.collect()
}

fn frame(set: &WorkingSet) -> Vec<u8> {
    let payload: Vec<u8> =
        set.records.iter().flat_map(|(_, body)| body.iter().copied().chain(*b"\n")).collect();
    let len = u32::try_from(payload.len()).unwrap_or(u32::MAX);
    [&len.to_be_bytes(), &Sha256::digest(&payload)[..8], &payload].concat()
}

impl Store for SimStore {
    async fn load(&mut self, reads: &ReadSet, now_ms: TimeMs) -> Result<WorkingSet, StoreError> {
        self.memory.load(reads, now_ms).await
    }

    async fn commit(
        &mut self,
        set: WorkingSet,
        durability: Durability,
    ) -> Result<Vec<EventView>, StoreError> {
        let failed = |error: std::io::Error| StoreError::Failed(error.to_string().into());
        if !set.records.is_empty() {
            self.disk.write(&frame(&set)).await.map_err(failed)?;
            if durability == Durability::Synced {
                self.disk.sync().await.map_err(failed)?;
            }
        }
        self.memory.commit(set, durability).await
    }

    fn reader(&self) -> Arc<dyn Reader> {
        self.memory.reader()
    }
}

impl OwnedStore for SimStore {
    fn views(&self) -> Vec<EventView> {
        self.memory.views()
    }

    fn due_events(&self, now_ms: TimeMs) -> (Vec<inventory::EventName>, Option<TimeMs>) {
        self.memory.due_events(now_ms)
    }
}
