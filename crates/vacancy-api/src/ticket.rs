//! Signed tickets, and the keys that verify them.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// One ticket of a reservation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SignedTicket {
    /// What a gate reads: `TKT1:`, and base45 of a COSE_Sign1 over the claims of the ticket. It is
    /// the same text for ever.
    #[schema(example = "TKT1:RRQT 9P60GO086ATLQV5TG3R8CK965EJ0/3E5$C:DC")]
    pub ticket: String,
    /// Its stock.
    pub stock: String,
    /// Its number within the stock of the reservation, from 1.
    #[schema(minimum = 1)]
    pub n: u64,
    /// The path of its QR code. With `.png` in the place of `.svg`, the path of that image.
    pub qr: String,
}

/// The ticket in a path.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub struct TicketImageParam {
    /// The number of the ticket, and the format
    #[param(pattern = r"^[1-9][0-9]{0,18}\.(svg|png)$")]
    pub image: String,
}

/// A JWK Set (RFC 7517) with the public keys of tickets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TicketKeySet {
    /// The keys.
    pub keys: Vec<TicketKey>,
}

/// A public key of Ed25519 (RFC 8037).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TicketKey {
    /// `OKP`.
    pub kty: String,
    /// `Ed25519`.
    pub crv: String,
    /// `EdDSA`.
    pub alg: String,
    /// `sig`.
    pub r#use: String,
    /// Its id.
    pub kid: String,
    /// Its id in tickets: 8 bytes in Base64url.
    pub ticket_kid: String,
    /// The key in Base64url.
    pub x: String,
}
