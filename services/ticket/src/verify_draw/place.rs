//! The place of the person who verifies.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use draw_verifier::Leaf;
use inventory::EventName;
use serde::Deserialize;
use thiserror::Error;

/// The longest token, characters.
const TOKEN_CHARS_MAX: usize = 2_048;

/// Why a place cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PlaceError {
    /// It is something else.
    #[error("this is no place of a waiting room")]
    Malformed,
    /// It is of another event.
    #[error("this is a place of event {0:?}")]
    Event(String),
    /// It is of another waiting room of the event.
    #[error("this is a place of an earlier waiting room of the event, {of}, and not of {current}")]
    Queue {
        /// The waiting room of the place.
        of: u64,
        /// The waiting room of the event.
        current: u64,
    },
}

/// A place. Its signature does not matter here: what counts is whether the draw has its leaf.
#[derive(Debug)]
pub struct Place {
    /// As the service gave it.
    pub token: String,
    /// Its number in the order of joining, from 0.
    pub index: u64,
    /// What the draw has of it.
    pub leaf: Leaf,
    /// Its waiting room.
    pub queue: u64,
}

/// The payload of a token.
#[derive(Deserialize)]
struct Claims {
    #[serde(rename = "e")]
    event: String,
    #[serde(rename = "i")]
    index: u64,
    #[serde(rename = "l")]
    leaf: Leaf,
    #[serde(rename = "q")]
    queue: u64,
}

impl Place {
    /// The place of `token`, which must be one of `event`.
    ///
    /// # Errors
    /// [`PlaceError`].
    pub fn of(token: &str, event: &EventName) -> Result<Self, PlaceError> {
        let token = token.trim();
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        if token.len() > TOKEN_CHARS_MAX || !token.bytes().all(is_token) {
            return Err(PlaceError::Malformed);
        }
        let [_, payload, _] = token.split('.').collect::<Vec<_>>()[..] else {
            return Err(PlaceError::Malformed);
        };
        let payload = BASE64_URL_SAFE_NO_PAD.decode(payload).map_err(|_| PlaceError::Malformed)?;
        let claims: Claims = serde_json::from_slice(&payload).map_err(|_| PlaceError::Malformed)?;
        let Claims { event: of_event, index, leaf, queue } = claims;
        if of_event != event.as_str() {
            return Err(PlaceError::Event(of_event));
        }
        Ok(Self { token: token.to_owned(), index, leaf, queue })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn place_is_read_from_its_token_and_nothing_else_is() {
        let event = EventName::new("gala").unwrap();
        let leaf = "A".repeat(43);
        let payload = format!(r#"{{"e":"gala","i":7,"l":"{leaf}","q":3}}"#);
        let token = format!("e30.{}.c2ln", BASE64_URL_SAFE_NO_PAD.encode(&payload));
        let place = Place::of(&format!("{token}\n"), &event).unwrap();
        assert_eq!((place.token, place.index, place.queue), (token.clone(), 7, 3));
        let other = EventName::new("opera").unwrap();
        assert_eq!(Place::of(&token, &other).unwrap_err(), PlaceError::Event("gala".to_owned()));
        for wrong in ["", "a.b", "a.b.c", &token[4..], &format!("{token}&x=1"), "e30.e30.e30"] {
            assert_eq!(Place::of(wrong, &event).unwrap_err(), PlaceError::Malformed, "{wrong}");
        }
    }
}
