//! The claims of a ticket, as CWT (RFC 8392): `aud` is the event, the private claims `r`, `s` and
//! `n` are the reservation, the stock and the number.

use ciborium::Value;
use coset::{
    CborSerializable, RegisteredLabelWithPrivate,
    cwt::{ClaimsSet, ClaimsSetBuilder},
};
use uuid::Uuid;

use crate::{name::ShortName, ticket::Ticket};

const RESERVATION: &str = "r";
const STOCK: &str = "s";
const NUMBER: &str = "n";

/// The claims in CBOR.
pub fn encode(ticket: &Ticket) -> Vec<u8> {
    let claims = ClaimsSetBuilder::new()
        .audience(ticket.event.to_string())
        .text_claim(NUMBER.to_owned(), Value::from(ticket.n))
        .text_claim(RESERVATION.to_owned(), Value::from(&ticket.reservation.as_bytes()[..]))
        .text_claim(STOCK.to_owned(), Value::from(ticket.stock.as_str()))
        .build();
    let Ok(bytes) = claims.to_vec() else { unreachable!("these claims have a form in CBOR") };
    bytes
}

/// The ticket with these claims; `None` where they are none of a ticket.
pub fn decode(bytes: &[u8]) -> Option<Ticket> {
    let claims = ClaimsSet::from_slice(bytes).ok()?;
    let find = |wanted: &str| {
        let mut rest = claims.rest.iter();
        rest.find(|(name, _)| *name == RegisteredLabelWithPrivate::Text(wanted.to_owned()))
            .map(|(_, value)| value)
    };
    let reservation = Uuid::from_slice(find(RESERVATION)?.as_bytes()?).ok()?;
    let n = u64::try_from(find(NUMBER)?.as_integer()?).ok().filter(|n| *n > 0)?;
    let stock = ShortName::from_text(find(STOCK)?.as_text()?.to_owned())?;
    let event = ShortName::from_text(claims.audience.clone()?)?;
    Some(Ticket { event, reservation, stock, n })
}
