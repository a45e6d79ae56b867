//! The check: the ledgers record by record, and the answers at each record.

use std::collections::{BTreeMap, HashMap, HashSet};

use inventory::{
    CommandKind, EventName, Hold, HoldState, IdempotencyKey, Items, Outcome, RefusalKind,
    domain::REFUNDS_DUE_MAX,
    ledger::{Change, Record},
};
use inventory_audit::verify::{
    Auditor, Entry, EventAudit, VerifyError, VerifyOptions, ViolationKind,
};

use crate::{
    Ledgers,
    finding::{Finding, Invariant, finding},
    history::{Answer, Ask, Call, History},
    index::Index,
    realtime,
};

/// What was checked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Checked {
    /// Records.
    pub records: usize,
    /// Requests.
    pub calls: usize,
    /// Writes that were acknowledged.
    pub acknowledged: usize,
    /// Writes with an unknown outcome.
    pub unknown: usize,
    /// Unknown writes that took effect.
    pub unknown_done: usize,
    /// Answers without an effect, explained by the state at their `seq`.
    pub explained: usize,
}

/// Checks `history` against its `ledgers`.
///
/// # Errors
/// The first [`Finding`].
pub fn check(history: &History, ledgers: &Ledgers) -> Result<Checked, Finding> {
    let calls = history.calls();
    let index = audit(&calls, ledgers)?;
    let mut checked =
        Checked { records: index.records.len(), calls: calls.len(), ..Checked::default() };
    for call in &calls {
        write(call, &index, &mut checked)?;
    }
    asked_for(&calls, &index)?;
    realtime::check(&calls, &index)?;
    checked.explained = calls
        .iter()
        .filter(|call| matches!(call.answer, Answer::Refused { .. } | Answer::Counts { .. }))
        .count();
    Ok(checked)
}

/// Audits the ledgers, and compares the answers with the state at their `seq`.
fn audit(calls: &[Call], ledgers: &Ledgers) -> Result<Index, Finding> {
    let mut index =
        Index { records: HashMap::new(), by_key: HashMap::new(), event_of_hold: HashMap::new() };
    for (event, bodies) in ledgers {
        for (seq, body) in (1..).zip(bodies) {
            let record = Record::from_body(body)
                .map_err(|error| finding(Invariant::I3, format!("{event} {seq}: {error}")))?;
            if let Change::Sold { id, .. } | Change::Held { id, .. } = record.change {
                index.event_of_hold.insert(id, event.clone());
            }
            if let Some(used) = &record.key
                && let Some(other) = index.by_key.insert(used.key.clone(), (event.clone(), seq))
            {
                let what = format!(
                    "key {:?} has two effects: {} {} and {event} {seq}",
                    used.key.as_str(),
                    other.0,
                    other.1
                );
                return Err(finding(Invariant::I4, what));
            }
            index.records.insert((event.clone(), seq), record);
        }
    }
    let mut at: BTreeMap<(EventName, u64), Vec<&Call>> = BTreeMap::new();
    for call in calls {
        let seq = match &call.answer {
            Answer::Refused { seq, .. } | Answer::Counts { seq, .. } => *seq,
            _ => None,
        };
        if let (Some(event), Some(seq)) = (index.event_of(&call.ask), seq) {
            at.entry((event, seq)).or_default().push(call);
        }
    }
    let mut auditor =
        Auditor::new(&VerifyOptions { memory_entries: usize::MAX, ..VerifyOptions::default() });
    for (event, bodies) in ledgers {
        for (seq, body) in (1..).zip(bodies) {
            let audited = auditor.push(&Entry { event: event.clone(), seq, body: body.clone() });
            audited.map_err(|error| of_audit(&error))?;
            for call in at.remove(&(event.clone(), seq)).into_iter().flatten() {
                explained(call, &auditor, event).map_err(|what| {
                    finding(Invariant::I5, format!("{event} {seq}: {what}: {call:?}"))
                })?;
            }
        }
    }
    auditor.finish().map_err(|error| of_audit(&error))?;
    if let Some(((event, seq), call)) =
        at.into_iter().find_map(|(at, calls)| Some((at, calls.into_iter().next()?)))
    {
        return Err(finding(
            Invariant::I5,
            format!("{event} has no record {seq}, but an answer names it: {call:?}"),
        ));
    }
    Ok(index)
}

fn of_audit(error: &VerifyError) -> Finding {
    let invariant = match error {
        VerifyError::Violation(violation) => match violation.kind {
            ViolationKind::Oversold { .. }
            | ViolationKind::Limit { .. }
            | ViolationKind::NoCustomer
            | ViolationKind::Closed => Invariant::I1,
            ViolationKind::KeyTwice { .. } => Invariant::I4,
            ViolationKind::Hold { .. } | ViolationKind::Unexpired { .. } => Invariant::I5,
            _ => Invariant::I3,
        },
        _ => Invariant::I3,
    };
    finding(invariant, error.to_string())
}

