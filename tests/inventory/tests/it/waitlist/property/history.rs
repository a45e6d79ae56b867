//! One random history: each command is asked of a store and of the model.

use std::collections::BTreeMap;

use inventory::{
    Command, CommandKind, EventSettings, HoldId, HoldState, Item, Items, Limits,
    domain::WaitlistSettings,
    ledger::{Change, Record},
};
use inventory_store::{Durability, MemoryStore, OwnedStore, Store, run_batch};
use rand::{RngExt, rngs::StdRng};

use super::model::{Model, OFFER_TTL, PASSED_OVER_MAX, Pair, State, Ticket, all};
use crate::support::{customer, event, stock};

const HOLD_TTL: u64 = 30;
const STOCKS: [&str; 2] = ["a", "b"];

pub struct History {
    rng: StdRng,
    store: MemoryStore,
    /// Whether the second stock hardly ever returns, so that entries for it stay.
    is_scarce: bool,
    pub model: Model,
}

fn id(number: usize) -> HoldId {
    HoldId::new(number as u64, [7; 10])
}

fn items(wanted: Pair) -> Items {
    let items = STOCKS.iter().zip(wanted).filter(|(_, qty)| *qty > 0);
    let items = items.map(|(name, qty)| Item { qty, stock: stock(name) });
    items.fold(Items::none(), |all, item| all.and(&Items::one(item.stock, item.qty)))
}

fn pair(items: &Items) -> Pair {
    STOCKS.map(|name| items.qty_of(&stock(name)))
}

impl History {
    pub async fn new(rng: StdRng, is_scarce: bool) -> Self {
        let (store, mut model) = (MemoryStore::default(), Model::default());
        (model.now_ms, model.capacity) = (1_000, [6, 3]);
        let mut history = Self { rng, store, is_scarce, model };
        assert!(history.put().await);
        history.sell_all().await;
        history
    }

    /// Asks the store, and returns whether it accepts. The new hold or entry has the next number.
    async fn ask(&mut self, kind: CommandKind) -> bool {
        let command = Command { id: id(self.model.all.len()), kind };
        let commands = std::iter::once((&command, None));
        let (limits, now_ms) = (Limits::default(), self.model.now_ms);
        let store = &mut self.store;
        let done = run_batch(store, &limits, commands, Vec::new(), now_ms, Durability::Synced);
        done.await.unwrap().replies[0].result.is_ok()
    }

    async fn put(&mut self) -> bool {
        let settings = EventSettings {
            limit_per_customer: self.model.limit,
            opens_at_ms: Some(self.model.opens_ms),
            waitlist: Some(WaitlistSettings { offer_ttl_ms: OFFER_TTL }),
            ..EventSettings::default()
        };
        let capacities: BTreeMap<_, _> =
            STOCKS.iter().zip(self.model.capacity).map(|(name, qty)| (stock(name), qty)).collect();
        self.ask(CommandKind::PutEvent {
            event: event("default"),
            capacities,
            settings,
            if_settings_seq: None,
            only_create: false,
            draw: None,
        })
        .await
    }

    fn add(&mut self, state: State, items: Pair, customer: Option<u8>) {
        let live = if state == State::Sold { items } else { [0, 0] };
        let until_ms = self.model.now_ms + HOLD_TTL;
        let ticket =
            Ticket { state, items, live, customer, until_ms, kept: [0, 0], passed_over: 0 };
        self.model.all.push(ticket);
    }

    async fn sell_all(&mut self) {
        for _ in 0..self.model.capacity[0] {
            self.take(State::Sold, [1, 0], None).await;
        }
        for _ in 0..self.model.capacity[1] {
            self.take(State::Sold, [0, 1], None).await;
        }
    }

    /// Sells or holds.
    async fn take(&mut self, state: State, wanted: Pair, who: Option<u8>) {
        let (event, items, customer) = (event("default"), items(wanted), who.map(named));
        let kind = match state {
            State::Sold => {
                CommandKind::Reserve { event, items, customer, by_seller: false, pass: None }
            }
            _ => CommandKind::Hold { event, items, customer, ttl_ms: Some(HOLD_TTL), pass: None },
        };
        let expected = self.model.is_open()
            && self.model.is_there(wanted)
            && (self.model.limit.is_none() || who.is_some())
            && !self.model.is_over_limit(who, wanted);
        assert_eq!(self.ask(kind).await, expected);
        if expected {
            self.add(state, wanted, who);
            // The customer may have reached its limit.
            self.model.settle();
        }
    }

