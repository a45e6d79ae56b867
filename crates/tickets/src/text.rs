//! The text of a ticket.

use coset::{
    CoseSign1, CoseSign1Builder, HeaderBuilder, RegisteredLabelWithPrivate, TaggedCborSerializable,
    iana::Algorithm,
};
use signing::{SigningKeys, TicketKeyId};
use thiserror::Error;

use crate::{claims, ticket::Ticket};

/// What the text of a ticket begins with.
const PREFIX: &str = "TKT1:";
/// The longest text that is looked at, bytes: more than any ticket has.
pub const TEXT_BYTES_MAX: usize = 512;

/// Why a text is not a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TicketError {
    /// It is longer than any ticket.
    #[error("the ticket has more than {TEXT_BYTES_MAX} bytes")]
    TooLong,
    /// It is none, or not in the only form that a ticket has.
    #[error("the ticket is malformed")]
    Malformed,
    /// No known key has signed it: it is of another system, or forged, or its key was withdrawn.
    #[error("no known key has signed the ticket")]
    Signature,
}

impl Ticket {
    /// Its text, signed by the key that was due at its sale.
    #[must_use]
    pub fn sign(&self, keys: &SigningKeys) -> String {
        let key = keys.ticket_key(self.sold_at_s());
        let unsigned = unsigned(key.id(), claims::encode(self));
        let signed = unsigned.create_signature(&[], |message| key.sign(message).to_vec()).build();
        text(signed)
    }

    /// The ticket with this text. Nothing in a text selects an algorithm, and of two texts with the
    /// same claims and signature at most one is accepted.
    ///
    /// # Errors
    /// [`TicketError`].
    pub fn verify(keys: &SigningKeys, found: &str) -> Result<Self, TicketError> {
        if found.len() > TEXT_BYTES_MAX {
            return Err(TicketError::TooLong);
        }
        let (ticket, key, signature) = parse(found).ok_or(TicketError::Malformed)?;
        let signed = unsigned(key, claims::encode(&ticket)).signature(signature.to_vec()).build();
        let message = signed.tbs_data(&[]);
        if text(signed) != found {
            return Err(TicketError::Malformed);
        }
        if !keys.verify_ticket(&key, &message, &signature) {
            return Err(TicketError::Signature);
        }
        Ok(ticket)
    }
}

fn unsigned(key: TicketKeyId, payload: Vec<u8>) -> CoseSign1Builder {
    let header = HeaderBuilder::new().algorithm(Algorithm::EdDSA).key_id(key.to_vec()).build();
    CoseSign1Builder::new().protected(header).payload(payload)
}

fn text(signed: CoseSign1) -> String {
    let Ok(bytes) = signed.to_tagged_vec() else { unreachable!("a COSE_Sign1 has a form in CBOR") };
    format!("{PREFIX}{}", base45::encode(bytes))
}

/// What a text says. Its other parts are not looked at yet.
fn parse(text: &str) -> Option<(Ticket, TicketKeyId, [u8; 64])> {
    let bytes = base45::decode(text.strip_prefix(PREFIX)?).ok()?;
    let signed = CoseSign1::from_tagged_slice(&bytes).ok()?;
    let header = &signed.protected.header;
    if header.alg != Some(RegisteredLabelWithPrivate::Assigned(Algorithm::EdDSA)) {
        return None;
    }
    let key = header.key_id.as_slice().try_into().ok()?;
    let signature = signed.signature.as_slice().try_into().ok()?;
    Some((claims::decode(&signed.payload?)?, key, signature))
}
