//! The texts of tickets.

use std::sync::LazyLock;

use signing::SigningKeys;
use tickets::Ticket;

static KEYS: LazyLock<SigningKeys> = LazyLock::new(|| {
    SigningKeys::from_jwks(&SigningKeys::generate([1; 32])).expect("a generated key is accepted")
});

/// A text is refused, or is the only text of its ticket.
///
/// # Panics
/// When that does not hold.
pub fn ticket(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(ticket) = Ticket::verify(&KEYS, text) {
        assert_eq!(ticket.sign(&KEYS), text, "a ticket has one text");
        assert!(tickets::svg(text).is_ok() && tickets::png(text).is_ok());
    }
}
