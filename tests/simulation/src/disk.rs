//! A file that outlives its process. A loss of power leaves its synced bytes and a part of the
//! rest.

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use rand::{RngExt, SeedableRng, rngs::StdRng};

/// The next fault of the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiskFault {
    /// A write fails after a part of it.
    TornWrite,
    /// A write fails as a whole: no space.
    FailedWrite,
    /// A sync fails. The bytes may be lost, and later syncs succeed all the same.
    FailedSync,
}

#[derive(Debug)]
struct State {
    synced: Vec<u8>,
    /// Written, and in the page cache.
    cached: Vec<u8>,
    fault: Option<DiskFault>,
    sticky: bool,
    rng: StdRng,
}

/// Clones share the file.
#[derive(Debug, Clone)]
pub struct Disk(Arc<Mutex<State>>);

impl Disk {
    /// An empty file.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let rng = StdRng::seed_from_u64(seed);
        Self(Arc::new(Mutex::new(State {
            synced: Vec::new(),
            cached: Vec::new(),
            fault: None,
            sticky: false,
            rng,
        })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next write or sync fails; all of them do when `sticky`, until the process starts again.
    pub fn break_next(&self, fault: DiskFault, sticky: bool) {
        let mut state = self.state();
        (state.fault, state.sticky) = (Some(fault), sticky);
    }

    /// No more faults.
    pub fn mend(&self) {
        let mut state = self.state();
        (state.fault, state.sticky) = (None, false);
    }

    /// The machine loses power: a part of the unsynced bytes stays, sometimes with damage at its
    /// end.
    pub fn lose_power(&self) {
        let mut state = self.state();
        let len = state.cached.len();
        let kept = state.rng.random_range(0..=len);
        let mut tail = state.cached[..kept].to_vec();
        let flips = state.rng.random_bool(0.3);
        if flips && let Some(last) = tail.last_mut() {
            *last ^= 0x10;
        }
        state.synced.extend(tail);
        state.cached.clear();
    }

    /// All bytes, as a process reads them when it starts.
    #[must_use]
    pub fn read(&self) -> Vec<u8> {
        let state = self.state();
        [&state.synced[..], &state.cached].concat()
    }

    /// Cuts the file behind its first `len` bytes, durably.
    pub fn truncate(&self, len: usize) {
        let mut state = self.state();
        let mut all = std::mem::take(&mut state.synced);
        all.append(&mut state.cached);
        all.truncate(len);
        state.synced = all;
    }

    /// Appends, after a random pause.
    ///
    /// # Errors
    /// After [`Disk::break_next`].
    pub async fn write(&self, bytes: &[u8]) -> io::Result<()> {
        let pause_us = self.state().rng.random_range(50..1_500);
        tokio::time::sleep(Duration::from_micros(pause_us)).await;
        let mut state = self.state();
        match state.take_fault(|fault| fault != DiskFault::FailedSync) {
            None => {
                state.cached.extend_from_slice(bytes);
                Ok(())
            }
            Some(DiskFault::TornWrite) => {
                let kept = state.rng.random_range(0..bytes.len());
                state.cached.extend_from_slice(&bytes[..kept]);
                Err(io::Error::other("the write was torn"))
            }
            Some(_) => Err(io::Error::other("no space left")),
        }
    }

    /// Makes the written bytes durable, after a random pause.
    ///
    /// # Errors
    /// After [`Disk::break_next`].
    pub async fn sync(&self) -> io::Result<()> {
        let pause_us = self.state().rng.random_range(200..6_000);
        tokio::time::sleep(Duration::from_micros(pause_us)).await;
        let mut state = self.state();
        if state.take_fault(|fault| fault == DiskFault::FailedSync).is_some() {
            // As a page cache does: it marks the pages clean, and they may be lost.
            if state.rng.random_bool(0.5) {
                state.cached.clear();
            }
            return Err(io::Error::other("the sync failed"));
        }
        let cached = std::mem::take(&mut state.cached);
        state.synced.extend(cached);
        Ok(())
    }
}

impl State {
    fn take_fault(&mut self, mine: impl Fn(DiskFault) -> bool) -> Option<DiskFault> {
        let fault = self.fault.filter(|fault| mine(*fault))?;
        if !self.sticky {
            self.fault = None;
        }
        Some(fault)
    }
}
