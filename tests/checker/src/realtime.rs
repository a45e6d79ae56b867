//! Real-time order: a request that was answered before another one was sent comes before it in the
//! ledger.

use std::collections::{BTreeMap, HashMap};

use inventory::{EventName, IdempotencyKey};

use crate::{
    finding::{Finding, Invariant, finding},
    history::{Answer, Ask, Call},
    index::Index,
};

/// The place of an answer in its event: a record at twice its `seq`, a decision without a record
/// right behind it.
struct Placed<'a> {
    sent: u64,
    answered: Option<u64>,
    /// The earliest possible place.
    place: u64,
    /// The latest: a release without a key may have found the hold released or expired.
    place_max: u64,
    call: &'a Call,
}

pub fn check(calls: &[Call], index: &Index) -> Result<(), Finding> {
    let mut first_sent: HashMap<&IdempotencyKey, u64> = HashMap::new();
    for call in calls {
        // A refused request had no effect: the effect belongs to another request with the key.
        let may_have = matches!(call.answer, Answer::Done { .. } | Answer::Unknown);
        if let Ask::Write { key: Some(key), .. } = &call.ask
            && may_have
        {
            first_sent
                .entry(key)
                .and_modify(|sent| *sent = call.sent.min(*sent))
                .or_insert(call.sent);
        }
    }
    let mut events: BTreeMap<EventName, Vec<Placed<'_>>> = BTreeMap::new();
    for call in calls {
        if let Some((event, placed)) = place(call, &first_sent, index) {
            events.entry(event).or_default().push(placed);
        }
    }
    events.iter().try_for_each(|(event, placed)| in_order(event, placed))
}

fn place<'a>(
    call: &'a Call,
    first_sent: &HashMap<&IdempotencyKey, u64>,
    index: &Index,
) -> Option<(EventName, Placed<'a>)> {
    let event = index.event_of(&call.ask)?;
    let key = match &call.ask {
        Ask::Write { key, .. } => key.as_ref(),
        Ask::Read { .. } => None,
    };
    let effect = key.and_then(|key| index.by_key.get(key)).map(|(_, seq)| *seq);
    let since = key.and_then(|key| first_sent.get(key)).copied().unwrap_or(call.sent);
    let (sent, answered, place) = match &call.answer {
        // A retry finds the effect of an earlier request with its key.
        Answer::Done { seq, .. } if effect == Some(*seq) => (since, call.answered, seq * 2),
        Answer::Done { seq, .. } => (call.sent, call.answered, already(call, *seq, index, &event)?),
        Answer::Refused { seq: Some(seq), .. } | Answer::Counts { seq: Some(seq), .. } => {
            (call.sent, call.answered, seq * 2 + 1)
        }
        // It may have taken effect at any time after the first request with its key.
        Answer::Unknown => (since, None, effect? * 2),
        _ => return None,
    };
    let release =
        matches!(&call.ask, Ask::Write { kind: inventory::CommandKind::Release { .. }, .. });
    Some((event, Placed { sent, answered, place, place_max: place | u64::from(release), call }))
}

/// The place of an answer without a key: its record, or `None` when it found an older one.
fn already(call: &Call, seq: u64, index: &Index, event: &EventName) -> Option<u64> {
    let record = index.records.get(&(event.clone(), seq))?;
    let keyless = matches!(&call.ask, Ask::Write { key: None, .. });
    let confirm =
        matches!(&call.ask, Ask::Write { kind: inventory::CommandKind::Confirm { .. }, .. });
    (keyless && record.key.is_none() && !confirm).then_some(seq * 2)
}

fn in_order(event: &EventName, placed: &[Placed<'_>]) -> Result<(), Finding> {
    let mut by_sent: Vec<_> = placed.iter().collect();
    by_sent.sort_by_key(|one| one.sent);
    let mut by_answered: Vec<_> = placed.iter().filter(|one| one.answered.is_some()).collect();
    by_answered.sort_by_key(|one| one.answered);
    let mut answered = by_answered.into_iter().peekable();
    let mut furthest: Option<&Placed<'_>> = None;
    for later in by_sent {
        while let Some(earlier) = answered.next_if(|earlier| earlier.answered < Some(later.sent)) {
            if furthest.is_none_or(|known| known.place < earlier.place) {
                furthest = Some(earlier);
            }
        }
        if let Some(earlier) = furthest.filter(|earlier| earlier.place > later.place_max) {
            let what = format!(
                "{event}: a request answered before another was sent comes after it: place {} {:?}, place {} {:?}",
                earlier.place, earlier.call, later.place, later.call
            );
            return Err(finding(Invariant::I5, what));
        }
    }
    Ok(())
}