    async fn join(&mut self, wanted: Pair, who: Option<u8>) {
        let (items, customer) = (items(wanted), who.map(named));
        let kind = CommandKind::JoinWaitlist { event: event("default"), items, customer };
        let model = &self.model;
        let expected = model.is_open()
            && !model.is_there(wanted)
            && all(|stock| wanted[stock] <= model.capacity[stock])
            && (model.limit.is_none() || who.is_some())
            && !model.is_over_limit(who, wanted);
        assert_eq!(self.ask(kind).await, expected);
        self.model.meet(if expected { "joined" } else { "refused to join" });
        if expected {
            self.model.list.push(self.model.all.len());
            self.add(State::Waiting, wanted, who);
        }
    }

    /// Releases a hold, or leaves the list.
    async fn give_up(&mut self, number: usize) {
        let hold = id(number);
        let ticket = self.model.all[number].clone();
        let leaves = ticket.state == State::Waiting;
        let kind = if leaves && self.rng.random_bool(0.5) {
            CommandKind::LeaveWaitlist { hold }
        } else {
            CommandKind::Release { hold }
        };
        assert_eq!(self.ask(kind).await, ticket.state != State::Sold);
        match ticket.state {
            State::Waiting if ticket.kept == [0, 0] => self.model.meet("left"),
            State::Waiting => self.model.meet("left with something kept"),
            State::Held => {}
            _ => return,
        }
        self.model.leave_list(number);
        (self.model.all[number].state, self.model.all[number].kept) = (State::Released, [0, 0]);
        self.model.settle();
    }

    async fn confirm(&mut self, number: usize) {
        let confirm = CommandKind::Confirm {
            hold: id(number),
            payment_ref: None,
            amount: None,
            by_seller: false,
        };
        let ticket = self.model.all[number].clone();
        let is_late = ticket.state == State::Expired;
        let takes = ticket.state == State::Held
            || is_late
                && self.model.is_there(ticket.items)
                && !self.model.is_over_limit(ticket.customer, ticket.items);
        assert_eq!(self.ask(confirm).await, takes || ticket.state == State::Sold);
        if is_late {
            self.model.meet(if takes { "late and confirmed" } else { "late and refused" });
        }
        if takes {
            let ticket = &mut self.model.all[number];
            (ticket.state, ticket.live) = (State::Sold, ticket.items);
            self.model.settle();
        }
    }

    async fn refund(&mut self, number: usize, wanted: Pair) {
        let ticket = self.model.all[number].clone();
        let refund = CommandKind::Refund { reservation: id(number), items: Some(items(wanted)) };
        let expected =
            ticket.state == State::Sold && all(|stock| wanted[stock] <= ticket.live[stock]);
        assert_eq!(self.ask(refund).await, expected);
        if expected {
            for (live, qty) in self.model.all[number].live.iter_mut().zip(wanted) {
                *live -= qty;
            }
            let offers = self.model.settle();
            *self.model.met.entry("offered with a refund").or_default() += offers;
        }
    }

    async fn change(&mut self, case: &'static str, change: impl FnOnce(&mut Model)) {
        let before = (self.model.capacity, self.model.limit, self.model.opens_ms);
        change(&mut self.model);
        let model = &self.model;
        let expected = all(|stock| model.held(stock) + model.sold(stock) <= model.capacity[stock]);
        assert_eq!(self.put().await, expected);
        if expected {
            let offers = self.model.settle();
            if offers > 0 {
                *self.model.met.entry(case).or_default() += offers;
            }
        } else {
            (self.model.capacity, self.model.limit, self.model.opens_ms) = before;
        }
    }

    fn wanted(&mut self) -> Pair {
        if self.is_scarce {
            return match self.rng.random_range(0..20) {
                0 => [0, 3],
                1 => [2, 2],
                2 => [4, 0],
                _ => [1, 0],
            };
        }
        match self.rng.random_range(0..10) {
            0..5 => [1, 0],
            5 => [0, 1],
            6 | 7 => [2, 1],
            8 => [4, 0],
            _ => [3, 2],
        }
    }

