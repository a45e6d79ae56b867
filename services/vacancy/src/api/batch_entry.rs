//! What the entry of a batch asks for.

use http_server::{Problem, extract::Caller};
use inventory::{CommandKind, EventName, HoldId};
use public_api::ReservationRequest;
use vacancy_api::{BatchEntry, ItemRequest, Operation, items_from, ttl_ms};

use super::state::AppState;

/// The work for one entry.
pub enum Work {
    /// A decision of the engine.
    Decide(CommandKind),
    /// A hold to read.
    Hold(HoldId),
    /// An event to read.
    Event(EventName),
    /// Reservations to look up.
    Reservations(ReservationRequest),
}

/// The work for `entry` of a batch that `caller` sent.
///
/// # Errors
/// 401 or 403 when the entry needs the seller's token, 422 when it asks for nothing that there is.
pub fn work(app: &AppState, entry: BatchEntry, caller: Caller) -> Result<Work, Problem> {
    let by_seller = entry.seller;
    let needs_seller = matches!(
        entry.op,
        Operation::StartPayment | Operation::Refund | Operation::ReadReservations
    );
    if (by_seller && !caller.may_sell()) || (needs_seller && !by_seller) {
        return Err(caller.not_seller());
    }
    let limits = app.engine().limits();
    let items = |items: Vec<ItemRequest>| {
        items_from(items, limits).map_err(|error| Problem::validation(format!("{error}.")))
    };
    if entry.op == Operation::ReadReservations {
        return reservations(app, entry).map(Work::Reservations);
    }
    if entry.limit.is_some() {
        return Err(misfit());
    }
    let BatchEntry {
        op, id, event, qty, items: wanted, customer, ttl_s, payment_ref, amount, ..
    } = entry;
    let kind = match (op, id, event, qty, wanted, customer, ttl_s, payment_ref, amount) {
        (Operation::Reserve, None, event, Some(qty), None, customer, None, None, None) => {
            let event = event.unwrap_or_else(|| app.stock().event().clone());
            app.stock().reserve(event, qty, customer, by_seller)?
        }
        (Operation::Hold, None, Some(event), None, Some(wanted), customer, ttl_s, None, None) => {
            let ttl_ms = ttl_s.map(|ttl_s| ttl_ms(limits, ttl_s)).transpose()?;
            CommandKind::Hold { event, items: items(wanted)?, customer, ttl_ms }
        }
        (Operation::Extend, Some(hold), None, None, None, None, Some(ttl_s), None, None) => {
            CommandKind::Extend { hold, ttl_ms: ttl_ms(limits, ttl_s)? }
        }
        (
            Operation::StartPayment,
            Some(hold),
            None,
            None,
            None,
            None,
            None,
            Some(payment_ref),
            None,
        ) => CommandKind::StartPayment { hold, payment_ref },
        (Operation::Confirm, Some(hold), None, None, None, None, None, payment_ref, amount) => {
            let amount = amount.map(Into::into);
            CommandKind::Confirm { hold, payment_ref, amount, by_seller }
        }
        (Operation::Release, Some(hold), None, None, None, None, None, None, None) => {
            CommandKind::Release { hold }
        }
        (Operation::Refund, Some(reservation), None, None, wanted, None, None, None, None) => {
            CommandKind::Refund { reservation, items: wanted.map(items).transpose()? }
        }
        (Operation::ReadHold, Some(hold), None, None, None, None, None, None, None) => {
            return Ok(Work::Hold(hold));
        }
        (Operation::ReadEvent, None, Some(event), None, None, None, None, None, None) => {
            return Ok(Work::Event(event));
        }
        _ => return Err(misfit()),
    };
    Ok(Work::Decide(kind))
}

fn reservations(app: &AppState, entry: BatchEntry) -> Result<ReservationRequest, Problem> {
    let BatchEntry { id, event, qty, items, customer, ttl_s, payment_ref, amount, limit, .. } =
        entry;
    let others = (qty, items, ttl_s, amount);
    if others != (None, None, None, None) || (customer.is_none() && payment_ref.is_none()) {
        return Err(misfit());
    }
    let limit = app.page_len(limit)?;
    Ok(ReservationRequest { customer, payment_ref, event, before: id, limit })
}

fn misfit() -> Problem {
    Problem::validation("The members of the entry do not fit its op.")
}
