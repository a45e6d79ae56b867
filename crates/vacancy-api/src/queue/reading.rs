//! Waiting rooms as they travel inside the system, from vacancy to ticket.

use draw::{Digest, Threshold};
use inventory::{
    HoldId, TimeMs,
    domain::{BeaconRound, DrawRule, Event, Frozen, Queue, Revealed},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A waiting room as it travels inside the system, from vacancy to ticket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QueueReading {
    /// Identifies the waiting room: the `seq` of the record that set it up.
    pub id: u64,
    /// When the sale opens, milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opens_at_ms: Option<TimeMs>,
    /// How many places there are.
    pub joined: u64,
    /// The last turn that was called.
    pub serving: u64,
    /// The last of the draw's places with these turns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub upto: Option<Threshold>,
    /// Whether nobody is called for now.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub paused: bool,
    /// Calls per hour, lately; none when nobody was called lately.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calls_per_h: Option<u64>,
    /// The draw, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub draw: Option<DrawReading>,
}

/// A draw as it travels inside the system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DrawReading {
    /// What was committed to.
    pub committed: DrawCommitted,
    /// How many places take part.
    pub n: u64,
    /// The end of joining.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub frozen: Option<Frozen>,
    /// The order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub revealed: Option<Revealed>,
}

/// What a draw commits to before anybody joins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DrawCommitted {
    /// The `seq` of its record.
    pub seq: u64,
    /// The SHA-256 of the seed, hexadecimal.
    #[schema(value_type = String)]
    pub commitment: Digest,
    /// Identifies the draw.
    #[schema(value_type = String, format = Uuid)]
    pub draw: HoldId,
    /// The signing key that the seed follows from.
    pub key_id: String,
    /// The round of a public beacon that takes part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub beacon: Option<BeaconRound>,
    /// How the order is computed.
    #[schema(value_type = String)]
    pub rule: DrawRule,
}

impl QueueReading {
    /// The waiting room of `event` at `now_ms`, if it has one.
    #[must_use]
    pub fn of(event: &Event, now_ms: TimeMs) -> Option<Self> {
        let queue = event.queue.as_ref()?;
        Some(Self {
            id: queue.id,
            opens_at_ms: event.settings.opens_at_ms,
            joined: queue.joined,
            serving: queue.called.serving,
            upto: queue.called.upto,
            paused: queue.paused,
            calls_per_h: calls_per_h(queue, now_ms),
            draw: queue.draw.as_ref().map(|draw| DrawReading {
                committed: DrawCommitted {
                    seq: draw.committed_seq,
                    commitment: draw.commitment.commitment,
                    draw: draw.commitment.draw,
                    key_id: draw.commitment.key_id.clone(),
                    beacon: draw.commitment.beacon.clone(),
                    rule: draw.commitment.rule,
                },
                n: draw.tree.len(),
                frozen: draw.frozen,
                revealed: draw.revealed.clone(),
            }),
        })
    }
}

/// The shortest time over which calls are counted, milliseconds.
const RATE_MS_MIN: u64 = 5_000;

fn calls_per_h(queue: &Queue, now_ms: TimeMs) -> Option<u64> {
    let first = queue.calls.first()?;
    let turns = queue.called.serving - queue.lapsed.serving;
    let elapsed_ms = now_ms.saturating_sub(first.since_ms).max(RATE_MS_MIN);
    Some(turns.saturating_mul(3_600_000) / elapsed_ms).filter(|calls| *calls > 0)
}
