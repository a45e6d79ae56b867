//! What the entry of a batch asks for.

use draw::Leaf;
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
    /// A place to read.
    Place(EventName, Leaf),
    /// Places to read, from a record on, at most so many.
    Leaves(EventName, u64, usize),
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
    let items = |items: Vec<ItemRequest>| items_from(items, limits);
    if entry.op == Operation::ReadReservations {
        return reservations(app, entry).map(Work::Reservations);
    }
    if matches!(
        entry.op,
        Operation::JoinQueue | Operation::ClaimPass | Operation::ReadPlace | Operation::ReadLeaves
    ) {
        return in_queue(app, entry);
    }
    let has_pass = matches!(entry.op, Operation::Reserve | Operation::Hold);
    if (entry.limit, entry.queue, &entry.leaves, entry.after) != (None, None, &None, None)
        || (entry.pass.is_some() && !has_pass)
    {
        return Err(misfit());
    }
    let BatchEntry {
        op,
        id,
        event,
        qty,
        items: wanted,
        customer,
        ttl_s,
        payment_ref,
        amount,
        pass,
        ..
    } = entry;
    let pass = pass.map(|pass| Box::new(pass.into()));
    let kind = match (op, id, event, qty, wanted, customer, ttl_s, payment_ref, amount) {
        (Operation::Reserve, None, event, Some(qty), None, customer, None, None, None) => {
            let event = event.unwrap_or_else(|| app.stock().event().clone());
            app.stock().reserve(event, qty, customer, by_seller, pass)?
        }
        (Operation::Hold, None, Some(event), None, Some(wanted), customer, ttl_s, None, None) => {
            let ttl_ms = ttl_s.map(|ttl_s| ttl_ms(limits, ttl_s)).transpose()?;
            CommandKind::Hold { event, items: items(wanted)?, customer, ttl_ms, pass }
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
        (
            Operation::JoinWaitlist,
            None,
            Some(event),
            None,
            Some(wanted),
            customer,
            None,
            None,
            None,
        ) => CommandKind::JoinWaitlist { event, items: items(wanted)?, customer },
        (Operation::LeaveWaitlist, Some(hold), None, None, None, None, None, None, None) => {
            CommandKind::LeaveWaitlist { hold }
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

/// The work for an entry about a waiting room.
fn in_queue(app: &AppState, entry: BatchEntry) -> Result<Work, Problem> {
    let BatchEntry {
        op,
        id,
        event,
        qty,
        items,
        customer,
        ttl_s,
        payment_ref,
        amount,
        limit,
        queue,
        leaves,
        pass,
        after,
        // They go with any op.
        key: _,
        seller: _,
        timeout_ms: _,
    } = entry;
    let others = (id, qty, items, customer, ttl_s, payment_ref, amount, pass);
    if others != (None, None, None, None, None, None, None, None) {
        return Err(misfit());
    }
    let event = event.ok_or_else(misfit)?;
    let leaves = leaves.unwrap_or_default();
    let joins_max = app.engine().limits().joins_max;
    match (op, queue, leaves.as_slice(), after, limit) {
        (Operation::JoinQueue, Some(queue), [_, ..], None, None) if leaves.len() <= joins_max => {
            Ok(Work::Decide(CommandKind::JoinQueue { event, queue, leaves }))
        }
        (Operation::ClaimPass, Some(queue), [leaf], None, None) => {
            Ok(Work::Decide(CommandKind::ClaimPass { event, queue, leaf: *leaf }))
        }
        (Operation::ReadPlace, None, [leaf], None, None) => Ok(Work::Place(event, *leaf)),
        (Operation::ReadLeaves, None, [], Some(after), Some(limit)) => {
            Ok(Work::Leaves(event, after, limit))
        }
        _ => Err(misfit()),
    }
}

fn misfit() -> Problem {
    Problem::validation("The members of the entry do not fit its op.")
}
