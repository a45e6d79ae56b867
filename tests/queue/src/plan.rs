//! Who does what and when: all of it follows from the seed.

use std::time::Duration;

use rand::{RngExt, SeedableRng, rngs::StdRng};

/// What a person does with tickets in the basket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Confirm,
    Release,
    /// Leaves: the hold expires.
    Expire,
    /// Leaves with the pass: nothing is held.
    Nothing,
}

/// When a person forgets everything but one thing, and asks again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Return {
    BeforeDraw,
    AfterDraw,
}

/// What is not forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    Key,
    Place,
}

/// One of the crowd.
#[derive(Debug, Clone)]
pub struct Person {
    pub number: usize,
    pub key: String,
    pub is_bot: bool,
    pub address: String,
    /// Since the opening of the waiting room.
    pub joins_at: Duration,
    pub joins_twice: bool,
    pub returns: Option<(Return, Kept)>,
    /// Tries without a turn, without a pass, and with a spent one.
    pub cheats: bool,
    pub claims: bool,
    /// From the turn to the claim.
    pub reacts_in: Duration,
    pub basket: u64,
    /// From the pass to the hold, and from the hold to its end.
    pub thinks: [Duration; 2],
    pub end: End,
}

/// How large, and from which seed.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    pub people: usize,
    pub bots: usize,
    pub pre: Duration,
    pub seed: u64,
}

const ADDRESSES_OF_BOTS: usize = 20;

/// The crowd.
pub fn crowd(size: &Size) -> Vec<Person> {
    let mut generator = StdRng::seed_from_u64(size.seed);
    (0..size.people).map(|number| person(size, number, &mut generator)).collect()
}

fn person(size: &Size, number: usize, random: &mut StdRng) -> Person {
    let is_bot = number < size.bots;
    let pre = size.pre.as_secs_f64();
    let joins_s = match () {
        // As fast as it can.
        () if is_bot => random.random_range(0.0..pre / 4.0),
        () if random.random_bool(0.2) => random.random_range(pre..2.0 * pre),
        () => random.random_range(0.0..pre),
    };
    let returns = random.random_bool(0.3).then(|| {
        let when = if random.random_bool(0.5) { Return::BeforeDraw } else { Return::AfterDraw };
        (when, if random.random_bool(0.5) { Kept::Key } else { Kept::Place })
    });
    let end = match random.random_range(0..100) {
        0..75 => End::Confirm,
        75..85 => End::Release,
        85..95 => End::Expire,
        _ => End::Nothing,
    };
    // Some miss their turn.
    let reacts_s = if random.random_bool(0.04) { 7.5 } else { random.random_range(0.0..2.0) };
    let address = if is_bot {
        format!("203.0.113.{}", number % ADDRESSES_OF_BOTS + 1)
    } else {
        let [_, a, b, c] = u32::try_from(number).unwrap_or_default().to_be_bytes();
        format!("10.{a}.{b}.{c}")
    };
    Person {
        number,
        key: format!("queue-{number}-{:032x}", random.random::<u128>()),
        is_bot,
        address,
        joins_at: Duration::from_secs_f64(joins_s),
        joins_twice: random.random_bool(0.05),
        returns,
        cheats: random.random_bool(0.02),
        claims: random.random_bool(0.5),
        reacts_in: Duration::from_secs_f64(reacts_s),
        basket: random.random_range(1..=4),
        thinks: [0, 1].map(|_| Duration::from_secs_f64(random.random_range(0.1..1.5))),
        end,
    }
}

/// The tickets that people want in the end.
pub fn demand(crowd: &[Person]) -> u64 {
    let buyers = crowd.iter().filter(|person| person.claims && person.end == End::Confirm);
    buyers.map(|person| person.basket).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_follows_from_its_seed() {
        let size = Size { people: 1_000, bots: 250, pre: Duration::from_secs(4), seed: 7 };
        let keys = |seed| crowd(&Size { seed, ..size }).into_iter().map(|person| person.key);
        assert!(keys(7).eq(keys(7)) && !keys(7).eq(keys(8)));
        let crowd = crowd(&size);
        let count = |of: fn(&Person) -> bool| crowd.iter().filter(|person| of(person)).count();
        assert_eq!(count(|person| person.is_bot), 250);
        for (name, counted, share) in [
            ("never claim", count(|person| !person.claims), 0.5),
            ("come back", count(|person| person.returns.is_some()), 0.3),
            ("join twice", count(|person| person.joins_twice), 0.05),
        ] {
            assert!((counted as f64 / 1_000.0 - share).abs() < 0.05, "{name}: {counted}");
        }
    }
}
