//! Confirmations.

use inventory::{
    HoldId, HoldState, Money, Outcome, PaymentRef, RefusalKind, domain::REFUNDS_DUE_MAX,
};

use super::state::Model;

impl Model {
    /// The answer to a confirmation of a hold that exists, and whether something changed.
    pub fn confirm(
        &mut self,
        id: HoldId,
        payment_ref: Option<&PaymentRef>,
        amount: Option<Money>,
    ) -> Result<(Outcome, bool), RefusalKind> {
        let at = self.holds.iter().position(|known| known.id == id).unwrap();
        let changes = match self.holds[at].state {
            HoldState::Released => return Err(RefusalKind::HoldReleased),
            HoldState::Waiting => return Err(RefusalKind::StillWaiting),
            HoldState::Confirmed => {
                if payment_ref.is_some() && payment_ref != self.holds[at].payment_ref.as_ref() {
                    return Err(RefusalKind::PaidOtherwise);
                }
                false
            }
            HoldState::Held => true,
            HoldState::Expired => {
                self.acquire_again(at, payment_ref)?;
                true
            }
        };
        let hold = &mut self.holds[at];
        if amount.is_some() && amount != hold.total {
            return Err(RefusalKind::AmountMismatch { total: hold.total });
        }
        if changes {
            hold.state = HoldState::Confirmed;
            hold.payment_ref = payment_ref.cloned();
        }
        let (items, payment_ref) = (hold.items.clone(), hold.payment_ref.clone());
        Ok((Outcome::Confirmed { id, items, payment_ref }, changes))
    }

    /// Whether an expired hold may have its items again.
    fn acquire_again(
        &mut self,
        at: usize,
        payment_ref: Option<&PaymentRef>,
    ) -> Result<(), RefusalKind> {
        let hold = &self.holds[at];
        if let Some(due) = payment_ref.filter(|paid| hold.refunds_due.contains(paid)) {
            return Err(RefusalKind::RefundDue { payment_ref: due.clone() });
        }
        if payment_ref.is_some() && hold.refunds_due.len() >= REFUNDS_DUE_MAX {
            return Err(RefusalKind::HoldExpiredSoldOut);
        }
        let (event, items, customer) =
            (hold.event.clone(), hold.items.clone(), hold.customer.clone());
        let is_gone = items.iter().any(|item| {
            !self.events[&event].capacities.contains_key(&item.stock)
                || self.counts(&event, &item.stock).0 < item.qty
        });
        if is_gone {
            return Err(self.too_late(at, payment_ref));
        }
        if customer.is_some() {
            let may_take = self.may_take(&event, &items, customer.as_ref());
            if may_take.is_err() && payment_ref.is_some() {
                return Err(self.too_late(at, payment_ref));
            }
            may_take?;
        }
        Ok(())
    }

    /// A confirmation of a hold that cannot be sold again. The first one of each payment is
    /// recorded.
    fn too_late(&mut self, at: usize, payment_ref: Option<&PaymentRef>) -> RefusalKind {
        let hold = &mut self.holds[at];
        let Some(payment_ref) = payment_ref.cloned() else {
            return RefusalKind::HoldExpiredSoldOut;
        };
        hold.refunds_due.push(payment_ref.clone());
        self.refusal_is_recorded = true;
        RefusalKind::RefundDue { payment_ref }
    }
}
