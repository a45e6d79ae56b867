//! How many places to call.

/// Customers let in per customer needed to take the tickets left. Above 1, so that tickets do not
/// wait for the next call when one customer more than usual buys nothing; not far above, because
/// one in nine may find nothing left.
pub const STOCK_FACTOR: f64 = 1.125;

/// Tickets that a pass is assumed to take before anything is measured: a pair. High rather than
/// low: if passes take fewer, more places are called a little later; if they take more, customers
/// were called for nothing.
pub const TICKETS_PRIOR: f64 = 2.0;

/// Weight of that assumption, in passes: Laplace's rule of succession, where (s + 1) / (n + 2)
/// estimates a probability after s successes in n trials (*Essai philosophique sur les
/// probabilités*, 1814), with a larger weight. With his 2, the baskets of the first few passes can
/// raise the limit by a fifth.
pub const PASS_PRIOR: f64 = 20.0;

/// Weight, in places, of the assumption before anything is measured that every called place is
/// claimed. Laplace's 2, so that the first places to lapse show.
pub const CLAIM_PRIOR: f64 = 2.0;

/// Places called per free slot, at most, however few claim: if all of them suddenly do, customers
/// are at most this many times the limit.
pub const OVERCALL_MAX: f64 = 4.0;

/// Places called at least in the time that a pass lives, while tickets are left.
pub const CALLS_PER_PASS: u64 = 8;

/// Customers who may shop at once while there are as many tickets: the last tickets do not wait for
/// a single customer who buys nothing until the pass expires.
pub const CUSTOMERS_MIN: u64 = 4;

/// The state of an event and its queue. Counts of what ended may be of the whole sale or of a
/// recent part.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Slots {
    /// Customers who may shop at once; `None`: any number.
    pub active_max: Option<u64>,
    /// Tickets available: neither held nor sold.
    pub left: u64,
    /// Tickets held.
    pub in_baskets: u64,
    /// Claimed passes that are neither spent nor expired.
    pub active: u64,
    /// Of these, passes that are not expected to be used any more. Without them the share of
    /// unused passes would count twice, in the tickets per pass and here, and the last tickets
    /// would wait until such passes expire. A fraction: in whole numbers, the last pass would
    /// count in full until it expires.
    pub idle: f64,
    /// Places called and not yet claimed that may still be, within their time to claim: the longer
    /// ago they were called, the less each counts.
    pub outstanding: f64,
    /// Places not yet called.
    pub waiting: u64,
    /// Places called whose time to claim is over.
    pub lapsed_called: u64,
    /// Of these, places claimed in time.
    pub lapsed_claimed: u64,
    /// Passes that ended: spent or expired.
    pub finished: u64,
    /// Of these, passes used for a hold or a sale.
    pub spent: u64,
    /// Tickets taken with these.
    pub taken: u64,
}

impl Slots {
    /// Estimated tickets per pass: the mean basket (`taken / spent`) times the conversion
    /// (`spent / finished`), smoothed.
    ///
    /// Passes that buy end sooner than those that expire, so the first ones overstate it: the limit
    /// is too low rather than too high until the first passes have expired.
    #[must_use]
    pub fn tickets_per_pass(&self) -> f64 {
        (self.taken as f64 + TICKETS_PRIOR * PASS_PRIOR) / (self.finished as f64 + PASS_PRIOR)
    }

    /// Estimated claims per called place, smoothed, from 1 / [`OVERCALL_MAX`] to 1.
    #[must_use]
    pub fn claim_ratio(&self) -> f64 {
        let claimed = self.lapsed_claimed as f64 + CLAIM_PRIOR;
        (claimed / (self.lapsed_called as f64 + CLAIM_PRIOR)).clamp(1.0 / OVERCALL_MAX, 1.0)
    }

    /// Customers needed to take the tickets left.
    fn needed(&self) -> u64 {
        let customers = (self.left as f64 * STOCK_FACTOR / self.tickets_per_pass()).ceil() as u64;
        customers.max(self.left.min(CUSTOMERS_MIN))
    }
}

