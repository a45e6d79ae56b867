//! The check: ledgers record by record, and what was answered at each.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fmt,
};

use inventory::{
    CommandKind, EventName, HoldId, HoldState, IdempotencyKey, Items, Outcome, RefusalKind,
    ledger::{Change, Record},
};
use inventory_audit::verify::{
    Auditor, Entry, EventAudit, VerifyError, VerifyOptions, ViolationKind,
};
use thiserror::Error;

use crate::{
    Ledgers,
    history::{Answer, Ask, Call, History},
    realtime,
};

/// Which of the invariants is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Invariant {
    /// Within capacity and limits.
    I1,
    /// Acknowledged writes are there.
    I2,
    /// Balance and chain.
    I3,
    /// One effect of a key.
    I4,
    /// Answers are explained, in order.
    I5,
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{invariant}: {what}")]
pub struct Finding {
    /// Which invariant is broken.
    pub invariant: Invariant,
    /// How, and where.
    pub what: String,
}

pub(crate) fn finding(invariant: Invariant, what: impl Into<String>) -> Finding {
    Finding { invariant, what: what.into() }
}

/// What was checked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Checked {
    /// Records.
    pub records: usize,
    /// Requests.
    pub calls: usize,
    /// Writes that were acknowledged.
    pub acknowledged: usize,
    /// Writes whose outcome their callers do not know.
    pub unknown: usize,
    /// Of these, writes that have happened.
    pub unknown_done: usize,
    /// Answers that changed nothing, explained by the state at their `seq`.
    pub explained: usize,
}

/// The ledgers as they are looked at from the calls.
pub(crate) struct Index {
    pub records: HashMap<(EventName, u64), Record>,
    pub by_key: HashMap<IdempotencyKey, (EventName, u64)>,
    event_of_hold: HashMap<HoldId, EventName>,
}

impl Index {
    /// The event that a call is about, if there is such an event.
    pub fn event_of(&self, ask: &Ask) -> Option<EventName> {
        match ask {
            Ask::Read { event } => Some(event.clone()),
            Ask::Write { kind, .. } => {
                kind.event().cloned().or_else(|| self.event_of_hold.get(&kind.hold()?).cloned())
            }
        }
    }
}

/// Checks `history` against the `ledgers` that it left.
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

/// Audits the ledgers, and compares with each prefix what was answered at it.
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
            format!("{event} has no record {seq}, and was told about: {call:?}"),
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

/// Whether the state after a record explains an answer that changed nothing.
fn explained(call: &Call, auditor: &Auditor, event: &EventName) -> Result<(), String> {
    let Some(state) = auditor.event(event) else { return Err("there is no such event".into()) };
    match (&call.ask, &call.answer) {
        (_, Answer::Counts { stocks, .. }) => {
            let wrong = stocks
                .iter()
                .find(|(stock, told)| state.counts(stock).is_none_or(|counts| counts != **told));
            wrong.map_or(Ok(()), |(stock, told)| {
                Err(format!("{stock} was told as {told:?}, and is {:?}", state.counts(stock)))
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
    let so = match reason {
        RefusalKind::SoldOut { available } => {
            let told = available.iter().all(|(stock, left)| {
                state.counts(stock).and_then(|counts| counts.available()) == Some(*left)
            });
            told && items.is_some_and(|items| !fits(&items, state))
        }
        RefusalKind::HoldExpiredSoldOut => {
            state_of(&[HoldState::Expired]) && items.is_some_and(|items| !fits(&items, state))
        }
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
            state.settings().limit_per_customer == Some(*limit)
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

/// An acknowledged write is where its answer says; one that was refused before it was decided is
/// nowhere.
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
                finding(Invariant::I2, format!("it is about nothing in the ledger: {call:?}"))
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
    // An answer that found everything as it was asked for has no record of its own.
    let already = match kind {
        CommandKind::Release { hold } => {
            !matches!(&record.change, Change::Released { id, .. } if id == hold)
        }
        CommandKind::PutEvent { .. } => !matches!(record.change, Change::EventPut { .. }),
        CommandKind::Expire { .. } => true,
        _ => false,
    };
    if already {
        return Ok(());
    }
    // What was sold without a hold is confirmed from the beginning.
    let born_confirmed = match (&record.change, outcome) {
        (
            Change::Sold { id, items, .. },
            Outcome::Confirmed { id: told, items: told_items, payment_ref: None },
        ) => id == told && items == told_items,
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
                "{event} {seq} carries the key {:?}, and was asked without: {call:?}",
                used.key.as_str()
            ),
        )),
    }
}

/// Nothing is in the ledger that nobody asked for.
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
            (_, Some(used)) => keys.contains(&used.key),
            (Change::EventPut { .. }, None) => true,
            (_, None) => keyless,
        };
        if !asked {
            return Err(finding(
                Invariant::I5,
                format!("{event} {seq} happened, and nobody asked for it: {record:?}"),
            ));
        }
    }
    // Of a key whose every request was refused before it was decided there is no effect.
    for key in keys {
        let mut of_key = calls.iter().filter(
            |call| matches!(&call.ask, Ask::Write { key: Some(other), .. } if other == key),
        );
        if index.by_key.contains_key(key)
            && of_key.all(|call| matches!(call.answer, Answer::NotDone | Answer::Refused { .. }))
        {
            return Err(finding(
                Invariant::I5,
                format!("key {:?} has an effect, and was told that it has none", key.as_str()),
            ));
        }
    }
    Ok(())
}
