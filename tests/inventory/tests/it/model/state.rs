//! The state of the model.

use std::collections::{BTreeMap, HashMap};

use inventory::{
    CommandKind, CustomerId, EventName, EventSettings, HoldId, HoldState, HoldTerms,
    IdempotencyKey, Items, Money, Outcome, PaymentRef, StockName, domain::LookupKey,
};

use super::room::ModelQueue;

#[derive(Default)]
pub struct Model {
    pub events: BTreeMap<EventName, ModelEvent>,
    pub holds: Vec<ModelHold>,
    /// By call, caller and text.
    pub keys: HashMap<(&'static str, String, IdempotencyKey), ModelKey>,
    /// The last refusal has a record.
    pub refusal_is_recorded: bool,
}

#[derive(Default)]
pub struct ModelEvent {
    pub capacities: BTreeMap<StockName, u64>,
    pub settings: EventSettings,
    pub settings_seq: u64,
    pub seq: u64,
    pub at_ms: u64,
    pub queue: Option<ModelQueue>,
    /// The last settings have another record with a commitment.
    pub commits: bool,
}

pub struct ModelHold {
    pub id: HoldId,
    pub event: EventName,
    pub items: Items,
    pub refunded: BTreeMap<StockName, u64>,
    pub customer: Option<CustomerId>,
    pub payment_ref: Option<PaymentRef>,
    pub state: HoldState,
    pub created_at_ms: u64,
    pub expires_at_ms: u64,
    pub confirmed_seq: u64,
    pub total: Option<Money>,
    pub payment_started: Option<PaymentRef>,
    pub refunds_due: Vec<PaymentRef>,
}

pub struct ModelKey {
    pub kind: CommandKind,
    pub answer: Outcome,
    pub seq: u64,
    pub expires_at_ms: u64,
}

impl ModelHold {
    pub fn takes(&self, stock: &StockName) -> u64 {
        match self.state {
            HoldState::Held => self.items.qty_of(stock),
            HoldState::Confirmed => {
                self.items.qty_of(stock) - self.refunded.get(stock).copied().unwrap_or(0)
            }
            HoldState::Released | HoldState::Expired | HoldState::Waiting => 0,
        }
    }
}

impl Model {
    /// `(available, held, sold)` of a stock.
    pub fn counts(&self, event: &EventName, stock: &StockName) -> (u64, u64, u64) {
        let of_event = || self.holds.iter().filter(|hold| hold.event == *event);
        let held: u64 = of_event()
            .filter(|hold| hold.state == HoldState::Held)
            .map(|hold| hold.takes(stock))
            .sum();
        let sold: u64 = of_event()
            .filter(|hold| hold.state == HoldState::Confirmed)
            .map(|hold| hold.takes(stock))
            .sum();
        (self.events[event].capacities[stock] - held - sold, held, sold)
    }

    pub fn events(&self) -> impl Iterator<Item = (&EventName, &BTreeMap<StockName, u64>, u64)> {
        self.events.iter().map(|(name, event)| (name, &event.capacities, event.seq))
    }

    pub fn state_of(&self, id: HoldId) -> Option<HoldState> {
        self.holds.iter().find(|hold| hold.id == id).map(|hold| hold.state)
    }

    pub fn terms_of(&self, id: HoldId) -> Option<HoldTerms> {
        self.holds.iter().find(|hold| hold.id == id).map(|hold| HoldTerms {
            total: hold.total,
            payment_started: hold.payment_started.clone(),
            refunds_due: hold.refunds_due.clone(),
        })
    }

    /// Holds of a customer or payment, the newest first.
    pub fn lookup(&self, key: LookupKey<'_>) -> Vec<(HoldId, HoldState)> {
        let found = self.holds.iter().filter(|hold| match key {
            LookupKey::Customer(customer) => hold.customer.as_ref() == Some(customer),
            LookupKey::PaymentRef(payment) => {
                hold.payment_ref.as_ref() == Some(payment)
                    || hold.payment_started.as_ref() == Some(payment)
                    || hold.refunds_due.contains(payment)
            }
        });
        let mut found: Vec<_> = found.map(|hold| (hold.id, hold.state)).collect();
        found.sort_by_key(|(id, _)| std::cmp::Reverse(*id));
        found
    }

    /// Everything a batch touches is looked at first: holds whose time is over expire.
    pub fn expire(&mut self, touched: &[EventName], now_ms: u64) {
        for (name, event) in self.events.iter_mut().filter(|(name, _)| touched.contains(name)) {
            let now_ms = now_ms.max(event.at_ms);
            let due = self.holds.iter_mut().filter(|hold| {
                hold.event == *name && hold.state == HoldState::Held && hold.expires_at_ms <= now_ms
            });
            for hold in due {
                hold.state = HoldState::Expired;
                event.seq += 1;
                event.at_ms = now_ms;
            }
        }
    }

    pub fn event_of(&self, kind: &CommandKind) -> Option<EventName> {
        match kind {
            CommandKind::PutEvent { event, .. }
            | CommandKind::DeleteEvent { event, .. }
            | CommandKind::Reserve { event, .. }
            | CommandKind::Hold { event, .. }
            | CommandKind::JoinQueue { event, .. }
            | CommandKind::ClaimPass { event, .. }
            | CommandKind::RevealDraw { event, .. }
            | CommandKind::CallPlaces { event, .. }
            | CommandKind::PauseQueue { event, .. }
            | CommandKind::Expire { event } => Some(event.clone()),
            CommandKind::Extend { hold, .. }
            | CommandKind::StartPayment { hold, .. }
            | CommandKind::Confirm { hold, .. }
            | CommandKind::Release { hold }
            | CommandKind::Refund { reservation: hold, .. } => {
                self.holds.iter().find(|known| known.id == *hold).map(|hold| hold.event.clone())
            }
            other => unreachable!("{other:?}"),
        }
    }
}

/// The call and the caller that a key belongs to.
pub fn owner(kind: &CommandKind) -> (&'static str, String) {
    let customer = |customer: &Option<CustomerId>| {
        customer.as_ref().map_or(String::new(), ToString::to_string)
    };
    match kind {
        CommandKind::Reserve { customer: who, .. } => ("sale", customer(who)),
        CommandKind::Hold { customer: who, .. } => ("hold", customer(who)),
        CommandKind::Extend { hold, .. } => ("extend", hold.to_string()),
        CommandKind::StartPayment { hold, .. } => ("payment", hold.to_string()),
        CommandKind::Confirm { hold, .. } => ("confirm", hold.to_string()),
        CommandKind::Refund { .. } => ("refund", "admin".to_owned()),
        // These take no keys over HTTP; with one, it is in the scope of sales without a customer.
        CommandKind::PutEvent { .. }
        | CommandKind::DeleteEvent { .. }
        | CommandKind::Release { .. }
        | CommandKind::JoinQueue { .. }
        | CommandKind::ClaimPass { .. }
        | CommandKind::RevealDraw { .. }
        | CommandKind::CallPlaces { .. }
        | CommandKind::PauseQueue { .. }
        | CommandKind::Expire { .. } => ("sale", String::new()),
        other => unreachable!("{other:?}"),
    }
}