/// Checks that the state after a record explains an answer without an effect.
fn explained(call: &Call, auditor: &Auditor, event: &EventName) -> Result<(), String> {
    let Some(state) = auditor.event(event) else { return Err("there is no such event".into()) };
    match (&call.ask, &call.answer) {
        (_, Answer::Counts { stocks, .. }) => {
            let wrong = stocks.iter().find(|(stock, answered)| {
                state.counts(stock).is_none_or(|counts| counts != **answered)
            });
            wrong.map_or(Ok(()), |(stock, answered)| {
                Err(format!(
                    "{stock} was answered as {answered:?}, and is {:?}",
                    state.counts(stock)
                ))
            })
        }
        (Ask::Write { kind, .. }, Answer::Refused { reason: Some(reason), .. }) => {
            refused(kind, reason, auditor, state)
        }
        _ => Ok(()),
    }
}

fn refused(
    kind: &CommandKind,
    reason: &RefusalKind,
    auditor: &Auditor,
    state: &EventAudit,
) -> Result<(), String> {
    let hold = kind
        .hold()
        .map(|id| auditor.hold(id))
        .transpose()
        .map_err(|error| error.to_string())?
        .flatten();
    let items = match kind {
        CommandKind::Reserve { items, .. } | CommandKind::Hold { items, .. } => Some(items.clone()),
        _ => hold.as_ref().map(|hold| hold.items.clone()),
    };
    let state_of =
        |wanted: &[HoldState]| hold.as_ref().is_some_and(|hold| wanted.contains(&hold.state));
    // What is refused for a payment is recorded.
    let pays = matches!(kind, CommandKind::Confirm { payment_ref: Some(_), .. });
    let so = match reason {
        RefusalKind::SoldOut { available } => {
            let right = available.iter().all(|(stock, left)| {
                state.counts(stock).and_then(|counts| counts.available()) == Some(*left)
            });
            right && items.is_some_and(|items| !fits(&items, state))
        }
        RefusalKind::HoldExpiredSoldOut => {
            let has_all = |hold: &Hold| hold.terms.refunds_due.len() >= REFUNDS_DUE_MAX;
            state_of(&[HoldState::Expired])
                && if pays {
                    hold.as_ref().is_some_and(has_all)
                } else {
                    items.is_some_and(|items| !fits(&items, state))
                }
        }
        RefusalKind::RefundDue { payment_ref } => {
            state_of(&[HoldState::Expired])
                && hold.is_some_and(|hold| hold.terms.refunds_due.contains(payment_ref))
        }
        RefusalKind::PaidOtherwise => match kind {
            CommandKind::Confirm { payment_ref, .. } => {
                state_of(&[HoldState::Confirmed])
                    && hold.is_some_and(|hold| hold.payment_ref != *payment_ref)
            }
            _ => false,
        },
        RefusalKind::AmountMismatch { total } => match kind {
            CommandKind::Confirm { amount, .. } => {
                amount.is_some()
                    && amount != total
                    && hold.is_some_and(|hold| hold.terms.total == *total)
            }
            _ => false,
        },
        RefusalKind::PaymentStarted => match kind {
            CommandKind::StartPayment { payment_ref, .. } => hold.is_some_and(|hold| {
                hold.terms.payment_started.is_some_and(|started| started != *payment_ref)
            }),
            _ => false,
        },
        RefusalKind::HoldExpired => state_of(&[HoldState::Expired]),
        RefusalKind::HoldReleased => state_of(&[HoldState::Released]),
        RefusalKind::HoldConfirmed => state_of(&[HoldState::Confirmed]),
        RefusalKind::NotConfirmed => !state_of(&[HoldState::Confirmed]),
        RefusalKind::AlreadyRefunded => hold.as_ref().is_some_and(|hold| match kind {
            CommandKind::Refund { items: Some(items), .. } => hold.live.without(items).is_none(),
            _ => hold.live.is_empty(),
        }),
        RefusalKind::LimitExceeded { limit, has } => {
            let customer = kind.customer().cloned().or_else(|| hold.as_ref()?.customer.clone());
            let known =
                customer.and_then(|customer| auditor.customer_has(state.name(), &customer).ok());
            !pays
                && state.settings().limit_per_customer == Some(*limit)
                && known == Some(*has)
                && has + items.map_or(0, |items| items.total()) > *limit
        }
        _ => true,
    };
    if so { Ok(()) } else { Err(format!("the state does not explain '{reason}'")) }
}

fn fits(items: &Items, state: &EventAudit) -> bool {
    items.iter().all(|item| {
        state
            .counts(&item.stock)
            .and_then(|counts| counts.available())
            .is_some_and(|left| item.qty <= left)
    })
}

/// Checks that an acknowledged write is in the ledger at its `seq`.
fn write(call: &Call, index: &Index, checked: &mut Checked) -> Result<(), Finding> {
    let Ask::Write { kind, key } = &call.ask else { return Ok(()) };
    let effect = key.as_ref().and_then(|key| index.by_key.get(key));
    match &call.answer {
        Answer::Unknown => {
            checked.unknown += 1;
            checked.unknown_done += usize::from(effect.is_some());
        }
        Answer::Done { outcome, seq } => {
            checked.acknowledged += 1;
            let event = index.event_of(&call.ask).ok_or_else(|| {
                finding(Invariant::I2, format!("the ledger has nothing about it: {call:?}"))
            })?;
            acknowledged(call, kind, key.as_ref(), outcome, *seq, &event, index)?;
        }
        _ => {}
    }
    Ok(())
}

