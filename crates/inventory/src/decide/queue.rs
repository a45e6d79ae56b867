//! The rules of waiting rooms.

use std::collections::HashMap;

use draw::{Leaf, Seed, Threshold};

use super::{
    decision::{Decision, Ruling},
    stock::check_closed,
    working_set::WorkingSet,
};
use crate::{
    domain::{
        BeaconSignature, Event, EventName, HoldId, JoinedPlace, Limits, Outcome, PassUse,
        PlaceCall, Queue, QueueSettings, RefusalKind, TimeMs, hash::hex,
    },
    ledger::{
        Change, DrawFrozen, DrawRevealed, PassClaimed, QueueCalled, QueueChange, QueueJoined,
        QueuePaused,
    },
    map::RandomState,
};

/// The waiting room of `event` with this id.
fn queue_of(event: &Event, id: u64) -> Result<(&Queue, &QueueSettings), RefusalKind> {
    let queue = event.queue.as_ref().filter(|queue| queue.id == id);
    queue.zip(event.settings.queue.as_ref()).ok_or(RefusalKind::QueueNotFound)
}

/// The end of joining the draw of event `name`, if its time has come and it is not recorded.
pub(super) fn freeze_due(set: &WorkingSet, name: &EventName, now_ms: TimeMs) -> Option<Change> {
    let event = set.events.get(name)?;
    event.freeze_at_ms().filter(|at_ms| *at_ms <= event.ledger_time(now_ms))?;
    let tree = &event.queue.as_ref()?.draw.as_ref()?.tree;
    let frozen = DrawFrozen { n: tree.len(), root: tree.root() };
    Some(Change::Queue(QueueChange::DrawFrozen(frozen)))
}

pub(super) fn join(
    set: &WorkingSet,
    limits: &Limits,
    name: &EventName,
    id: u64,
    leaves: &[Leaf],
    now_ms: TimeMs,
) -> Ruling {
    let event = set.event(name)?;
    let (queue, settings) = queue_of(event, id)?;
    let closed = closed_to_new(event, settings, now_ms);
    let placed = |index: u64| {
        let is_drawn = index < queue.drawn() || queue.is_drawing_open();
        JoinedPlace { index, turn: (!is_drawn).then_some(index + 1) }
    };
    let mut refusal = None;
    let mut new: HashMap<&Leaf, u64, RandomState> = HashMap::default();
    let mut joining = Vec::new();
    let places: Vec<_> = leaves
        .iter()
        .map(|leaf| {
            let known = set.place(name, leaf).map(|place| place.index);
            if let Some(index) = known.or_else(|| new.get(leaf).copied()) {
                return Some(placed(index));
            }
            let index = queue.joined + joining.len() as u64;
            let is_full = index >= limits.places_max;
            let full = || is_full.then_some(RefusalKind::QueueFull(limits.places_max));
            if let Some(why) = closed.clone().or_else(full) {
                refusal = Some(why);
                return None;
            }
            new.insert(leaf, index);
            joining.push(*leaf);
            Some(placed(index))
        })
        .collect();
    if let Some(refusal) = refusal.filter(|_| places.iter().all(Option::is_none)) {
        return Err(refusal);
    }
    let joined = Outcome::Joined { places };
    if joining.is_empty() {
        return Ok(Decision::Already(joined, None));
    }
    let change = QueueChange::Joined(QueueJoined { from: queue.joined, leaves: joining });
    Ok(Decision::AppendAndAnswer(Change::Queue(change), joined))
}

/// Why nobody can join any more, or yet.
fn closed_to_new(event: &Event, settings: &QueueSettings, now_ms: TimeMs) -> Option<RefusalKind> {
    let at_ms = event.ledger_time(now_ms);
    if at_ms < settings.opens_at_ms {
        return Some(RefusalKind::QueueClosed { opens_at_ms: Some(settings.opens_at_ms) });
    }
    let is_closed = check_closed(event, now_ms).is_err() || event.left_and_held() == (0, 0);
    is_closed.then_some(RefusalKind::QueueClosed { opens_at_ms: None })
}

