//! The rules of the model.

use std::collections::BTreeMap;

use inventory::{
    Command, CommandKind, CustomerId, EventName, EventSettings, HoldId, HoldState, IdempotencyKey,
    Items, Limits, Outcome, RefusalKind,
};

use super::{
    history::Batch,
    state::{Model, ModelEvent, ModelHold, ModelKey, owner},
};

pub type Answer = Result<Outcome, RefusalKind>;

impl Model {
    /// The expected replies to a batch.
    pub fn decide_batch(
        &mut self,
        limits: &Limits,
        batch: &Batch,
        now_ms: u64,
    ) -> Vec<(Answer, u64)> {
        // A command about a hold made within its own batch touches no event of its own at loading
        // time.
        let touched: Vec<_> =
            batch.iter().filter_map(|(command, _)| self.event_of(&command.kind)).collect();
        self.expire(&touched, now_ms);
        let commands = batch.iter();
        commands.map(|(command, key)| self.decide(limits, command, key.as_ref(), now_ms)).collect()
    }

    /// The expected reply, with its `seq`.
    pub fn decide(
        &mut self,
        limits: &Limits,
        command: &Command,
        key: Option<&IdempotencyKey>,
        now_ms: u64,
    ) -> (Answer, u64) {
        let event = self.event_of(&command.kind);
        let seq =
            event.as_ref().and_then(|name| self.events.get(name)).map_or(0, |event| event.seq);
        if !self.may_sell(event.as_ref(), &command.kind) {
            return (Err(RefusalKind::SellerOnly), seq);
        }
        let key = key.map(|key| {
            let (call, caller) = owner(&command.kind);
            (call, caller, key.clone())
        });
        if let Some(used) = key
            .as_ref()
            .and_then(|key| self.keys.get(key))
            .filter(|used| used.expires_at_ms > now_ms)
        {
            let answer = if used.kind.fingerprint() == command.kind.fingerprint() {
                Ok(used.answer.clone())
            } else {
                Err(RefusalKind::KeyReused)
            };
            return (answer, used.seq);
        }
        match self.rule(limits, command, key.is_some(), now_ms) {
            // A repeated confirmation is answered with the `seq` of the first.
            Ok((outcome @ Outcome::Confirmed { id, .. }, false)) => {
                let seq = self.holds.iter().find(|hold| hold.id == id).unwrap().confirmed_seq;
                (Ok(outcome), seq)
            }
            Ok((outcome, false)) => (Ok(outcome), seq),
            Err(kind) if std::mem::take(&mut self.refusal_is_recorded) => {
                self.advance(&event.unwrap(), now_ms);
                (Err(kind), seq + 1)
            }
            Err(kind) => (Err(kind), seq),
            Ok((outcome, true)) => {
                self.advance(&event.unwrap(), now_ms);
                let sold = match outcome {
                    Outcome::Sold { id, .. } | Outcome::Confirmed { id, .. } => Some(id),
                    _ => None,
                };
                if let Some(hold) = self.holds.iter_mut().find(|hold| Some(hold.id) == sold) {
                    hold.confirmed_seq = seq + 1;
                }
                if let Some(key) = key {
                    let used = ModelKey {
                        kind: command.kind.clone(),
                        answer: outcome.clone(),
                        seq: seq + 1,
                        expires_at_ms: now_ms + limits.key_ttl_ms,
                    };
                    self.keys.insert(key, used);
                }
                (Ok(outcome), seq + 1)
            }
        }
    }

    fn advance(&mut self, event: &EventName, now_ms: u64) {
        let event = self.events.get_mut(event).unwrap();
        event.seq += 1;
        event.at_ms = event.at_ms.max(now_ms);
    }

