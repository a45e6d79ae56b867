//! Random histories of a sale with a waiting list, against a model of its own.

mod history;
mod model;

use std::collections::BTreeMap;

use history::History;
use rand::{SeedableRng, rngs::StdRng};

const HISTORIES: u64 = 120;
const STEPS: usize = 200;

/// The cases, and how often all histories together meet each at least.
const CASES: [(&str, u64); 21] = [
    ("joined", 1_000),
    ("refused to join", 600),
    ("left", 80),
    ("left with something kept", 6),
    ("offered", 700),
    ("offered over another", 300),
    ("passed over nobody", 20),
    ("counted for one that is not the first", 20),
    ("kept", 60),
    ("kept of both stocks at once", 2),
    ("offered what was kept", 15),
    ("left what was kept", 1),
    ("passed over ten times", 15),
    ("kept for one that is not the first", 1),
    ("offered with an expiry", 150),
    ("offered with a capacity", 20),
    ("offered with a limit", 4),
    ("offered with a refund", 400),
    ("late and confirmed", 6),
    ("late and refused", 6),
    ("closed with something there", 200),
];

#[tokio::test]
async fn no_entry_waits_for_what_is_there() {
    let mut met = BTreeMap::new();
    for seed in 0..HISTORIES {
        let mut history = History::new(StdRng::seed_from_u64(seed), seed % 2 == 1).await;
        for step in 0..STEPS {
            history.step().await;
            history.check(&format!("seed {seed}, step {step}")).await;
        }
        history.check_ledger().await;
        for (case, count) in history.model.met {
            *met.entry(case).or_insert(0) += count;
        }
    }
    for (case, least) in CASES {
        let found = met.get(case).copied().unwrap_or(0);
        assert!(found >= least, "{case}: met {found} times; {met:?}");
    }
}
