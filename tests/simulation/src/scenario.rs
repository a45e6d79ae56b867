//! A scenario: everything about a simulation that its seed does not decide.

/// The hosts on which buyers live.
pub const BUYER_HOSTS: [&str; 2] = ["north", "south"];

/// The parameters of a simulation.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// Decides everything else.
    pub seed: u64,
    /// Buyers on each of the two hosts.
    pub buyers: u64,
    /// Calls of each buyer.
    pub calls: u32,
    /// The longest pause of a buyer, milliseconds.
    pub pause_max_ms: u64,
    /// Probability that a buyer sends a request twice at once, 0 to 1.
    pub twice: f64,
    /// Tickets of the default stock.
    pub capacity: u64,
    /// The limit per customer of event gala.
    pub limit_per_customer: u64,
    /// The longest time between two faults, milliseconds.
    pub calm_max_ms: u64,
    /// Visitors of the waiting room on each of the two hosts.
    pub visitors: u64,
    /// Whether the relay between the services delivers requests twice.
    pub duplicates: bool,
}

impl Scenario {
    /// The scenario of a seed.
    #[must_use]
    pub fn of(seed: u64) -> Self {
        Self {
            seed,
            buyers: 3,
            calls: 30,
            pause_max_ms: 60,
            twice: 0.1,
            capacity: 60 + seed % 5 * 40,
            limit_per_customer: 5,
            calm_max_ms: 400,
            visitors: 8,
            duplicates: seed % 2 == 1,
        }
    }
}
