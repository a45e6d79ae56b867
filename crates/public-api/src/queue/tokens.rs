//! The tokens of places and passes, in the headers of requests.

use std::convert::Infallible;

use axum::{
    extract::{FromRef, FromRequestParts},
    http::request::Parts,
};
use draw::Leaf;
use http::HeaderName;
use http_server::Problem;
use inventory::{EventName, HoldId, PassUse, TimeMs};
use signing::{PassClaims, PlaceClaims, SigningKeys, TokenType};
use uuid::Uuid;
use vacancy_api::place_invalid;

use crate::state::PublicState;

const QUEUE_PLACE: HeaderName = HeaderName::from_static("queue-place");
const QUEUE_PASS: HeaderName = HeaderName::from_static("queue-pass");

/// A place whose token was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlaceToken {
    /// The event.
    pub event: String,
    /// The waiting room.
    pub queue: u64,
    /// The place.
    pub leaf: Leaf,
    /// Its number in the order of joining.
    pub index: u64,
}

impl PlaceToken {
    /// Signs it.
    pub fn sign(&self, keys: &SigningKeys) -> String {
        let claims = PlaceClaims {
            event: self.event.clone(),
            index: self.index,
            leaf: self.leaf.to_string(),
            queue: self.queue,
        };
        keys.sign(TokenType::Place, &claims)
    }

    /// The place of `token`, which must be one of waiting room `queue` of `event`.
    ///
    /// # Errors
    /// A 401 problem.
    pub fn verified(
        keys: &SigningKeys,
        token: &str,
        event: &EventName,
        queue: u64,
    ) -> Result<Self, Problem> {
        let claims: PlaceClaims =
            keys.verify(TokenType::Place, token).map_err(|_| place_invalid())?;
        let leaf = claims.leaf.parse().map_err(|_| place_invalid())?;
        let PlaceClaims { event: of_event, queue: of_queue, index, .. } = claims;
        if of_event != event.as_str() || of_queue != queue {
            return Err(place_invalid());
        }
        Ok(Self { event: of_event, queue, leaf, index })
    }
}

/// The token in `Queue-Place`, not verified.
#[derive(Debug, Clone)]
pub struct QueuePlace(pub String);

impl<S: Sync> FromRequestParts<S> for QueuePlace {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let token = parts.headers.get(QUEUE_PLACE).and_then(|value| value.to_str().ok());
        token.map(|token| Self(token.to_owned())).ok_or_else(place_invalid)
    }
}

/// The pass in `Queue-Pass`. One that is not valid is none: whether a call needs one depends on its
/// event.
#[derive(Debug, Clone)]
pub struct QueuePass(Option<PassClaims>);

impl QueuePass {
    /// The pass with this token. One that is not valid is none.
    #[must_use]
    pub fn verified(app: &PublicState, token: &str) -> Self {
        let keys = app.signing_keys();
        Self(keys.and_then(|keys| keys.verify(TokenType::Pass, token).ok()))
    }

    /// The pass, if it is one of `event`.
    pub fn of(self, event: &EventName) -> Option<Box<PassUse>> {
        let claims = self.0.filter(|claims| claims.event == event.as_str())?;
        Some(Box::new(PassUse {
            leaf: claims.leaf.parse().ok()?,
            pass: HoldId::from_bytes(claims.pass.into_bytes()),
            queue: claims.queue,
        }))
    }

    /// Signs the pass of a place.
    pub fn sign(keys: &SigningKeys, place: &PlaceToken, pass: HoldId, until_ms: TimeMs) -> String {
        let claims = PassClaims {
            event: place.event.clone(),
            expires_at_s: until_ms.div_ceil(1_000),
            leaf: place.leaf.to_string(),
            pass: Uuid::from_bytes(*pass.as_bytes()),
            queue: place.queue,
        };
        keys.sign(TokenType::Pass, &claims)
    }
}

impl<S: Sync> FromRequestParts<S> for QueuePass
where
    PublicState: FromRef<S>,
{
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let token = parts.headers.get(QUEUE_PASS).and_then(|value| value.to_str().ok());
        let app = PublicState::from_ref(state);
        Ok(token.map_or(Self(None), |token| Self::verified(&app, token)))
    }
}
