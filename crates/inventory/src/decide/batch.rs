//! Decides a batch: the commands in order of arrival, each on the state left by those before it.

use super::{
    confirm::{ConfirmArgs, confirm},
    decision::{Decision, Ruling},
    delete_event::delete_event,
    expire::{expire_due, freeze},
    extend::extend,
    hold, put_event, queue,
    refund::refund,
    release::release,
    reserve::{ReserveArgs, reserve},
    start_payment::start_payment,
    stock::check_seller,
    waitlist,
    working_set::WorkingSet,
};
use crate::{
    domain::{
        Command, CommandKind, Event, EventName, IdempotencyKey, KeyUse, Limits, Outcome, Refusal,
        RefusalKind, TimeMs,
    },
    ledger::Change,
};

/// The answer to one command of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchReply {
    /// The outcome, or the refusal.
    pub result: Result<Outcome, Refusal>,
    /// The `seq` of the record behind the answer; for an answer without one, the event's newest.
    pub seq: u64,
    /// Whether this is the reply to an earlier request with the same key.
    pub replayed: bool,
    /// The event that the command is about; `None` when its hold is unknown.
    pub event: Option<EventName>,
}

/// Decides `commands` in order at `now_ms`. Due expiries are written first. Keys are in the scopes
/// of their commands.
pub fn decide_batch<'a>(
    set: &mut WorkingSet,
    limits: &Limits,
    commands: impl Iterator<Item = (&'a Command, Option<&'a IdempotencyKey>)>,
    now_ms: TimeMs,
) -> Vec<BatchReply> {
    expire_due(set, now_ms);
    commands.map(|(command, key)| decide(set, limits, command, key, now_ms)).collect()
}

fn decide(
    set: &mut WorkingSet,
    limits: &Limits,
    command: &Command,
    key: Option<&IdempotencyKey>,
    now_ms: TimeMs,
) -> BatchReply {
    let event = event_of(set, command);
    if let Some(name) = &event {
        freeze(set, name, now_ms);
    }
    let known = event.as_ref().and_then(|name| set.events.get(name));
    let seq_now = known.map(|event| event.seq);
    // Before the key: its reply is for those who may sell.
    if let Some(Err(kind)) = known.map(|event| check_seller(event, may_sell(command))) {
        return refused(Refusal { seq: seq_now, kind }, event);
    }
    let key = key.map(|key| KeyUse {
        expires_at_ms: now_ms + limits.key_ttl_ms,
        fingerprint: command.kind.fingerprint(),
        key: key.clone(),
    });
    if let Some((wanted, used)) =
        key.as_ref().and_then(|key| Some((key, set.key_use(key, now_ms)?)))
    {
        let seq = used.record.seq;
        let same = used.fingerprint == wanted.fingerprint;
        let result = if same {
            Ok(used.record.outcome())
        } else {
            Err(Refusal { seq: Some(seq), kind: RefusalKind::KeyReused })
        };
        return BatchReply { result, seq, replayed: same, event };
    }
    let decision = match rule(set, limits, command, key.as_ref(), now_ms) {
        Err(kind) => return refused(Refusal { seq: seq_now, kind }, event),
        Ok(decision) => decision,
    };
    let Some(name) = &event else { unreachable!("a rule accepts only what has an event") };
    let result = match decision {
        Decision::Already(outcome, seq) => Ok((outcome, seq.or(seq_now).unwrap_or(0))),
        Decision::AppendAndRefuse(change, kind) => {
            let record = set.append(name, change, None, now_ms);
            Err(Refusal { seq: Some(record.seq), kind })
        }
        // Its record alone cannot give the answer again, so it keeps no key: the leaves are one.
        Decision::AppendAndAnswer(change, outcome) => {
            Ok((outcome, set.append(name, change, None, now_ms).seq))
        }
        Decision::Append(change) => Ok(append(set, name, change, key, now_ms)),
        Decision::AppendBoth(change, then) => {
            let answer = append(set, name, change, key, now_ms);
            set.append(name, then, None, now_ms);
            Ok(answer)
        }
    };
    // New settings may have moved the end of a draw to the past.
    freeze(set, name, now_ms);
    waitlist::offer_returns(set, name, now_ms);
    match result {
        Ok((outcome, seq)) => BatchReply { result: Ok(outcome), seq, replayed: false, event },
        Err(refusal) => refused(refusal, event),
    }
}

