//! Keys and tickets of the tests.

use signing::SigningKeys;
use tickets::Ticket;
use uuid::Uuid;

/// When the reservation was made, seconds since 1970.
pub const SOLD_AT_S: u64 = 1_721_315_726;

pub fn keys(random: u8) -> SigningKeys {
    SigningKeys::from_jwks(&SigningKeys::generate([random; 32])).unwrap()
}

pub fn reservation() -> Uuid {
    "0190c669-9660-7d05-8cb7-3a3f4c1e9b77".parse().unwrap()
}

pub fn ticket() -> Ticket {
    Ticket::new("opera", reservation(), "general", 1)
}
