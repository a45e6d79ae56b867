//! One store, the commands of a shop, and the checks of the ledger they leave.

use std::collections::BTreeMap;

use inventory::{
    Command, CommandKind, Currency, CustomerId, EventSettings, Hold, HoldState, IdempotencyKey,
    Limits, Money, Outcome, PaymentRef, Prices, RefusalKind, SellBy,
    decide::{BatchReply, ReadSet},
    ledger::{Change, Record},
};
use inventory_store::{
    Durability, MemoryStore, OwnedStore, Replayer, Store, run_batch,
    testing::{conformance::Kit, id},
};

use crate::support::{event, items, key, run, stock};

pub const T: u64 = 1_000_000;

pub fn money(amount_minor: u64, currency: &str) -> Money {
    Money { amount_minor, currency: Currency::new(currency).unwrap() }
}

pub fn eur(amount_minor: u64) -> Money {
    money(amount_minor, "EUR")
}

pub fn paid(text: &str) -> PaymentRef {
    PaymentRef::new(text).unwrap()
}

/// Puts the event `default` with these stocks and their prices.
pub fn priced(stocks: &[(&str, u64, Option<Money>)]) -> CommandKind {
    put_with(stocks, None)
}

pub fn put_with(stocks: &[(&str, u64, Option<Money>)], sell_by: Option<SellBy>) -> CommandKind {
    let capacities: BTreeMap<_, _> =
        stocks.iter().map(|(name, capacity, _)| (stock(name), *capacity)).collect();
    let prices: Prices = stocks
        .iter()
        .filter_map(|(name, _, price)| price.map(|price| (stock(name), price)))
        .collect();
    CommandKind::PutEvent {
        event: event("default"),
        capacities,
        settings: EventSettings { prices, sell_by, ..EventSettings::default() },
        if_settings_seq: None,
        only_create: false,
        draw: None,
    }
}

pub fn sell(wanted: &[(&str, u64)]) -> CommandKind {
    CommandKind::Reserve {
        event: event("default"),
        items: items(wanted),
        customer: None,
        by_seller: true,
        pass: None,
    }
}

pub fn hold(wanted: &[(&str, u64)], ttl_ms: u64) -> CommandKind {
    CommandKind::Hold {
        event: event("default"),
        items: items(wanted),
        customer: None,
        ttl_ms: Some(ttl_ms),
        pass: None,
    }
}

/// The same sale or hold, of this customer.
pub fn with_customer(mut kind: CommandKind, name: &str) -> CommandKind {
    if let CommandKind::Reserve { customer, .. } | CommandKind::Hold { customer, .. } = &mut kind {
        *customer = Some(CustomerId::new(name).unwrap());
    }
    kind
}

/// The same event, with this limit per customer.
pub fn with_limit(mut kind: CommandKind, limit: Option<u64>) -> CommandKind {
    if let CommandKind::PutEvent { settings, .. } = &mut kind {
        settings.limit_per_customer = limit;
    }
    kind
}

pub fn confirm(number: u8, payment: Option<&str>, amount: Option<Money>) -> CommandKind {
    let payment_ref = payment.map(paid);
    CommandKind::Confirm { hold: id(number), payment_ref, amount, by_seller: true }
}

pub fn start(number: u8, payment: &str) -> CommandKind {
    CommandKind::StartPayment { hold: id(number), payment_ref: paid(payment) }
}

pub fn refund(number: u8) -> CommandKind {
    CommandKind::Refund { reservation: id(number), items: None }
}

/// The refusal of a payment that came too late.
pub fn due(payment: &str) -> RefusalKind {
    RefusalKind::RefundDue { payment_ref: paid(payment) }
}

/// A store that decides commands one by one. Hold and sale number N have the id of N.
pub struct Shop<K: Kit> {
    kit: K,
    store: Option<K::Store>,
    pub limits: Limits,
    pub now_ms: u64,
    keys: Vec<IdempotencyKey>,
}

impl<K: Kit> Shop<K> {
    pub async fn open(mut kit: K) -> Self {
        let store = Some(kit.open().await);
        let limits = Limits {
            hold_ttl_max_ms: 100_000,
            hold_lifetime_max_ms: 50_000,
            payment_window_ms: 30_000,
            ..Limits::default()
        };
        Self { kit, store, limits, now_ms: T, keys: Vec::new() }
    }

    /// Closes the store and opens it again.
    pub async fn reopen(&mut self) {
        drop(self.store.take());
        self.store = Some(self.kit.open().await);
    }

