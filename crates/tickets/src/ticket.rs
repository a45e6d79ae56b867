//! What a ticket says.

use uuid::Uuid;

use crate::name::ShortName;

/// One ticket of a reservation: all of it follows from the ledger.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket {
    /// The event.
    pub event: ShortName,
    /// The reservation, whose id is that of its hold.
    pub reservation: Uuid,
    /// The stock.
    pub stock: ShortName,
    /// Its number within the reservation's stock, from 1.
    pub n: u64,
}

impl Ticket {
    /// Ticket `n`, from 1, of what `reservation` has of a stock.
    #[must_use]
    pub fn new(event: &str, reservation: Uuid, stock: &str, n: u64) -> Self {
        Self { event: ShortName::of(event), reservation, stock: ShortName::of(stock), n }
    }

    /// When the hold of the reservation was made, seconds since 1970: its id says so.
    pub(crate) fn sold_at_s(&self) -> u64 {
        self.reservation.get_timestamp().map_or(0, |timestamp| timestamp.to_unix().0)
    }
}