    /// Time goes on, what is due is written, and then one command is asked.
    pub async fn step(&mut self) {
        let now_ms = self.model.now_ms + self.rng.random_range(0..4);
        self.model.pass_time(now_ms);
        let who = self.rng.random_bool(0.9).then(|| self.rng.random_range(0..5));
        let wanted = self.wanted();
        let number = self.rng.random_range(0..self.model.all.len());
        let first = self.model.list.first().copied();
        match self.rng.random_range(0..100) {
            0..38 => self.join(wanted, who).await,
            38..44 => self.take(State::Held, wanted, who).await,
            44..48 => self.take(State::Sold, wanted, who).await,
            48..52 => self.give_up(number).await,
            52..54 => {
                let kept = first.filter(|first| self.model.all[*first].kept != [0, 0]);
                self.give_up(kept.unwrap_or(number)).await;
            }
            54..66 => {
                let held = self.model.all.iter().position(|ticket| ticket.state == State::Held);
                let number = held.filter(|_| self.rng.random_bool(0.7)).unwrap_or(number);
                self.confirm(number).await;
            }
            66..92 => {
                // Small parts, of what is sold: groups do not fit at once.
                let sold = self.model.all.iter().position(|ticket| {
                    if self.is_scarce { ticket.live[0] > 0 } else { ticket.live != [0, 0] }
                });
                let number = sold.filter(|_| self.rng.random_bool(0.9)).unwrap_or(number);
                let part = if self.model.all[number].live[0] > 0 { [1, 0] } else { [0, 1] };
                let part = if self.is_scarce && self.rng.random_bool(0.95) { [1, 0] } else { part };
                self.refund(number, part).await;
            }
            92..95 => {
                let (stock, qty) = (self.rng.random_range(0..2), self.rng.random_range(2..9));
                self.change("offered with a capacity", |model| model.capacity[stock] = qty).await;
            }
            95..98 => {
                let limit = self.rng.random_bool(0.4).then(|| self.rng.random_range(2..7));
                self.change("offered with a limit", |model| model.limit = limit).await;
            }
            98 => {
                let opens_ms = now_ms + self.rng.random_range(0..12);
                self.change("offered by an opening", |model| model.opens_ms = opens_ms).await;
            }
            _ => assert!(self.ask(CommandKind::Expire { event: event("default") }).await),
        }
    }

    /// The store is as the model says, and keeps nothing from anybody.
    pub async fn check(&mut self, at: &str) {
        let views = self.store.views();
        let found = &views[0].event;
        for (number, (_, counts)) in found.stocks.iter().enumerate() {
            let model = &self.model;
            let expected = [model.capacity[number], model.held(number), model.sold(number)];
            assert_eq!([counts.capacity, counts.held, counts.sold], expected, "{at}");
        }
        assert_eq!(found.waitlist.waiting, self.model.list.len() as u64, "{at}");
        let live = self.model.all.iter().filter(|ticket| ticket.state == State::Held).count();
        assert_eq!(found.live_holds, live as u64, "{at}");
        let left: Vec<_> = found.stocks.iter().map(|(_, counts)| counts.available()).collect();
        // Those that have settled change seldom.
        let is_thorough = self.rng.random_bool(0.1);
        for number in 0..self.model.all.len() {
            if !is_thorough && self.model.all[number].state != State::Waiting {
                continue;
            }
            let stored = self.store.reader().hold(id(number)).await.unwrap().unwrap();
            let ticket = &self.model.all[number];
            let state = match stored.state {
                HoldState::Held => State::Held,
                HoldState::Confirmed => State::Sold,
                HoldState::Released => State::Released,
                HoldState::Expired => State::Expired,
                HoldState::Waiting => State::Waiting,
            };
            assert_eq!((state, pair(&stored.live)), (ticket.state, ticket.live), "{at}: {number}");
            let Some(waiting) = stored.waiting else { continue };
            let kept = pair(&waiting.collected);
            assert_eq!((kept, waiting.passed_over), (ticket.kept, ticket.passed_over), "{at}");
            // More than ten only while it waits for another that collects.
            assert!(ticket.passed_over <= 2 * PASSED_OVER_MAX, "{at}: {number}");
            // Not by the model's word alone: what it still needs is not all there.
            let needs = pair(&stored.items);
            let is_there = all(|stock| needs[stock] - kept[stock] <= left[stock]);
            let is_over = self.model.is_over_limit(ticket.customer, ticket.items);
            if is_there && !is_over {
                assert!(!self.model.is_open(), "{at}: entry {number} waits for what is there");
                self.model.meet("closed with something there");
            }
        }
    }

    /// The ledger passes the audit.
    pub async fn check_ledger(&self) {
        let name = event("default");
        let stored = self.store.reader().records(&name, 0, 100_000).await.unwrap();
        let joins = stored.iter().filter(|stored| {
            let record = Record::from_body(&stored.body).unwrap();
            matches!(record.change, Change::WaitlistJoined { .. })
        });
        assert_eq!(joins.count() as u64, self.model.met.get("joined").copied().unwrap_or(0));
        let entries = stored.iter().map(|entry| (name.clone(), entry.seq, entry.body.clone()));
        crate::verify::audit(entries, &Limits::default()).unwrap().finish().unwrap();
    }
}

fn named(number: u8) -> inventory::CustomerId {
    customer(&format!("c{number}"))
}
