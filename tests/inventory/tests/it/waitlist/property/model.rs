//! What a waiting list does, in the simplest words: a vector of entries, gone through from its
//! begin after every change.

use std::collections::BTreeMap;

pub const PASSED_OVER_MAX: u32 = 10;
pub const OFFER_TTL: u64 = 40;

/// Quantities of the two stocks.
pub type Pair = [u64; 2];

pub fn all(test: impl Fn(usize) -> bool) -> bool {
    (0..2).all(test)
}

fn shares(some: Pair, others: Pair) -> bool {
    !all(|stock| some[stock] == 0 || others[stock] == 0)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Waiting,
    Held,
    Sold,
    Released,
    Expired,
}

/// An entry, a hold or a sale. Its number is its place in [`Model::all`].
#[derive(Debug, Clone)]
pub struct Ticket {
    pub state: State,
    pub items: Pair,
    /// What is sold of it and not refunded.
    pub live: Pair,
    pub customer: Option<u8>,
    pub until_ms: u64,
    pub kept: Pair,
    pub passed_over: u32,
}

#[derive(Default)]
pub struct Model {
    pub now_ms: u64,
    pub opens_ms: u64,
    pub capacity: Pair,
    pub limit: Option<u64>,
    pub all: Vec<Ticket>,
    /// Those that wait, in order.
    pub list: Vec<usize>,
    /// How often each case was met.
    pub met: BTreeMap<&'static str, u64>,
}

impl Model {
    pub fn meet(&mut self, case: &'static str) {
        *self.met.entry(case).or_default() += 1;
    }

    pub fn held(&self, stock: usize) -> u64 {
        let of = |ticket: &Ticket| match ticket.state {
            State::Held => ticket.items[stock],
            State::Waiting => ticket.kept[stock],
            _ => 0,
        };
        self.all.iter().map(of).sum()
    }

    pub fn sold(&self, stock: usize) -> u64 {
        self.all.iter().map(|ticket| ticket.live[stock]).sum()
    }

    pub fn available(&self, stock: usize) -> u64 {
        self.capacity[stock] - self.held(stock) - self.sold(stock)
    }

    pub fn is_there(&self, items: Pair) -> bool {
        all(|stock| items[stock] <= self.available(stock))
    }

    pub fn has(&self, customer: u8) -> u64 {
        let mine = self.all.iter().filter(|ticket| ticket.customer == Some(customer));
        mine.map(|ticket| {
            let held = if ticket.state == State::Held { ticket.items } else { [0, 0] };
            held.iter().chain(&ticket.live).sum::<u64>()
        })
        .sum()
    }

    pub fn is_over_limit(&self, customer: Option<u8>, items: Pair) -> bool {
        match (self.limit, customer) {
            (Some(limit), Some(customer)) => self.has(customer) + items.iter().sum::<u64>() > limit,
            _ => false,
        }
    }

    pub fn is_open(&self) -> bool {
        self.now_ms >= self.opens_ms
    }

    fn rest(&self, number: usize) -> Pair {
        let ticket = &self.all[number];
        [ticket.items[0] - ticket.kept[0], ticket.items[1] - ticket.kept[1]]
    }

    /// Whether the entry may have its items once they are there.
    fn may_have(&self, number: usize) -> bool {
        let ticket = &self.all[number];
        let is_over = self.is_over_limit(ticket.customer, ticket.items);
        !is_over && all(|stock| ticket.items[stock] <= self.capacity[stock])
    }

    /// Whether all that the entry waits for is there, and it may have it.
    pub fn fits(&self, number: usize) -> bool {
        self.may_have(number) && self.is_there(self.rest(number))
    }

    pub fn leave_list(&mut self, number: usize) {
        self.list.retain(|other| *other != number);
    }

