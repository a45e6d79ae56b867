//! Places and passes.

use draw::Leaf;
use inventory::{TimeMs, domain::Event};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::time::rfc3339;

/// The body of a request to join a waiting room.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct JoinQueueBody {
    /// The solution of the challenge for this Idempotency-Key, base64, where joins need one.
    #[schema(max_length = 2048)]
    pub work: Option<String>,
}

/// A challenge, in the format of ALTCHA.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct WorkChallenge {
    /// `SHA-256`.
    pub algorithm: String,
    /// The hash to find, hexadecimal.
    pub challenge: String,
    /// The largest number to try.
    pub maxnumber: u64,
    /// What precedes the number.
    pub salt: String,
    /// Comes back with the solution.
    pub signature: String,
}

/// How far a place has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PlaceState {
    /// It is not its turn yet.
    Waiting,
    /// It can claim its pass, or has one.
    Called,
    /// It did not claim its pass in time, or did not use it.
    Expired,
    /// Its pass was used.
    Done,
}

/// A new place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PlaceReceipt {
    /// The place, signed. Its holder owns the place.
    pub place: String,
    /// `waiting`.
    pub state: PlaceState,
    /// Its turn, from 1; null until the draw.
    pub n: Option<u64>,
}

/// A place as it is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PlaceStatus {
    /// Its turn, from 1; null until the draw.
    pub n: Option<u64>,
    /// How far it has come.
    pub state: PlaceState,
    /// How many places are called before it; null until the draw.
    pub ahead: Option<u64>,
    /// Until when it can claim its pass, or use it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub until: Option<String>,
}

/// A pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PassReceipt {
    /// The pass, signed, for the header `Queue-Pass` of one hold or purchase.
    pub pass: String,
    /// When it expires, RFC 3339.
    #[schema(format = DateTime)]
    pub expires_at: String,
}

/// A called place, as vacancy knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlaceReading {
    /// How far it has come.
    pub place_state: PlaceState,
    /// Until when it can claim its pass, or use it, milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_ms: Option<TimeMs>,
}

impl PlaceReading {
    /// `place` of `event` at `now_ms`. `None`: the event has no waiting room.
    #[must_use]
    pub fn of(
        event: &Event,
        leaf: &Leaf,
        place: &inventory::domain::Place,
        now_ms: TimeMs,
    ) -> Option<Self> {
        use inventory::domain::PlaceCall;
        let (queue, now_ms) = (event.queue.as_ref()?, event.ledger_time(now_ms));
        let (place_state, until_ms) = match place.pass {
            Some(pass) if pass.spent_on.is_some() => (PlaceState::Done, None),
            Some(pass) if pass.is_spent(now_ms) => (PlaceState::Expired, None),
            Some(pass) => (PlaceState::Called, Some(pass.expires_at_ms)),
            None => match queue.place_call(queue.turn(leaf, place.index), now_ms) {
                PlaceCall::Waiting => (PlaceState::Waiting, None),
                PlaceCall::Called(until_ms) => (PlaceState::Called, Some(until_ms)),
                PlaceCall::Lapsed => (PlaceState::Expired, None),
            },
        };
        Some(Self { place_state, until_ms })
    }
}

impl PlaceStatus {
    /// The status of a place with turn `n` that is not called yet.
    #[must_use]
    pub fn waiting(n: Option<u64>, serving: u64) -> Self {
        let ahead = n.map(|n| n.saturating_sub(serving).saturating_sub(1));
        Self { n, state: PlaceState::Waiting, ahead, until: None }
    }

    /// The status of a called place with turn `n`.
    #[must_use]
    pub fn called(n: Option<u64>, place: &PlaceReading) -> Self {
        let until = place.until_ms.map(rfc3339);
        Self { n, state: place.place_state, ahead: Some(0), until }
    }
}