/// A pass for a called place. A place that missed its turn is let in while there is room.
pub(super) fn claim(
    set: &WorkingSet,
    name: &EventName,
    id: u64,
    (leaf, pass): (&Leaf, HoldId),
    now_ms: TimeMs,
) -> Ruling {
    let event = set.event(name)?;
    let (queue, settings) = queue_of(event, id)?;
    let place = set.place(name, leaf).ok_or(RefusalKind::PlaceNotFound)?;
    if let Some(pass) = place.pass {
        let expires_at_ms = pass.expires_at_ms;
        return Ok(Decision::Already(Outcome::PassClaimed { pass: pass.id, expires_at_ms }, None));
    }
    check_closed(event, now_ms)?;
    let at_ms = event.ledger_time(now_ms);
    match queue.place_call(queue.turn(leaf, place.index), at_ms) {
        PlaceCall::Called(_) => {}
        PlaceCall::Waiting => return Err(RefusalKind::NotCalled { lapsed: false }),
        PlaceCall::Lapsed => {
            let active = queue.passes.active(at_ms);
            let is_full = active >= settings.active_max() || active >= event.left_and_held().0;
            if queue.paused || is_full {
                return Err(RefusalKind::NotCalled { lapsed: true });
            }
        }
    }
    let expires_at_ms = at_ms.saturating_add(settings.pass_ttl_ms.max(1));
    let claimed = PassClaimed { expires_at_ms, leaf: *leaf, pass };
    Ok(Decision::Append(Change::Queue(QueueChange::PassClaimed(claimed))))
}

pub(super) fn reveal(
    set: &WorkingSet,
    name: &EventName,
    id: u64,
    seed: &Seed,
    signature: Option<&[u8]>,
) -> Ruling {
    let (queue, _) = queue_of(set.event(name)?, id)?;
    let draw = queue.draw.as_ref().filter(|draw| draw.frozen.is_some());
    let draw = draw.ok_or(RefusalKind::QueueMoved)?;
    if draw.revealed.is_some() {
        return Ok(Decision::Already(Outcome::QueueAdvanced, None));
    }
    if seed.commitment() != draw.commitment.commitment {
        return Err(RefusalKind::DrawNotCommitted);
    }
    let beacon = draw.commitment.beacon.as_ref().zip(signature).map(|(beacon, signature)| {
        BeaconSignature { round: beacon.round, signature: hex::encode(signature) }
    });
    let revealed = DrawRevealed { beacon, seed: *seed };
    Ok(Decision::Append(Change::Queue(QueueChange::DrawRevealed(revealed))))
}

pub(super) fn call(
    set: &WorkingSet,
    name: &EventName,
    id: u64,
    (from, serving, upto): (u64, u64, Option<Threshold>),
    now_ms: TimeMs,
) -> Ruling {
    let event = set.event(name)?;
    let (queue, _) = queue_of(event, id)?;
    let is_undrawn = queue.draw.as_ref().is_some_and(|draw| draw.revealed.is_none());
    let is_named = upto.is_some() == (queue.drawn() > 0) && upto >= queue.called.upto;
    if queue.paused
        || !event.settings.is_open_at(event.ledger_time(now_ms))
        || is_undrawn
        || !is_named
        || from != queue.called.serving
        || serving <= from
        || serving > queue.joined
    {
        return Err(RefusalKind::QueueMoved);
    }
    let called = QueueCalled { serving, upto };
    Ok(Decision::Append(Change::Queue(QueueChange::Called(called))))
}

pub(super) fn pause(set: &WorkingSet, name: &EventName, paused: bool) -> Ruling {
    let queue = set.event(name)?.queue.as_ref().ok_or(RefusalKind::QueueNotFound)?;
    if queue.paused == paused {
        return Ok(Decision::Already(Outcome::QueueAdvanced, None));
    }
    Ok(Decision::Append(Change::Queue(QueueChange::Paused(QueuePaused { paused }))))
}

/// The place whose pass the caller shows; `None` if the event needs none.
pub(super) fn check_pass(
    set: &WorkingSet,
    event: &Event,
    used: Option<&PassUse>,
    now_ms: TimeMs,
) -> Result<Option<Leaf>, RefusalKind> {
    let Some(queue) = &event.queue else { return Ok(None) };
    let used = used.filter(|used| used.queue == queue.id).ok_or(RefusalKind::PassRequired)?;
    let pass = set.place(&event.name, &used.leaf).and_then(|place| place.pass);
    let pass = pass.filter(|pass| pass.id == used.pass).ok_or(RefusalKind::PassRequired)?;
    if pass.is_spent(event.ledger_time(now_ms)) {
        return Err(RefusalKind::PassSpent);
    }
    Ok(Some(used.leaf))
}