    /// Writes what has expired, and offers what is there.
    pub fn pass_time(&mut self, now_ms: u64) {
        self.now_ms = now_ms;
        for ticket in &mut self.all {
            if ticket.state == State::Held && ticket.until_ms <= now_ms {
                ticket.state = State::Expired;
            }
        }
        let offers = self.settle();
        *self.met.entry("offered with an expiry").or_default() += offers;
    }

    /// Offers what is there, and returns how many offers that makes.
    pub fn settle(&mut self) -> u64 {
        let mut offers = 0;
        while self.is_open() && !self.list.is_empty() && self.offer_or_keep(&mut offers) {}
        offers
    }

    fn offer_or_keep(&mut self, offers: &mut u64) -> bool {
        let list = self.list.clone();
        for number in list.iter().copied() {
            if self.all[number].kept != [0, 0] && !self.may_have(number) {
                self.meet("left what was kept");
                self.leave_list(number);
                (self.all[number].state, self.all[number].kept) = (State::Released, [0, 0]);
                return true;
            }
        }
        for (at, number) in list.iter().copied().enumerate() {
            if self.fits(number) {
                self.pass_over(&list[..at], number);
                self.offer(number);
                *offers += 1;
                return true;
            }
            if self.all[number].passed_over >= PASSED_OVER_MAX
                && self.may_have(number)
                && self.keep(number)
            {
                if at > 0 {
                    self.meet("kept for one that is not the first");
                }
                return true;
            }
        }
        false
    }

    /// The stocks that others need which the entry waits for: directly, or by way of another. With
    /// two stocks, there is at most one on the way.
    fn reserved(&self, number: usize) -> [bool; 2] {
        let keepers = self.list.iter().copied().filter(|other| *other != number);
        let keepers: Vec<_> = keepers.filter(|other| self.all[*other].kept != [0, 0]).collect();
        let (mut waits_for, mut reserved) = (self.rest(number), [false, false]);
        for _ in 0..=keepers.len() {
            for other in &keepers {
                if shares(self.all[*other].kept, waits_for) {
                    for (stock, needs) in self.rest(*other).into_iter().enumerate() {
                        waits_for[stock] += needs;
                        reserved[stock] |= needs > 0;
                    }
                }
            }
        }
        reserved
    }

    /// Counts an offer to entry `next`.
    fn pass_over(&mut self, before: &[usize], next: usize) {
        let takes = self.all[next].items;
        let is_overtaken =
            |number: &usize| self.may_have(*number) && shares(self.rest(*number), takes);
        let counted = before.iter().copied().find(is_overtaken);
        let Some(counted) = counted else {
            if !before.is_empty() {
                self.meet("passed over nobody");
            }
            return;
        };
        self.meet("offered over another");
        if counted != before[0] {
            self.meet("counted for one that is not the first");
        }
        self.all[counted].passed_over += 1;
        if self.all[counted].passed_over == PASSED_OVER_MAX {
            self.meet("passed over ten times");
        }
    }

    fn offer(&mut self, number: usize) {
        self.meet("offered");
        if self.all[number].kept != [0, 0] {
            self.meet("offered what was kept");
        }
        self.leave_list(number);
        let until_ms = self.now_ms + OFFER_TTL;
        let ticket = &mut self.all[number];
        (ticket.state, ticket.kept, ticket.until_ms) = (State::Held, [0, 0], until_ms);
    }

    fn keep(&mut self, number: usize) -> bool {
        let (rest, reserved) = (self.rest(number), self.reserved(number));
        let there = [0, 1].map(|stock| rest[stock].min(self.available(stock)));
        let more = [0, 1].map(|stock| if reserved[stock] { 0 } else { there[stock] });
        if more != there {
            self.meet("left to another that collects");
        }
        if more == [0, 0] {
            return false;
        }
        self.meet(if more[0] > 0 && more[1] > 0 { "kept of both stocks at once" } else { "kept" });
        for (kept, qty) in self.all[number].kept.iter_mut().zip(more) {
            *kept += qty;
        }
        true
    }
}
