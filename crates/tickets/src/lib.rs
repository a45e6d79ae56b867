//! Signed tickets.
//!
//! A [`Ticket`] names one ticket of a reservation. Its text is `TKT1:` and base45 (RFC 9285) of a
//! COSE_Sign1 (RFC 9052) by Ed25519 over CWT claims (RFC 8392), so that a QR code of version 8 at
//! most holds it, at error correction M. The same ticket has the same text for ever:
//!
//! ```
//! use signing::SigningKeys;
//! use tickets::Ticket;
//!
//! let keys = SigningKeys::from_jwks(&SigningKeys::generate([7; 32]))?;
//! let reservation = "0190c8a6-51e3-7d05-8cb7-3a3f4c1e9b77".parse()?;
//! let ticket = Ticket::new("opera", reservation, "general", 1);
//! let text = ticket.sign(&keys);
//! assert_eq!(Ticket::verify(&keys, &text)?, ticket);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![warn(missing_docs)]

mod claims;
mod image;
mod name;
mod text;
mod ticket;

pub use image::{ImageError, png, svg};
pub use name::ShortName;
pub use text::{TEXT_BYTES_MAX, TicketError};
pub use ticket::Ticket;
