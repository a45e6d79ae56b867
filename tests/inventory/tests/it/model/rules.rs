//! The rules of the model.

use std::collections::BTreeMap;

use inventory::{
    Command, CommandKind, CustomerId, EventName, EventSettings, HoldId, HoldState, IdempotencyKey,
    Items, Limits, Outcome, PassUse, RefusalKind,
};

use super::{
    history::Batch,
    state::{Model, ModelHold, ModelKey, owner},
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
        touched.iter().for_each(|name| self.freeze(name, now_ms));
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
        event.iter().for_each(|name| self.freeze(name, now_ms));
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
                let event = event.unwrap();
                self.advance(&event, now_ms);
                if self
                    .events
                    .get_mut(&event)
                    .is_some_and(|event| std::mem::take(&mut event.commits))
                {
                    self.advance(&event, now_ms);
                }
                self.freeze(&event, now_ms);
                let sold = match outcome {
                    Outcome::Sold { id, .. } | Outcome::Confirmed { id, .. } => Some(id),
                    _ => None,
                };
                if let Some(hold) = self.holds.iter_mut().find(|hold| Some(hold.id) == sold) {
                    hold.confirmed_seq = seq + 1;
                }
                if let Some(key) = key {
                    // No key repeats that an event was created again.
                    let answer = match &outcome {
                        Outcome::EventPut { settings_seq, .. } => {
                            Outcome::EventPut { created: seq == 0, settings_seq: *settings_seq }
                        }
                        other => other.clone(),
                    };
                    let used = ModelKey {
                        kind: command.kind.clone(),
                        answer,
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
            CommandKind::PutEvent {
                event, capacities, settings, if_settings_seq, draw, ..
            } => {
                let new = (capacities, settings);
                self.put_event(event, new, *if_settings_seq, draw.as_deref())
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
                known.queue = None;
                known.settings_seq = known.seq + 1;
                Ok((Outcome::EventDeleted, true))
            }
            CommandKind::Reserve { event, items, customer, pass, .. } => {
                self.check_sale(event, pass.as_deref(), now_ms)?;
                self.may_take(event, items, customer.as_ref())?;
                let total = self.price(event, items)?;
                self.use_pass(event, pass.as_deref(), (id, items.total()));
                self.insert(id, event, items, customer.as_ref(), HoldState::Confirmed, now_ms, 0);
                let left = items
                    .iter()
                    .map(|item| (item.stock.clone(), self.counts(event, &item.stock).0))
                    .collect();
                Ok((Outcome::Sold { id, items: items.clone(), left, total }, true))
            }
            CommandKind::Hold { event, items, customer, ttl_ms, pass } => {
                self.check_sale(event, pass.as_deref(), now_ms)?;
                self.may_take(event, items, customer.as_ref())?;
                let total = self.price(event, items)?;
                self.use_pass(event, pass.as_deref(), (id, items.total()));
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
                    HoldState::Waiting => return Err(RefusalKind::StillWaiting),
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
                self.confirm(*hold, payment_ref.as_ref(), *amount)
            }
            CommandKind::Release { hold } => {
                self.now_of(*hold, now_ms)?;
                let hold = self.holds.iter_mut().find(|known| known.id == *hold).unwrap();
                match hold.state {
                    HoldState::Confirmed => Err(RefusalKind::HoldConfirmed),
                    HoldState::Released | HoldState::Expired => Ok((Outcome::Released, false)),
                    HoldState::Held | HoldState::Waiting => {
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
            CommandKind::JoinQueue { event, queue, leaves } => {
                self.join_queue(limits, (event, *queue), leaves, now_ms)
            }
            CommandKind::ClaimPass { event, queue, leaf } => {
                self.claim_pass((event, *queue), (leaf, id), now_ms)
            }
            CommandKind::RevealDraw { event, queue, seed, beacon } => {
                self.reveal_draw((event, *queue), seed, beacon.as_deref())
            }
            CommandKind::CallPlaces { event, queue, from, serving, upto } => {
                self.call_places((event, *queue), (*from, *serving, *upto), now_ms)
            }
            CommandKind::PauseQueue { event, paused } => self.pause_queue(event, *paused),
            other => unreachable!("{other:?}"),
        }
    }

    fn now_of(&self, hold: HoldId, now_ms: u64) -> Result<u64, RefusalKind> {
        let hold =
            self.holds.iter().find(|known| known.id == hold).ok_or(RefusalKind::HoldNotFound)?;
        Ok(now_ms.max(self.events[&hold.event].at_ms))
    }

    /// Whether the event sells now, and to a caller with this pass.
    fn check_sale(
        &self,
        name: &EventName,
        pass: Option<&PassUse>,
        now_ms: u64,
    ) -> Result<(), RefusalKind> {
        let event = self.events.get(name).filter(|event| !event.capacities.is_empty());
        let event = event.ok_or(RefusalKind::EventNotFound)?;
        let now_ms = now_ms.max(event.at_ms);
        match (event.settings.opens_at_ms, event.settings.closes_at_ms) {
            (Some(opens_at_ms), _) if now_ms < opens_at_ms => {
                Err(RefusalKind::NotOpenYet { opens_at_ms, wait_ms: opens_at_ms - now_ms })
            }
            (_, Some(closes_at_ms)) if now_ms >= closes_at_ms => {
                Err(RefusalKind::SaleClosed { closes_at_ms })
            }
            _ => self.check_pass(name, pass, now_ms),
        }
    }

    pub(super) fn may_take(
        &self,
        name: &EventName,
        items: &Items,
        customer: Option<&CustomerId>,
    ) -> Result<(), RefusalKind> {
        let event = &self.events[name];
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
