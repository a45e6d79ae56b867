//! Large queues.

use std::time::{Duration, Instant};

use crate::{
    builder::verify,
    honest::{Honest, SMALL},
};

#[test]
fn hundred_thousand_places_are_verified_in_time() {
    let large =
        Honest { participants: 100_000, late: 100, step: 500, steps: 2, batch: 500, ..SMALL };
    let bodies = large.ledger().bodies();
    let start = Instant::now();
    let report = verify(&bodies).unwrap();
    let took = start.elapsed();
    assert_eq!((report.queues[0].participants, report.queues[0].serving), (100_000, 1_000));
    // Without optimisation, on a busy machine.
    assert!(took < Duration::from_secs(60), "it took {took:?}");
}
