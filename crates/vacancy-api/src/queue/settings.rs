//! Settings of waiting rooms.

use inventory::{Limits, TimeMs};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use utoipa::ToSchema;

use crate::time;

/// How long a pass is valid by default, seconds.
const PASS_TTL_S: u64 = 600;
/// How long a called place may claim its pass by default, seconds.
const CLAIM_TTL_S: u64 = 60;

/// The settings of a waiting room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QueueSettings {
    /// When people can join: RFC 3339 with its offset.
    #[serde(with = "time::required")]
    #[schema(value_type = String, format = DateTime, example = "2036-01-01T08:30:00Z")]
    pub opens_at: TimeMs,
    /// Whether those who join before the sale opens get their turns by lot.
    #[serde(default)]
    pub draw: bool,
    /// The most people who choose at once. Default: as many as the tickets left suggest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1)]
    pub active_max: Option<u64>,
    /// How long a pass is valid, seconds, up to HOLD_TTL_MAX_S.
    #[serde(default = "pass_ttl_s")]
    #[schema(minimum = 1)]
    pub pass_ttl_s: u64,
    /// How long a called place may claim its pass, seconds, up to HOLD_TTL_MAX_S. Then its turn
    /// lapses.
    #[serde(default = "claim_ttl_s")]
    #[schema(minimum = 1)]
    pub claim_ttl_s: u64,
}

fn pass_ttl_s() -> u64 {
    PASS_TTL_S
}

fn claim_ttl_s() -> u64 {
    CLAIM_TTL_S
}

/// Why the settings of a waiting room are refused.
#[derive(Debug, Error)]
pub enum QueueError {
    /// A draw ends when the sale opens.
    #[error("queue: a draw needs opens_at of the event, after opens_at of the queue")]
    Opening,
    /// A number outside its limits.
    #[error("queue.{name} must be between 1 and {max}")]
    Range {
        /// The member.
        name: &'static str,
        /// The largest number.
        max: u64,
    },
}

impl QueueSettings {
    /// The settings as the ledger has them, of an event that opens at `opens_at_ms`.
    ///
    /// # Errors
    /// [`QueueError`] for the first thing that is wrong.
    pub fn checked(
        &self,
        limits: &Limits,
        opens_at_ms: Option<TimeMs>,
    ) -> Result<inventory::QueueSettings, QueueError> {
        if self.draw && opens_at_ms.is_none_or(|opens_at_ms| opens_at_ms <= self.opens_at) {
            return Err(QueueError::Opening);
        }
        let max = limits.hold_ttl_max_ms / 1_000;
        for (name, value) in [("pass_ttl_s", self.pass_ttl_s), ("claim_ttl_s", self.claim_ttl_s)] {
            if !(1..=max).contains(&value) {
                return Err(QueueError::Range { name, max });
            }
        }
        let (name, max) = ("active_max", limits.capacity_max);
        if self.active_max.is_some_and(|active_max| !(1..=max).contains(&active_max)) {
            return Err(QueueError::Range { name, max });
        }
        Ok(inventory::QueueSettings {
            active_max: self.active_max,
            claim_ttl_ms: self.claim_ttl_s * 1_000,
            draw: self.draw,
            opens_at_ms: self.opens_at,
            pass_ttl_ms: self.pass_ttl_s * 1_000,
        })
    }
}

impl From<&inventory::QueueSettings> for QueueSettings {
    fn from(settings: &inventory::QueueSettings) -> Self {
        Self {
            opens_at: settings.opens_at_ms,
            draw: settings.draw,
            active_max: settings.active_max,
            pass_ttl_s: settings.pass_ttl_ms / 1_000,
            claim_ttl_s: settings.claim_ttl_ms / 1_000,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(json: serde_json::Value, opens_at_ms: Option<TimeMs>) -> Option<String> {
        let settings: QueueSettings = match serde_json::from_value(json) {
            Ok(settings) => settings,
            Err(error) => return Some(error.to_string()),
        };
        settings.checked(&Limits::default(), opens_at_ms).err().map(|error| error.to_string())
    }

    #[test]
    fn queue_settings_are_checked() {
        let at = "2036-01-01T09:00:00Z";
        let opens_at_ms = Some(2_082_790_800_000);
        let with = |more: serde_json::Value| {
            let mut json = serde_json::json!({"opens_at": at});
            json.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            json
        };
        for (more, opens_at_ms) in [
            (serde_json::json!({}), None),
            (
                serde_json::json!({"draw": true, "active_max": 1, "pass_ttl_s": 3_600}),
                opens_at_ms.map(|at| at + 1),
            ),
            (serde_json::json!({"claim_ttl_s": 1, "active_max": 1_000_000_000}), None),
        ] {
            assert_eq!(refused(with(more), opens_at_ms), None);
        }
        for (more, opens_at_ms, why) in [
            (serde_json::json!({"draw": true}), None, "a draw needs opens_at"),
            (serde_json::json!({"draw": true}), opens_at_ms, "a draw needs opens_at"),
            (serde_json::json!({"pass_ttl_s": 0}), None, "queue.pass_ttl_s"),
            (serde_json::json!({"pass_ttl_s": 3_601}), None, "queue.pass_ttl_s"),
            (serde_json::json!({"claim_ttl_s": 3_601}), None, "queue.claim_ttl_s"),
            (serde_json::json!({"active_max": 0}), None, "queue.active_max"),
            (serde_json::json!({"active_max": 1_000_000_001_u64}), None, "queue.active_max"),
            (serde_json::json!({"opens_at": "soon"}), None, "RFC 3339"),
            (serde_json::json!({"opens_at": null}), None, "must be a time"),
            (serde_json::json!({"open_at": at}), None, "unknown field"),
        ] {
            let found = refused(with(more.clone()), opens_at_ms).unwrap_or_default();
            assert!(found.contains(why), "{more}: {found:?}");
        }
        let error = refused(serde_json::json!({}), None).unwrap_or_default();
        assert!(error.contains("opens_at"), "{error}");
    }
}
