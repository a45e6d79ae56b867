//! A request to vacancy, as the link carries it.

use http_server::extract::Caller;
use inventory::{CommandKind, Items};
use public_api::{TraceHeaders, WriteRequest};
use vacancy_api::{BatchEntry, ItemRequest, Operation};

/// One caller's request.
#[derive(Debug, Clone)]
pub struct LinkRequest {
    /// What is asked for. Its deadline is set when it is sent.
    pub entry: BatchEntry,
    /// Who asks, by the token of the request.
    pub caller: Caller,
    /// The headers that trace the request through both services.
    pub trace: TraceHeaders,
}

impl LinkRequest {
    /// The request for a write; `None` if no call of ticket asks for such a write.
    pub fn write(request: WriteRequest) -> Option<Self> {
        let WriteRequest { kind, key, caller, trace, .. } = request;
        Some(Self { entry: BatchEntry { key, ..entry(kind)? }, caller, trace })
    }

    /// The request for a read, which needs no key and no role.
    pub fn read(entry: BatchEntry, trace: TraceHeaders) -> Self {
        Self { entry, caller: Caller::Anonymous, trace }
    }

    /// Returns an upper bound of its size in the body of a call, bytes, with JSON escapes.
    pub fn wire_bytes_max(&self) -> usize {
        const MEMBERS: usize = 288;
        const ITEM: usize = 112;
        const LEAF: usize = 46;
        const PASS: usize = 160;
        let entry = &self.entry;
        let texts = [
            entry.key.as_ref().map(|key| key.as_str().len()),
            entry.customer.as_ref().map(|customer| customer.as_str().len()),
            entry.payment_ref.as_ref().map(|payment| payment.as_str().len()),
        ];
        let texts: usize = texts.into_iter().flatten().map(|len| len * 2).sum();
        let items = ITEM * entry.items.as_ref().map_or(0, Vec::len);
        let leaves = LEAF * entry.leaves.as_ref().map_or(0, Vec::len);
        let pass = if entry.pass.is_some() { PASS } else { 0 };
        MEMBERS + texts + items + leaves + pass
    }
}

fn entry(kind: CommandKind) -> Option<BatchEntry> {
    Some(match kind {
        CommandKind::Reserve { event, items, customer, by_seller, pass } => BatchEntry {
            event: Some(event),
            qty: Some(items.total()),
            customer,
            seller: by_seller,
            pass: pass.map(|pass| (*pass).into()),
            ..BatchEntry::new(Operation::Reserve)
        },
        CommandKind::Hold { event, items, customer, ttl_ms, pass } => BatchEntry {
            event: Some(event),
            items: Some(requested(&items)),
            customer,
            ttl_s: ttl_ms.map(|ttl_ms| ttl_ms / 1_000),
            pass: pass.map(|pass| (*pass).into()),
            ..BatchEntry::new(Operation::Hold)
        },
        CommandKind::Extend { hold, ttl_ms } => BatchEntry {
            id: Some(hold),
            ttl_s: Some(ttl_ms / 1_000),
            ..BatchEntry::new(Operation::Extend)
        },
        CommandKind::StartPayment { hold, payment_ref } => BatchEntry {
            id: Some(hold),
            payment_ref: Some(payment_ref),
            seller: true,
            ..BatchEntry::new(Operation::StartPayment)
        },
        CommandKind::Confirm { hold, payment_ref, amount, by_seller } => BatchEntry {
            id: Some(hold),
            payment_ref,
            amount: amount.map(Into::into),
            seller: by_seller,
            ..BatchEntry::new(Operation::Confirm)
        },
        CommandKind::Release { hold } => {
            BatchEntry { id: Some(hold), ..BatchEntry::new(Operation::Release) }
        }
        CommandKind::Refund { reservation, items } => BatchEntry {
            id: Some(reservation),
            items: items.as_ref().map(requested),
            seller: true,
            ..BatchEntry::new(Operation::Refund)
        },
        CommandKind::JoinWaitlist { event, items, customer } => BatchEntry {
            event: Some(event),
            items: Some(requested(&items)),
            customer,
            ..BatchEntry::new(Operation::JoinWaitlist)
        },
        CommandKind::LeaveWaitlist { hold } => {
            BatchEntry { id: Some(hold), ..BatchEntry::new(Operation::LeaveWaitlist) }
        }
        CommandKind::JoinQueue { event, queue, leaves } => BatchEntry {
            event: Some(event),
            queue: Some(queue),
            leaves: Some(leaves),
            ..BatchEntry::new(Operation::JoinQueue)
        },
        CommandKind::ClaimPass { event, queue, leaf } => BatchEntry {
            event: Some(event),
            queue: Some(queue),
            leaves: Some(vec![leaf]),
            ..BatchEntry::new(Operation::ClaimPass)
        },
        CommandKind::PutEvent { .. }
        | CommandKind::DeleteEvent { .. }
        | CommandKind::Expire { .. }
        | CommandKind::RevealDraw { .. }
        | CommandKind::CallPlaces { .. }
        | CommandKind::PauseQueue { .. } => return None,
    })
}

fn requested(items: &Items) -> Vec<ItemRequest> {
    let item = |item: &inventory::Item| ItemRequest { stock: item.stock.clone(), qty: item.qty };
    items.iter().map(item).collect()
}