    fn store(&self) -> &K::Store {
        self.store.as_ref().unwrap()
    }

    pub async fn ask(&mut self, number: u8, kind: CommandKind, key: Option<&str>) -> BatchReply {
        let key = key.map(|text| kind.scoped(&crate::support::key(text)));
        self.keys.extend(key.clone());
        let (limits, now_ms) = (self.limits.clone(), self.now_ms);
        run(self.store.as_mut().unwrap(), &limits, number, kind, key, now_ms).await
    }

    /// Decides these in one batch, and returns the replies.
    pub async fn ask_all(&mut self, commands: Vec<Command>) -> Vec<BatchReply> {
        let commands = commands.iter().map(|command| (command, None));
        let (limits, now_ms) = (self.limits.clone(), self.now_ms);
        let store = self.store.as_mut().unwrap();
        run_batch(store, &limits, commands, Vec::new(), now_ms, Durability::Synced)
            .await
            .unwrap()
            .replies
    }

    /// The outcome of a command that is accepted.
    pub async fn accept(&mut self, number: u8, kind: CommandKind) -> Outcome {
        self.ask(number, kind, None).await.result.unwrap()
    }

    /// The refusal of a command that is refused.
    pub async fn refuse(&mut self, kind: CommandKind) -> RefusalKind {
        self.ask(250, kind, None).await.result.unwrap_err().kind
    }

    /// The refusal of a command that is refused and leaves no record.
    pub async fn refuse_without_trace(&mut self, kind: CommandKind) -> RefusalKind {
        let before = self.records().await.len();
        let refusal = self.refuse(kind).await;
        assert_eq!(self.records().await.len(), before, "the refusal left a record");
        refusal
    }

    pub async fn records(&self) -> Vec<Record> {
        let stored = self.store().reader().records(&event("default"), 0, 10_000).await.unwrap();
        stored.iter().map(|record| Record::from_body(&record.body).unwrap()).collect()
    }

    /// The payments that have to be refunded, as the ledger has them: the hold and the payment.
    pub async fn refunds_due(&self) -> Vec<(Record, PaymentRef)> {
        let due = self.records().await.into_iter().filter_map(|record| {
            let Change::RefundDue { payment_ref, .. } = &record.change else { return None };
            let payment_ref = payment_ref.clone();
            Some((record, payment_ref))
        });
        due.collect()
    }

    pub async fn hold(&self, number: u8) -> Hold {
        self.store().reader().hold(id(number)).await.unwrap().unwrap()
    }

    /// `(available, held, sold)` of a stock.
    pub async fn counts(&self, name: &str) -> (u64, u64, u64) {
        let views = self.kit.views(self.store()).await;
        let counts = views[0].event.stock(&stock(name)).unwrap();
        (counts.available(), counts.held, counts.sold)
    }

    /// Whether the store knows this key of a request like `kind`.
    pub async fn has_key(&mut self, kind: &CommandKind, text: &str) -> bool {
        let key = kind.scoped(&key(text));
        let reads = ReadSet { keys: [key.clone()].into_iter().collect(), ..ReadSet::default() };
        let now_ms = self.now_ms;
        let set = self.store.as_mut().unwrap().load(&reads, now_ms).await.unwrap();
        let is_known = set.keys.contains_key(&key);
        drop(set);
        // It ends the transaction of a shared store.
        self.reopen().await;
        is_known
    }

    /// The ledger passes the audit, and the store has what follows from it.
    pub async fn close(mut self) {
        self.reopen().await;
        let stored = self.store().reader().records(&event("default"), 0, 10_000).await.unwrap();
        let mut again = Replayer::new(MemoryStore::default());
        for record in &stored {
            again.push(&record.body).await.unwrap();
        }
        let entries = stored.iter().map(|entry| (event("default"), entry.seq, entry.body.clone()));
        crate::verify::audit(entries, &self.limits).unwrap().finish().unwrap();
        let (again, _) = again.finish().await.unwrap();
        assert_eq!(again.views(), self.kit.views(self.store()).await);
        for number in 0..=u8::MAX {
            let expected = again.reader().hold(id(number)).await.unwrap();
            assert_eq!(self.store().reader().hold(id(number)).await.unwrap(), expected);
        }
        for used in self.records().await.into_iter().filter_map(|record| record.key) {
            assert!(self.keys.contains(&used.key));
        }
    }

    pub async fn state(&self, number: u8) -> HoldState {
        self.hold(number).await.state
    }
}