    /// The answer and whether something changed.
    fn rule(
        &mut self,
        limits: &Limits,
        command: &Command,
        keyed: bool,
        now_ms: u64,
    ) -> Result<(Outcome, bool), RefusalKind> {
        let id = command.id;
        match &command.kind {
            CommandKind::PutEvent { event, capacities, settings, if_settings_seq, .. } => {
                let Some(known) = self.events.get(event) else {
                    if if_settings_seq.is_some() {
                        return Err(RefusalKind::PreconditionFailed);
                    }
                    let new = ModelEvent {
                        capacities: capacities.clone(),
                        settings: settings.clone(),
                        settings_seq: 1,
                        seq: 0,
                        at_ms: 0,
                    };
                    self.events.insert(event.clone(), new);
                    return Ok((Outcome::EventPut { created: true, settings_seq: 1 }, true));
                };
                if if_settings_seq.is_some_and(|seq| seq != known.settings_seq) {
                    return Err(RefusalKind::PreconditionFailed);
                }
                for stock in known.capacities.keys() {
                    let (_, held, sold) = self.counts(event, stock);
                    if held + sold > capacities.get(stock).copied().unwrap_or(0) {
                        return Err(RefusalKind::CapacityBelowUse {
                            stock: stock.clone(),
                            used: held + sold,
                        });
                    }
                }
                let known = self.events.get_mut(event).unwrap();
                if known.capacities.is_empty() {
                    // It was deleted, and is created again.
                    if if_settings_seq.is_some() {
                        return Err(RefusalKind::PreconditionFailed);
                    }
                    known.capacities = capacities.clone();
                    known.settings = settings.clone();
                    known.settings_seq = known.seq + 1;
                    let settings_seq = known.settings_seq;
                    return Ok((Outcome::EventPut { created: true, settings_seq }, true));
                }
                if known.capacities == *capacities && known.settings == *settings {
                    return Ok((
                        Outcome::EventPut { created: false, settings_seq: known.settings_seq },
                        false,
                    ));
                }
                known.capacities = capacities.clone();
                known.settings = settings.clone();
                known.settings_seq = known.seq + 1;
                Ok((Outcome::EventPut { created: false, settings_seq: known.settings_seq }, true))
            }
            CommandKind::DeleteEvent { event, if_settings_seq } => {
                let Some(known) = self.events.get(event) else {
                    return Err(RefusalKind::EventNotFound);
                };
                if known.capacities.is_empty() {
                    return Ok((Outcome::EventDeleted, false));
                }
                if if_settings_seq.is_some_and(|seq| seq != known.settings_seq) {
                    return Err(RefusalKind::PreconditionFailed);
                }
                let used = known
                    .capacities
                    .keys()
                    .map(|stock| self.counts(event, stock))
                    .map(|(_, held, sold)| held + sold)
                    .sum();
                if used > 0 {
                    return Err(RefusalKind::EventInUse { used });
                }
                let known = self.events.get_mut(event).unwrap();
                known.capacities.clear();
                known.settings = EventSettings::default();
                known.settings_seq = known.seq + 1;
                Ok((Outcome::EventDeleted, true))
            }
            CommandKind::Reserve { event, items, customer, .. } => {
                self.may_take(event, items, customer.as_ref(), now_ms, true)?;
                let total = self.price(event, items)?;
                self.insert(id, event, items, customer.as_ref(), HoldState::Confirmed, now_ms, 0);
                let left = items
                    .iter()
                    .map(|item| (item.stock.clone(), self.counts(event, &item.stock).0))
                    .collect();
                Ok((Outcome::Sold { id, items: items.clone(), left, total }, true))
            }
            CommandKind::Hold { event, items, customer, ttl_ms } => {
                self.may_take(event, items, customer.as_ref(), now_ms, true)?;
                let total = self.price(event, items)?;
                let known = &self.events[event];
                let ttl_ms = ttl_ms.or(known.settings.hold_ttl_ms).unwrap_or(limits.hold_ttl_ms);
                let expires_at_ms = now_ms.max(known.at_ms) + ttl_ms.min(limits.hold_ttl_max_ms);
                self.insert(
                    id,
                    event,
                    items,
                    customer.as_ref(),
                    HoldState::Held,
                    now_ms,
                    expires_at_ms,
                );
                Ok((Outcome::Held { id, items: items.clone(), expires_at_ms, total }, true))
            }
            CommandKind::StartPayment { hold, payment_ref } => {
                let now_ms = self.now_of(*hold, now_ms)?;
                self.start_payment(limits, *hold, payment_ref, keyed, now_ms)
            }
            CommandKind::Extend { hold, ttl_ms } => {
                let now_ms = self.now_of(*hold, now_ms)?;
                let hold = self.holds.iter_mut().find(|known| known.id == *hold).unwrap();
                match hold.state {
                    HoldState::Held => {}
                    HoldState::Confirmed => return Err(RefusalKind::HoldConfirmed),
                    HoldState::Released => return Err(RefusalKind::HoldReleased),
                    HoldState::Expired => return Err(RefusalKind::HoldExpired),
                }
                let until = now_ms + ttl_ms;
                if until > hold.created_at_ms + limits.hold_lifetime_max_ms {
                    return Err(RefusalKind::ExtensionCap {
                        lifetime_max_ms: limits.hold_lifetime_max_ms,
                    });
                }
                let longer = until > hold.expires_at_ms;
                hold.expires_at_ms = hold.expires_at_ms.max(until);
                Ok((
                    Outcome::Extended {
                        id: hold.id,
                        items: hold.items.clone(),
                        expires_at_ms: hold.expires_at_ms,
                    },
                    longer || keyed,
                ))
            }
            CommandKind::Confirm { hold, payment_ref, amount, .. } => {
                self.now_of(*hold, now_ms)?;
                self.confirm(*hold, payment_ref.as_ref(), *amount, now_ms)
            }
            CommandKind::Release { hold } => {
                self.now_of(*hold, now_ms)?;
                let hold = self.holds.iter_mut().find(|known| known.id == *hold).unwrap();
                match hold.state {
                    HoldState::Confirmed => Err(RefusalKind::HoldConfirmed),
                    HoldState::Released | HoldState::Expired => Ok((Outcome::Released, false)),
                    HoldState::Held => {
                        hold.state = HoldState::Released;
                        Ok((Outcome::Released, true))
                    }
                }
            }
            CommandKind::Refund { reservation, items } => {
                self.now_of(*reservation, now_ms)?;
                let hold = self.holds.iter_mut().find(|known| known.id == *reservation).unwrap();
                if hold.state != HoldState::Confirmed {
                    return Err(RefusalKind::NotConfirmed);
                }
                if let Some(unknown) =
                    items.iter().flatten().find(|item| hold.items.qty_of(&item.stock) == 0)
                {
                    return Err(RefusalKind::StockNotFound(unknown.stock.clone()));
                }
                let live: Vec<_> = hold
                    .items
                    .iter()
                    .map(|item| (item.stock.clone(), hold.takes(&item.stock)))
                    .filter(|(_, qty)| *qty > 0)
                    .collect();
                let wanted: Vec<_> = match items {
                    Some(items) => {
                        items.iter().map(|item| (item.stock.clone(), item.qty)).collect()
                    }
                    None => live.clone(),
                };
                if wanted.is_empty() || wanted.iter().any(|(stock, qty)| hold.takes(stock) < *qty) {
                    return Err(RefusalKind::AlreadyRefunded);
                }
                for (stock, qty) in &wanted {
                    *hold.refunded.entry(stock.clone()).or_default() += qty;
                }
                let items =
                    wanted.into_iter().map(|(stock, qty)| inventory::Item { qty, stock }).collect();
                Ok((
                    Outcome::Refunded {
                        id,
                        reservation: *reservation,
                        items: Items::new(items, 16, u64::MAX).unwrap(),
                    },
                    true,
                ))
            }
            CommandKind::Expire { .. } => Ok((Outcome::ExpiryNoted, false)),
        }
    }