fn acknowledged(
    call: &Call,
    kind: &CommandKind,
    key: Option<&IdempotencyKey>,
    outcome: &Outcome,
    seq: u64,
    event: &EventName,
    index: &Index,
) -> Result<(), Finding> {
    let Some(record) = index.records.get(&(event.clone(), seq)) else {
        return Err(finding(
            Invariant::I2,
            format!("{event} has no record {seq}, which was acknowledged: {call:?}"),
        ));
    };
    // A request that changes nothing has no record of its own.
    let already = match kind {
        CommandKind::Release { hold } => {
            !matches!(&record.change, Change::Released { id, .. } if id == hold)
        }
        CommandKind::LeaveWaitlist { hold } => {
            !matches!(&record.change, Change::WaitlistLeft { id, .. } if id == hold)
        }
        CommandKind::StartPayment { hold, .. } => {
            !matches!(&record.change, Change::PaymentStarted { id, .. } if id == hold)
        }
        CommandKind::PutEvent { .. } => !matches!(record.change, Change::EventPut { .. }),
        CommandKind::DeleteEvent { .. } => !matches!(record.change, Change::EventDeleted),
        CommandKind::Expire { .. }
        | CommandKind::JoinQueue { .. }
        | CommandKind::ClaimPass { .. }
        | CommandKind::RevealDraw { .. }
        | CommandKind::CallPlaces { .. }
        | CommandKind::PauseQueue { .. } => true,
        _ => false,
    };
    if already {
        return Ok(());
    }
    // A sale without a hold is confirmed from the beginning.
    let born_confirmed = match (&record.change, outcome) {
        (
            Change::Sold { id, items, .. },
            Outcome::Confirmed { id: answered, items: answered_items, payment_ref: None },
        ) => id == answered && items == answered_items,
        _ => false,
    };
    if record.outcome() != *outcome && !born_confirmed {
        return Err(finding(
            Invariant::I2,
            format!("{event} {seq} is not what was acknowledged: {record:?}: {call:?}"),
        ));
    }
    let confirmed_again = matches!(kind, CommandKind::Confirm { .. });
    match (key, &record.key) {
        (Some(key), Some(used)) if used.key == *key && used.fingerprint == kind.fingerprint() => {
            Ok(())
        }
        // Confirming again with another key answers with the first confirmation.
        (Some(_), _) if confirmed_again => Ok(()),
        (Some(key), _) => Err(finding(
            Invariant::I4,
            format!(
                "{event} {seq} does not carry the key {:?} of its request: {call:?}",
                key.as_str()
            ),
        )),
        (None, None) => Ok(()),
        (None, Some(_)) if confirmed_again => Ok(()),
        (None, Some(used)) => Err(finding(
            Invariant::I4,
            format!(
                "{event} {seq} carries the key {:?}, but its request has none: {call:?}",
                used.key.as_str()
            ),
        )),
    }
}

/// Checks that every record was requested.
fn asked_for(calls: &[Call], index: &Index) -> Result<(), Finding> {
    let keys: HashSet<_> = calls
        .iter()
        .filter_map(|call| match &call.ask {
            Ask::Write { key, .. } => key.as_ref(),
            Ask::Read { .. } => None,
        })
        .collect();
    let keyless = calls.iter().any(|call| matches!(&call.ask, Ask::Write { key: None, .. }));
    for ((event, seq), record) in &index.records {
        let asked = match (&record.change, &record.key) {
            (Change::Expired { .. }, None) => true,
            (Change::RefundDue { id, payment_ref, .. }, None) => calls.iter().any(|call| {
                matches!(&call.ask, Ask::Write { kind: CommandKind::Confirm { hold, payment_ref: Some(paid), .. }, .. }
                    if hold == id && paid == payment_ref)
            }),
            (_, Some(used)) => keys.contains(&used.key),
            (Change::EventPut { .. } | Change::EventDeleted, None) => true,
            // Waiting rooms are for `verify` and `verify-draw` to check; offers follow from returns.
            (Change::Queue(_) | Change::HoldOffered { .. }, None) => true,
            (Change::WaitlistCollected { .. }, None) => true,
            (_, None) => keyless,
        };
        if !asked {
            return Err(finding(
                Invariant::I5,
                format!("{event} {seq} was not requested: {record:?}"),
            ));
        }
    }
    // A key whose requests were all refused has no effect.
    for key in keys {
        let mut of_key = calls.iter().filter(
            |call| matches!(&call.ask, Ask::Write { key: Some(other), .. } if other == key),
        );
        if index.by_key.contains_key(key)
            && of_key.all(|call| matches!(call.answer, Answer::NotDone | Answer::Refused { .. }))
        {
            return Err(finding(
                Invariant::I5,
                format!("key {:?} has an effect, but every answer denies it", key.as_str()),
            ));
        }
    }
    Ok(())
}
