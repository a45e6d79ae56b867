//! The rules about prices and payments.

use inventory::{
    CommandKind, EventName, HoldId, HoldState, Items, Limits, Money, Outcome, PaymentRef,
    RefusalKind, SellBy,
};

use super::state::Model;

impl Model {
    /// Whether the caller of `kind` may sell what `event` has.
    pub fn may_sell(&self, event: Option<&EventName>, kind: &CommandKind) -> bool {
        let known = event.and_then(|name| self.events.get(name));
        let by_seller = match kind {
            CommandKind::Reserve { by_seller, .. } | CommandKind::Confirm { by_seller, .. } => {
                *by_seller
            }
            _ => true,
        };
        by_seller || known.is_none_or(|event| event.settings.sell_by != Some(SellBy::Seller))
    }

    pub fn price(&self, event: &EventName, items: &Items) -> Result<Option<Money>, RefusalKind> {
        let prices = &self.events[event].settings.prices;
        let priced: Vec<_> =
            items.iter().filter_map(|item| Some((prices.get(&item.stock)?, item.qty))).collect();
        let Some((first, _)) = priced.first() else { return Ok(None) };
        if priced.iter().any(|(price, _)| price.currency != first.currency) {
            return Err(RefusalKind::MixedCurrencies);
        }
        let amount_minor = priced.iter().map(|(price, qty)| price.amount_minor * qty).sum();
        Ok(Some(Money { amount_minor, currency: first.currency }))
    }

    pub fn start_payment(
        &mut self,
        limits: &Limits,
        id: HoldId,
        payment_ref: &PaymentRef,
        keyed: bool,
        now_ms: u64,
    ) -> Result<(Outcome, bool), RefusalKind> {
        let hold = self.holds.iter_mut().find(|known| known.id == id).unwrap();
        match hold.state {
            HoldState::Held => {}
            HoldState::Confirmed => return Err(RefusalKind::HoldConfirmed),
            HoldState::Released => return Err(RefusalKind::HoldReleased),
            HoldState::Waiting => return Err(RefusalKind::StillWaiting),
            HoldState::Expired => return Err(RefusalKind::HoldExpired),
        }
        let is_first = hold.payment_started.is_none();
        if is_first {
            hold.payment_started = Some(payment_ref.clone());
            let latest = hold.created_at_ms + limits.hold_lifetime_max_ms;
            let until = (now_ms + limits.payment_window_ms).min(latest);
            hold.expires_at_ms = hold.expires_at_ms.max(until);
        } else if hold.payment_started.as_ref() != Some(payment_ref) {
            return Err(RefusalKind::PaymentStarted);
        }
        let (items, expires_at_ms) = (hold.items.clone(), hold.expires_at_ms);
        let payment_ref = payment_ref.clone();
        Ok((Outcome::PaymentStarted { id, items, expires_at_ms, payment_ref }, is_first || keyed))
    }
}
