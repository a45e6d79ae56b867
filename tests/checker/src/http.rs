//! Responses of the services over HTTP, as answers.

use std::collections::BTreeMap;

use inventory::{
    CommandKind, EventName, HoldId, Item, Items, Money, Outcome, PaymentRef, RefusalKind, StockName,
};
use inventory_audit::verify::Counts;
use jiff::Timestamp;
use serde_json::Value;

use crate::history::Answer;

/// The command behind `POST /reserve` and `/purchase`: tickets of the default stock.
///
/// # Panics
/// Never: the default names are valid.
#[must_use]
pub fn reserve_kind(qty: u64) -> CommandKind {
    let (Ok(event), Ok(stock)) = (EventName::new("default"), StockName::new("general")) else {
        unreachable!("these are names")
    };
    CommandKind::Reserve {
        event,
        items: Items::one(stock, qty),
        customer: None,
        by_seller: false,
        pass: None,
    }
}

/// The answer to a request of `kind`. A 503 whose body says that the request had no effect is
/// [`Answer::NotDone`], and the check holds the service to it. `seq_header` is `Event-Seq`, for
/// responses without a body.
#[must_use]
pub fn answer(kind: &CommandKind, status: u16, body: &Value, seq_header: Option<u64>) -> Answer {
    match status {
        503 | 429 if matches!(body["code"].as_str(), Some("overloaded" | "rate_limited")) => {
            Answer::NotDone
        }
        503 if body["detail"].as_str().is_some_and(|detail| detail.contains("had no effect")) => {
            Answer::NotDone
        }
        500.. => Answer::Unknown,
        400..500 => Answer::Refused { reason: reason(body), seq: body["seq"].as_u64() },
        200..300 => done(kind, body, seq_header).unwrap_or(Answer::Unknown),
        _ => Answer::Unknown,
    }
}

fn done(kind: &CommandKind, body: &Value, seq_header: Option<u64>) -> Option<Answer> {
    let seq = body["seq"].as_u64().or(seq_header)?;
    let id = |member: &str| -> Option<HoldId> { body[member].as_str()?.parse().ok() };
    let expires_at_ms = || -> Option<u64> {
        body["expires_at"].as_str()?.parse::<Timestamp>().ok()?.as_millisecond().try_into().ok()
    };
    let outcome = match kind {
        CommandKind::Reserve { items, .. } => {
            let stock = items.iter().next()?.stock.clone();
            let left = vec![(stock, body["remaining"].as_u64()?)];
            if body["success"] == false {
                return Some(Answer::Refused {
                    reason: Some(RefusalKind::SoldOut { available: left }),
                    seq: Some(seq),
                });
            }
            Outcome::Sold {
                id: id("reservation_id")?,
                items: items.clone(),
                left,
                total: money(&body["total"])?,
            }
        }
        CommandKind::Hold { .. } => Outcome::Held {
            id: id("id")?,
            items: items(body)?,
            expires_at_ms: expires_at_ms()?,
            total: money(&body["total"])?,
        },
        CommandKind::StartPayment { payment_ref, .. } => Outcome::PaymentStarted {
            id: id("id")?,
            items: items(body)?,
            expires_at_ms: expires_at_ms()?,
            payment_ref: payment_ref.clone(),
        },
        CommandKind::Extend { .. } => Outcome::Extended {
            id: id("id")?,
            items: items(body)?,
            expires_at_ms: expires_at_ms()?,
        },
        CommandKind::Confirm { .. } => {
            let payment_ref = body["payment_ref"].as_str().map(PaymentRef::new).transpose().ok()?;
            Outcome::Confirmed { id: id("id")?, items: items(body)?, payment_ref }
        }
        CommandKind::Release { .. } | CommandKind::LeaveWaitlist { .. } => Outcome::Released,
        CommandKind::JoinWaitlist { .. } => Outcome::Waiting { id: id("id")?, items: items(body)? },
        CommandKind::Refund { .. } => Outcome::Refunded {
            id: id("id")?,
            reservation: id("reservation_id")?,
            items: items(body)?,
        },
        CommandKind::PutEvent { .. }
        | CommandKind::DeleteEvent { .. }
        | CommandKind::Expire { .. }
        | CommandKind::JoinQueue { .. }
        | CommandKind::ClaimPass { .. }
        | CommandKind::RevealDraw { .. }
        | CommandKind::CallPlaces { .. }
        | CommandKind::PauseQueue { .. } => return None,
    };
    Some(Answer::Done { outcome, seq })
}

/// An amount of money, which may be absent; `None` if it is something else.
fn money(value: &Value) -> Option<Option<Money>> {
    if value.is_null() { Some(None) } else { serde_json::from_value(value.clone()).ok().map(Some) }
}

fn items(body: &Value) -> Option<Items> {
    let items = body["items"].as_array()?.iter().map(|item| {
        Some(Item {
            qty: item["qty"].as_u64()?,
            stock: StockName::new(item["stock"].as_str()?).ok()?,
        })
    });
    Items::new(items.collect::<Option<Vec<_>>>()?, usize::MAX, u64::MAX).ok()
}

/// The reason of a problem, when the state can explain it.
fn reason(body: &Value) -> Option<RefusalKind> {
    Some(match body["code"].as_str()? {
        "sold_out" => {
            let available = body["available"].as_object()?.iter();
            let available =
                available.map(|(stock, left)| Some((StockName::new(stock).ok()?, left.as_u64()?)));
            RefusalKind::SoldOut { available: available.collect::<Option<Vec<_>>>()? }
        }
        "limit_exceeded" => RefusalKind::LimitExceeded {
            limit: body["limit"].as_u64()?,
            has: body["has"].as_u64()?,
        },
        "hold_expired" => RefusalKind::HoldExpired,
        "hold_expired_sold_out" => match body["refund_due"].as_str() {
            Some(payment) => RefusalKind::RefundDue { payment_ref: PaymentRef::new(payment).ok()? },
            None => RefusalKind::HoldExpiredSoldOut,
        },
        "paid_otherwise" => RefusalKind::PaidOtherwise,
        "amount_mismatch" => RefusalKind::AmountMismatch { total: money(&body["total"])? },
        "payment_started" => RefusalKind::PaymentStarted,
        "hold_released" => RefusalKind::HoldReleased,
        "hold_confirmed" => RefusalKind::HoldConfirmed,
        "not_confirmed" => RefusalKind::NotConfirmed,
        "already_refunded" => RefusalKind::AlreadyRefunded,
        _ => return None,
    })
}

/// The answer to `GET /events/{event}`.
#[must_use]
pub fn counts(status: u16, body: &Value) -> Answer {
    let stocks = body["stocks"].as_object().filter(|_| status == 200);
    let Some(stocks) = stocks else { return Answer::Unknown };
    let counts = stocks.iter().filter_map(|(name, counts)| {
        let count = |what: &str| counts[what].as_u64();
        Some((
            StockName::new(name).ok()?,
            Counts { capacity: count("capacity")?, held: count("held")?, sold: count("sold")? },
        ))
    });
    Answer::Counts { seq: body["seq"].as_u64(), stocks: counts.collect::<BTreeMap<_, _>>() }
}

/// The bodies of a ledger that was read as CloudEvents. serde_json orders maps by name, so it
/// prints the stored bytes.
#[must_use]
pub fn ledger(sales: &[Value]) -> Vec<Vec<u8>> {
    sales.iter().map(|sale| sale["data"].to_string().into_bytes()).collect()
}
