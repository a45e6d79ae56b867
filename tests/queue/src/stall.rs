//! Finds the longest time in which a sale stood still although it could have moved.

/// What was seen of a sale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// Tickets that can be held, and places that are not called yet.
    State { left: u64, waiting: u64 },
    /// A call, a claim, a hold or a confirmation.
    Moved,
}

/// A time without a movement.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stall {
    pub ms: u64,
    /// When it began.
    pub at_ms: u64,
}

impl Stall {
    /// In seconds, and how long after `opened_ms`.
    pub fn text(&self, opened_ms: u64) -> String {
        let after_s = self.at_ms.saturating_sub(opened_ms) as f64 / 1_000.0;
        format!("{:.2} s, from {after_s:.1} s after the opening", self.ms as f64 / 1_000.0)
    }
}

/// The longest time without [`Signal::Moved`] while tickets were left and people waited. `signals`
/// have the times at which they were seen, in order.
pub fn longest(signals: impl IntoIterator<Item = (u64, Signal)>) -> Stall {
    let (mut longest, mut since, mut last_ms) = (Stall::default(), None, 0);
    let mut end = |since: Option<u64>, now_ms: u64| {
        let Some(at_ms) = since else { return };
        let ms = now_ms.saturating_sub(at_ms);
        if ms > longest.ms {
            longest = Stall { ms, at_ms };
        }
    };
    for (now_ms, signal) in signals {
        last_ms = now_ms;
        match signal {
            Signal::Moved if since.is_some() => {
                end(since, now_ms);
                since = Some(now_ms);
            }
            Signal::Moved => {}
            Signal::State { left, waiting } if left > 0 && waiting > 0 => {
                since = since.or(Some(now_ms));
            }
            Signal::State { .. } => end(since.take(), now_ms),
        }
    }
    end(since, last_ms);
    longest
}

#[cfg(test)]
mod tests {
    use super::*;

    const COULD_MOVE: Signal = Signal::State { left: 3, waiting: 1 };
    const NOTHING_LEFT: Signal = Signal::State { left: 0, waiting: 1 };
    const NOBODY_WAITS: Signal = Signal::State { left: 3, waiting: 0 };

    #[test]
    fn only_the_time_in_which_a_sale_could_move_counts() {
        let signals = [
            (0, Signal::Moved),
            (9_000, COULD_MOVE),
            (9_500, COULD_MOVE),
            (11_000, Signal::Moved),
            (11_100, NOTHING_LEFT),
            (31_000, COULD_MOVE),
            (31_500, NOBODY_WAITS),
            (60_000, Signal::Moved),
        ];
        assert_eq!(longest(signals), Stall { ms: 2_000, at_ms: 9_000 });
    }

    #[test]
    fn a_stall_at_the_end_is_found() {
        let signals = [(0, COULD_MOVE), (100, Signal::Moved), (7_000, COULD_MOVE)];
        assert_eq!(longest(signals), Stall { ms: 6_900, at_ms: 100 });
    }
}
