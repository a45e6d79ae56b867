//! The records with which money enters a ledger that had none.

use inventory::{CommandKind, SellBy};
use inventory_store::testing::id;

use super::shop::{T, confirm, eur, hold, priced, put_with, refund, sell, start};
use crate::support::event;

/// A command: the number of what it creates, and its time.
pub type Asked = (u8, CommandKind, u64);

/// Commands of every kind, and no record of them is about money. Hold 2 is held, hold 3 has
/// expired, and sale 4 has so much that its items are gone.
pub fn without_money() -> Vec<Asked> {
    let event = event("default");
    vec![
        (1, priced(&[("general", 10, None)]), T),
        (2, hold(&[("general", 1)], 40_000), T + 1),
        (3, hold(&[("general", 3)], 1_000), T + 2),
        (5, hold(&[("general", 1)], 5_000), T + 3),
        (6, hold(&[("general", 1)], 5_000), T + 4),
        (10, CommandKind::Extend { hold: id(5), ttl_ms: 9_000 }, T + 5),
        (11, confirm(5, Some("p"), None), T + 6),
        (12, CommandKind::Release { hold: id(6) }, T + 7),
        (13, CommandKind::Expire { event }, T + 1_002),
        (4, sell(&[("general", 7)]), T + 1_003),
        (14, refund(5), T + 1_004),
        (15, priced(&[("general", 9, None)]), T + 1_005),
        // These are refused, or write nothing.
        (16, confirm(3, None, Some(eur(1))), T + 1_006),
        (17, confirm(5, Some("q"), None), T + 1_007),
        (18, start(5, "p"), T + 1_008),
        (19, confirm(2, None, Some(eur(1))), T + 1_009),
    ]
}

/// Commands of which each writes the first record about money after [`without_money`].
pub fn first_about_money() -> Vec<(&'static str, CommandKind)> {
    vec![
        ("a price", priced(&[("general", 9, Some(eur(0)))])),
        ("a seller", put_with(&[("general", 9, None)], Some(SellBy::Seller))),
        ("a payment that starts", start(2, "p")),
        ("a refund that is due", confirm(3, Some("late"), None)),
    ]
}

/// The time of the first record about money.
pub const MONEY_MS: u64 = T + 2_000;