    fn now_of(&self, hold: HoldId, now_ms: u64) -> Result<u64, RefusalKind> {
        let hold =
            self.holds.iter().find(|known| known.id == hold).ok_or(RefusalKind::HoldNotFound)?;
        Ok(now_ms.max(self.events[&hold.event].at_ms))
    }

    pub(super) fn may_take(
        &self,
        name: &EventName,
        items: &Items,
        customer: Option<&CustomerId>,
        now_ms: u64,
        new: bool,
    ) -> Result<(), RefusalKind> {
        let event = self.events.get(name).ok_or(RefusalKind::EventNotFound)?;
        if new && event.capacities.is_empty() {
            return Err(RefusalKind::EventNotFound);
        }
        let now_ms = now_ms.max(event.at_ms);
        if new {
            match (event.settings.opens_at_ms, event.settings.closes_at_ms) {
                (Some(opens_at_ms), _) if now_ms < opens_at_ms => {
                    return Err(RefusalKind::NotOpenYet {
                        opens_at_ms,
                        wait_ms: opens_at_ms - now_ms,
                    });
                }
                (_, Some(closes_at_ms)) if now_ms >= closes_at_ms => {
                    return Err(RefusalKind::SaleClosed { closes_at_ms });
                }
                _ => {}
            }
        }
        if let Some(item) = items.iter().find(|item| !event.capacities.contains_key(&item.stock)) {
            return Err(RefusalKind::StockNotFound(item.stock.clone()));
        }
        let available: Vec<_> = items
            .iter()
            .map(|item| (item.stock.clone(), self.counts(name, &item.stock).0))
            .collect();
        if items.iter().any(|item| self.counts(name, &item.stock).0 < item.qty) {
            return Err(RefusalKind::SoldOut { available });
        }
        let Some(limit) = event.settings.limit_per_customer else { return Ok(()) };
        let customer = customer.ok_or(RefusalKind::CustomerRequired)?;
        let of_customer = self
            .holds
            .iter()
            .filter(|hold| hold.event == *name && hold.customer.as_ref() == Some(customer));
        let has = of_customer
            .flat_map(|hold| hold.items.iter().map(|item| hold.takes(&item.stock)))
            .sum::<u64>();
        if has + items.total() > limit {
            Err(RefusalKind::LimitExceeded { limit, has })
        } else {
            Ok(())
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn insert(
        &mut self,
        id: HoldId,
        event: &EventName,
        items: &Items,
        customer: Option<&CustomerId>,
        state: HoldState,
        now_ms: u64,
        expires_at_ms: u64,
    ) {
        self.holds.push(ModelHold {
            total: self.price(event, items).unwrap(),
            payment_started: None,
            refunds_due: Vec::new(),
            id,
            event: event.clone(),
            items: items.clone(),
            refunded: BTreeMap::new(),
            customer: customer.cloned(),
            payment_ref: None,
            state,
            created_at_ms: now_ms.max(self.events[event].at_ms),
            expires_at_ms,
            confirmed_seq: 0,
        });
    }
}
