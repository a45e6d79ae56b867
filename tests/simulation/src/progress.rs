//! How far a simulation is: buyers buy, then an outage, then no more faults.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use checker::History;
use inventory::IdempotencyKey;
use rand::{SeedableRng, rngs::StdRng};
use tokio::time::Instant;

use crate::{
    purchase::Purchase,
    scenario::{BUYER_HOSTS, Scenario},
};

/// One step of the simulation.
pub const TICK: Duration = Duration::from_millis(2);
/// ticket sells again within this time of the end of the last fault.
pub const HEALS_IN: Duration = Duration::from_secs(5);
/// The length of the last outage.
const OUTAGE: Duration = Duration::from_secs(2);

/// Clones share the state.
#[derive(Clone, Default)]
pub struct Progress(Arc<State>);

#[derive(Default)]
struct State {
    hosts_done: AtomicU64,
    outage: AtomicBool,
    calm: AtomicBool,
    healed_in: Mutex<Option<Duration>>,
}

impl Progress {
    /// Whether the faults are over.
    #[must_use]
    pub fn is_calm(&self) -> bool {
        self.0.calm.load(Ordering::SeqCst)
    }

    /// Whether the last outage has begun: ticket does not reach vacancy, and nothing else fails.
    #[must_use]
    pub fn is_outage(&self) -> bool {
        self.0.outage.load(Ordering::SeqCst)
    }

    /// Time from the end of the last fault to the next sale; `None` when there was none.
    #[must_use]
    pub fn healed_in(&self) -> Option<Duration> {
        *self.0.healed_in.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The buyers of a host are done.
    pub fn host_done(&self) {
        self.0.hosts_done.fetch_add(1, Ordering::SeqCst);
    }

    /// Waits until all buyers are done; then buys during an outage, in which the breaker opens, and
    /// after it until something is sold or refused for good.
    ///
    /// # Errors
    /// When a key cannot be made.
    pub async fn finish(self, scenario: Scenario, history: History) -> turmoil::Result {
        while self.0.hosts_done.load(Ordering::SeqCst) < BUYER_HOSTS.len() as u64 {
            tokio::time::sleep(TICK).await;
        }
        self.0.outage.store(true, Ordering::SeqCst);
        let (mut since, mut rng) = (Instant::now(), StdRng::seed_from_u64(scenario.seed));
        for number in 0.. {
            if !self.is_calm() && since.elapsed() > OUTAGE {
                self.0.calm.store(true, Ordering::SeqCst);
                since = Instant::now();
            }
            let key = IdempotencyKey::new(&format!("last-{number}"))?;
            let asked = Purchase { qty: 1, key, duplicates: scenario.duplicates }
                .run(&history, &mut rng, 1);
            match tokio::time::timeout_at(since + HEALS_IN, asked).await {
                Ok((true, _)) if self.is_calm() => break,
                Ok(_) => tokio::time::sleep(Duration::from_millis(20)).await,
                Err(_) => return Ok(()),
            }
        }
        *self.0.healed_in.lock().unwrap_or_else(PoisonError::into_inner) = Some(since.elapsed());
        Ok(())
    }
}
