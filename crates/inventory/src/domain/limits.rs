//! Every limit of the engine, with its default.

/// Bounds on accepted and stored data. See docs/configuration.md for the variables that set them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// The most of one stock that one request may ask for.
    pub qty_max: u64,
    /// The most items of one hold.
    pub items_max: usize,
    /// The most stocks of one event.
    pub stocks_max: usize,
    /// The most events.
    pub events_max: usize,
    /// The largest capacity of a stock.
    pub capacity_max: u64,
    /// The most holds, of all events, that are held at once.
    pub live_holds_max: u64,
    /// How long a hold lives when neither it nor its event says so, milliseconds.
    pub hold_ttl_ms: u64,
    /// The longest time that may be asked for at once, milliseconds.
    pub hold_ttl_max_ms: u64,
    /// How long a hold may live with all its extensions, milliseconds.
    pub hold_lifetime_max_ms: u64,
    /// How long a hold lives from the start of its payment, milliseconds.
    pub payment_window_ms: u64,
    /// How long a key finds its answer, milliseconds.
    pub key_ttl_ms: u64,
    /// How many keys are kept; beyond it the oldest go first.
    pub keys_max: u64,
    /// The most places of one waiting room.
    pub places_max: u64,
    /// The most places that one command may ask for: they share a record.
    pub joins_max: usize,
    /// The most entries of one waiting list.
    pub waitlist_max: u64,
    /// The most commands of one commit.
    pub batch_max: usize,
    /// The most commands that wait for a commit; beyond it the next is refused at once.
    pub queue_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            qty_max: 1_000,
            items_max: 16,
            stocks_max: 64,
            events_max: 10_000,
            capacity_max: 1_000_000_000,
            live_holds_max: 1_000_000,
            hold_ttl_ms: 600_000,
            hold_ttl_max_ms: 3_600_000,
            hold_lifetime_max_ms: 7_200_000,
            payment_window_ms: 1_800_000,
            key_ttl_ms: 86_400_000,
            keys_max: 10_000_000,
            places_max: 2_000_000,
            joins_max: 256,
            waitlist_max: 10_000,
            batch_max: 1_024,
            queue_max: 16_384,
        }
    }
}