/// Writes `change`, and returns its outcome and place.
fn append(
    set: &mut WorkingSet,
    name: &EventName,
    change: Change,
    key: Option<KeyUse>,
    now_ms: TimeMs,
) -> (Outcome, u64) {
    let was_deleted = set.events.get(name).is_some_and(Event::is_deleted);
    let record = set.append(name, change, key, now_ms);
    let outcome = match record.outcome() {
        // It creates again what was deleted. No key repeats this answer.
        Outcome::EventPut { settings_seq, .. } if was_deleted => {
            Outcome::EventPut { created: true, settings_seq }
        }
        outcome => outcome,
    };
    (outcome, record.seq)
}

fn refused(refusal: Refusal, event: Option<EventName>) -> BatchReply {
    BatchReply { seq: refusal.seq.unwrap_or(0), result: Err(refusal), replayed: false, event }
}

/// Whether `command` sells nothing, or the seller asks for it.
fn may_sell(command: &Command) -> bool {
    match command.kind {
        CommandKind::Reserve { by_seller, .. } | CommandKind::Confirm { by_seller, .. } => {
            by_seller
        }
        _ => true,
    }
}

fn event_of(set: &WorkingSet, command: &Command) -> Option<EventName> {
    let named = command.kind.event().cloned();
    named.or_else(|| {
        command.kind.hold().and_then(|id| set.holds.get(&id)).map(|slot| slot.hold.event.clone())
    })
}

fn rule(
    set: &WorkingSet,
    limits: &Limits,
    command: &Command,
    key: Option<&KeyUse>,
    now_ms: TimeMs,
) -> Ruling {
    let id = command.id;
    match &command.kind {
        CommandKind::PutEvent {
            event,
            capacities,
            settings,
            if_settings_seq,
            only_create,
            draw,
        } => {
            let args = put_event::PutEventArgs {
                event,
                capacities,
                settings,
                if_settings_seq: *if_settings_seq,
                only_create: *only_create,
                draw: draw.as_deref(),
            };
            put_event::put_event(set, limits, &args, now_ms)
        }
        CommandKind::DeleteEvent { event, if_settings_seq } => {
            delete_event(set, event, *if_settings_seq)
        }
        CommandKind::Reserve { event, items, customer, pass, .. } => {
            let (customer, pass) = (customer.as_ref(), pass.as_deref());
            reserve(set, &ReserveArgs { id, event, items, customer, pass }, now_ms)
        }
        CommandKind::Hold { event, items, customer, ttl_ms, pass } => {
            let (customer, pass) = (customer.as_ref(), pass.as_deref());
            let args = hold::HoldArgs { id, event, items, customer, ttl_ms: *ttl_ms, pass };
            hold::hold(set, limits, &args, now_ms)
        }
        CommandKind::Extend { hold, ttl_ms } => extend(set, limits, *hold, *ttl_ms, key, now_ms),
        CommandKind::StartPayment { hold, payment_ref } => {
            start_payment(set, limits, *hold, payment_ref, key, now_ms)
        }
        CommandKind::Confirm { hold, payment_ref, amount, .. } => {
            let args =
                ConfirmArgs { id: *hold, payment_ref: payment_ref.as_ref(), amount: *amount };
            confirm(set, &args, now_ms)
        }
        CommandKind::Release { hold } => release(set, *hold, now_ms),
        CommandKind::Refund { reservation, items } => refund(set, id, *reservation, items.as_ref()),
        CommandKind::Expire { .. } => Ok(Decision::Already(Outcome::ExpiryNoted, None)),
        CommandKind::JoinQueue { event, queue, leaves } => {
            queue::join(set, limits, event, *queue, leaves, now_ms)
        }
        CommandKind::ClaimPass { event, queue, leaf } => {
            queue::claim(set, event, *queue, (leaf, id), now_ms)
        }
        CommandKind::RevealDraw { event, queue, seed, beacon } => {
            queue::reveal(set, event, *queue, seed, beacon.as_deref())
        }
        CommandKind::CallPlaces { event, queue, from, serving, upto } => {
            queue::call(set, event, *queue, (*from, *serving, *upto), now_ms)
        }
        CommandKind::PauseQueue { event, paused } => queue::pause(set, event, *paused),
        CommandKind::JoinWaitlist { event, items, customer } => {
            waitlist::join(set, limits, event, (id, items, customer.as_ref()), now_ms)
        }
        CommandKind::LeaveWaitlist { hold } => waitlist::leave(set, *hold),
    }
}