/// What limits the number of places to call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Bound {
    /// The customers let in can take all tickets left, or baskets hold all.
    Stock,
    /// `active_max` is reached.
    ActiveMax,
    /// All waiting places are called.
    Waiting,
    /// The servers bear no more calls per second.
    Pace,
    /// The queue is paused.
    Paused,
    /// All tickets are sold.
    SoldOut,
}

impl Bound {
    /// All, for metrics that export a series each.
    pub const ALL: [Self; 6] =
        [Self::Stock, Self::ActiveMax, Self::Waiting, Self::Pace, Self::Paused, Self::SoldOut];

    /// The value of a metric's label.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Stock => "stock",
            Self::ActiveMax => "active_max",
            Self::Waiting => "waiting",
            Self::Pace => "pace",
            Self::Paused => "paused",
            Self::SoldOut => "sold_out",
        }
    }
}

/// How many places to call now, and why no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Admission {
    /// Customers who may shop at once.
    pub limit: u64,
    /// Of these, slots that neither a customer has nor a called one is expected to take.
    pub room: u64,
    /// Places to call.
    pub call: u64,
    /// Why no more.
    pub bound: Bound,
}

impl Admission {
    /// At most `allowance` calls, that of [`Pace`](crate::Pace).
    #[must_use]
    pub fn paced(self, allowance: u64) -> Self {
        if self.call <= allowance {
            return self;
        }
        Self { call: allowance, bound: Bound::Pace, ..self }
    }

    /// One call, if tickets are left and nobody was called for a part of the time that passes live:
    /// the last tickets do not wait for unused passes, however many there are.
    #[must_use]
    pub fn kept_moving(self, since_call_ms: u64, pass_ttl_ms: u64) -> Self {
        let is_held_up = self.call == 0 && self.limit > 0 && self.bound == Bound::Stock;
        if is_held_up && since_call_ms >= pass_ttl_ms / CALLS_PER_PASS {
            return Self { call: 1, ..self };
        }
        self
    }

    /// No calls: the queue is paused.
    #[must_use]
    pub fn paused(self) -> Self {
        let bound = if self.bound == Bound::SoldOut { self.bound } else { Bound::Paused };
        Self { call: 0, bound, ..self }
    }
}

/// Decides how many places to call.
///
/// - limit = `left` · [`STOCK_FACTOR`] / tickets per pass, rounded up; at most `active_max`, at
///   least 1 while tickets are left;
/// - room = limit - (`active` - `idle`) - `outstanding` · claim ratio; with `active_max`, all of
///   `active` count;
/// - call = room / claim ratio, rounded; at most `waiting`. Rounded up, the last ticket would have
///   two customers as soon as the first one begins to choose.
///
/// While tickets are left and places wait, some place is called at the latest when all that were
/// called have lapsed and all passes have ended: no state stalls the queue for longer.
#[must_use]
pub fn slots(state: &Slots) -> Admission {
    let (needed, cap) = (state.needed(), state.active_max.unwrap_or(u64::MAX));
    let limit = needed.min(cap);
    let ratio = state.claim_ratio();
    let expected = state.outstanding * ratio;
    // Whole slots, and of them what the idle passes leave.
    let choosing = state.active.saturating_sub(state.idle.ceil() as u64);
    let free = needed.saturating_sub(choosing).min(cap.saturating_sub(state.active));
    let unused = (state.idle.ceil() - state.idle).max(0.0);
    let room = (free as f64 - unused - expected).max(0.0);
    let wanted = (room / ratio).round() as u64;
    let bound = match () {
        () if state.left == 0 && state.in_baskets == 0 => Bound::SoldOut,
        () if state.left == 0 => Bound::Stock,
        () if state.waiting <= wanted => Bound::Waiting,
        () if cap < needed || cap <= state.active => Bound::ActiveMax,
        () => Bound::Stock,
    };
    let room = (room.ceil() as u64).min(free);
    Admission { limit, room, call: wanted.min(state.waiting), bound }
}
