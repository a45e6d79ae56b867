//! How deliveries to a receiver go.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The longest text of an error, characters.
const ERROR_CHARS_MAX: usize = 300;

/// How deliveries to a receiver go.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryState {
    /// Failures since the last success.
    #[serde(default)]
    pub failures: u32,
    /// The time of the first of them, milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing_since_ms: Option<u64>,
    /// Why the last one failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    /// When it is tried again, milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_attempt_ms: Option<u64>,
    /// The time of the last success, milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivered_at_ms: Option<u64>,
    /// Whether nothing is delivered until its owner says so.
    #[serde(default)]
    pub paused: bool,
}

impl DeliveryState {
    /// Reads what a store has. What cannot be read is a new state.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_default()
    }

    /// Its text for a store.
    #[must_use]
    pub fn to_text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// After a success at `now_ms`.
    pub fn succeed(&mut self, now_ms: u64) {
        *self = Self { delivered_at_ms: Some(now_ms), ..Self::default() };
    }

    /// After a failure at `now_ms`, with the next attempt after `pause`. It pauses when the
    /// receiver is gone, or has failed for `pause_after`.
    pub fn fail(
        &mut self,
        now_ms: u64,
        error: &str,
        pause: Duration,
        is_gone: bool,
        pause_after: Duration,
    ) {
        let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let since_ms = *self.failing_since_ms.get_or_insert(now_ms);
        self.failures = self.failures.saturating_add(1);
        self.last_error = Some(error.chars().take(ERROR_CHARS_MAX).collect());
        self.next_attempt_ms = Some(now_ms.saturating_add(ms(pause)));
        self.paused |= is_gone || now_ms.saturating_sub(since_ms) >= ms(pause_after);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    #[test]
    fn receivers_pause_when_they_are_gone_or_fail_for_long() {
        let second = Duration::from_secs(1);
        let mut state = DeliveryState::default();
        state.fail(1_000, "refused", second, false, DAY);
        state.fail(5_000, "refused", second, false, DAY);
        assert_eq!((state.failures, state.failing_since_ms, state.paused), (2, Some(1_000), false));
        assert_eq!(state.next_attempt_ms, Some(6_000));
        assert_eq!(DeliveryState::parse(&state.to_text()), state);
        state.fail(86_401_000, "refused", second, false, DAY);
        assert!(state.paused);
        state.succeed(9);
        assert_eq!(state, DeliveryState { delivered_at_ms: Some(9), ..DeliveryState::default() });
        state.fail(10, "410", second, true, DAY);
        assert!(state.paused);
    }
}
