//! The counts of an event by which places are called.

use admission::Slots;
use inventory::{
    TimeMs,
    domain::{Event, Queue},
};

/// In this time half of those who still come after they were called have come, milliseconds.
const CLAIM_HALF_LIFE_MS: f64 = 4_000.0;
/// In this part of a pass's time half of those who still use it have used it.
const PASS_HALF_LIFE: f64 = 0.25;

/// The counts by which places are called.
pub fn slots_of(event: &Event, queue: &Queue, at_ms: TimeMs) -> Slots {
    let (left, in_baskets) = event.left_and_held();
    let lapsed = queue.lapsed_at(at_ms);
    let active = queue.passes.active(at_ms);
    Slots {
        active_max: event.settings.queue.as_ref().map(inventory::QueueSettings::active_max),
        left,
        in_baskets,
        active,
        idle: active as f64 - choosing(event, queue, at_ms),
        outstanding: expected(queue, at_ms),
        waiting: queue.joined - queue.called.serving,
        lapsed_called: lapsed.serving,
        lapsed_claimed: lapsed.claimed,
        finished: queue.passes.claimed.saturating_sub(active),
        spent: queue.passes.spent,
        taken: queue.passes.taken,
    }
}

/// How many of the called places without a pass may still come: the longer ago they were called,
/// the fewer.
fn expected(queue: &Queue, at_ms: TimeMs) -> f64 {
    let mut before = queue.lapsed_at(at_ms).serving;
    let calls = queue.calls.iter().filter(|call| call.until_ms > at_ms);
    let expected = calls.map(|call| {
        let unclaimed = (call.upto.serving - before).saturating_sub(call.upto.claimed);
        before = call.upto.serving;
        let age_ms = at_ms.saturating_sub(call.since_ms) as f64;
        unclaimed as f64 * (-age_ms / CLAIM_HALF_LIFE_MS).exp2()
    });
    expected.sum()
}

/// How many of the active passes may still be used: the older they are, the fewer.
fn choosing(event: &Event, queue: &Queue, at_ms: TimeMs) -> f64 {
    let ttl_ms = event.settings.queue.as_ref().map_or(0, |queue| queue.pass_ttl_ms);
    let half_life_ms = (ttl_ms as f64 * PASS_HALF_LIFE).max(1.0);
    let open = queue.passes.open.range(at_ms + 1..);
    let choosing = open.map(|(until_ms, open)| {
        let left_ms = until_ms - at_ms;
        let age_ms = ttl_ms.saturating_sub(left_ms) as f64;
        *open as f64 * (-age_ms / half_life_ms).exp2()
    });
    choosing.sum()
}

#[cfg(test)]
mod tests {
    use inventory::{EventName, EventSettings, QueueSettings};

    use super::*;

    #[test]
    fn old_passes_count_less_and_new_ones_in_full() {
        let settings = QueueSettings {
            active_max: None,
            claim_ttl_ms: 60_000,
            draw: false,
            opens_at_ms: 0,
            pass_ttl_ms: 600_000,
        };
        let settings = EventSettings { queue: Some(settings), ..EventSettings::default() };
        let name = EventName::new("gala").expect("a name");
        let event = Event { settings, ..Event::empty(name) };
        let mut queue = Queue::new(1);
        queue.passes.open.insert(600_000, 40);
        let counts = [0, 150_000, 300_000, 450_000].map(|at_ms| choosing(&event, &queue, at_ms));
        for (count, expected) in counts.into_iter().zip([40.0, 20.0, 10.0, 5.0]) {
            assert!((count - expected).abs() < 1e-9, "{counts:?}");
        }
        assert!(choosing(&event, &queue, 600_000).abs() < 1e-9);
    }
}
