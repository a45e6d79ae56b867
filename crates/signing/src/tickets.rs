//! The keys of tickets. A ticket is the same text for ever, so the key that signs it follows from
//! the time of its sale, and not from when it is asked for.

use crate::{
    key::{Key, TicketKeyId},
    key_set::SigningKeys,
};

/// A key that signs tickets.
#[derive(Clone, Copy)]
pub struct TicketKey<'a>(&'a Key);

impl TicketKey<'_> {
    /// Its id in tickets.
    #[must_use]
    pub fn id(&self) -> TicketKeyId {
        self.0.ticket_id()
    }

    /// The signature of `message`, by Ed25519 (RFC 8032).
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign_bytes(message)
    }
}

impl SigningKeys {
    /// The key that signs the tickets of a sale at `sold_at_s`, seconds since 1970: of the keys
    /// whose `signs_tickets_from` is not later, the one where it is the latest, and among equals
    /// the last of the file. When it is later for all of them, the one where it is the earliest.
    #[must_use]
    pub fn ticket_key(&self, sold_at_s: u64) -> TicketKey<'_> {
        let keys = self.keys();
        let due = keys.iter().filter(|key| key.tickets_from_s() <= sold_at_s);
        let key = due.max_by_key(|key| key.tickets_from_s());
        let earliest = || keys.iter().min_by_key(|key| key.tickets_from_s());
        TicketKey(key.or_else(earliest).unwrap_or(self.signer()))
    }

    /// Whether `signature` is that of `message` by the key with this id in tickets.
    #[must_use]
    pub fn verify_ticket(&self, key: &TicketKeyId, message: &[u8], signature: &[u8; 64]) -> bool {
        let mut keys = self.keys().iter().filter(|one| one.ticket_id() == *key);
        keys.any(|key| key.verify(message, signature))
    }
}
