//! Applies the changes of waiting rooms.

use draw::{DrawKey, Leaf};
use sha2::{Digest as _, Sha256};

use super::{apply_error::ApplyError, working_set::WorkingSet};
use crate::{
    domain::{
        Draw, DrawCommitment, EventSettings, Frozen, HoldId, Pass, Place, PlaceCall, Queue,
        Revealed, TimeMs, hash::hex,
    },
    ledger::{
        DrawFrozen, DrawRevealed, PassClaimed, QueueCalled, QueueChange, QueueJoined, Record,
    },
};

/// The waiting room of an event that gets these settings with record `seq`. One that nobody has
/// joined begins again, and stays paused.
pub(super) fn after_put(
    before: Option<Queue>,
    settings: &EventSettings,
    seq: u64,
) -> Option<Queue> {
    settings.queue.as_ref()?;
    Some(match before {
        Some(queue) if queue.joined > 0 => queue,
        Some(queue) => Queue { paused: queue.paused, ..Queue::new(seq) },
        None => Queue::new(seq),
    })
}

pub(super) fn apply(
    set: &mut WorkingSet,
    record: &Record,
    change: &QueueChange,
) -> Result<(), ApplyError> {
    let event = set.events.get_mut(&record.event).ok_or(ApplyError::NoEvent)?;
    let claim_ttl_ms = event.settings.queue.as_ref().map_or(0, |queue| queue.claim_ttl_ms);
    let queue = event.queue.as_mut().ok_or(ApplyError::Queue("there is none"))?;
    match change {
        QueueChange::Joined(joined) => join(set, record, joined),
        QueueChange::DrawCommitted(commitment) => commit(queue, commitment, record.seq),
        QueueChange::DrawFrozen(frozen) => freeze(queue, frozen, record.seq),
        QueueChange::DrawRevealed(revealed) => reveal(queue, revealed, record.seq),
        QueueChange::Called(called) => call(queue, called, record.at_ms, claim_ttl_ms),
        QueueChange::PassClaimed(claimed) => claim(set, record, claimed),
        QueueChange::Paused(paused) => {
            queue.paused = paused.paused;
            Ok(())
        }
    }
}

fn join(set: &mut WorkingSet, record: &Record, joined: &QueueJoined) -> Result<(), ApplyError> {
    let event = set.events.get_mut(&record.event).ok_or(ApplyError::NoEvent)?;
    let queue = event.queue.as_mut().ok_or(ApplyError::Queue("there is none"))?;
    if queue.joined != joined.from {
        return Err(ApplyError::Queue("a place is missing or repeated"));
    }
    for (leaf, index) in joined.leaves.iter().zip(joined.from..) {
        if let Some(draw) = queue.draw.as_mut().filter(|draw| draw.frozen.is_none()) {
            draw.tree.push(leaf);
        }
        queue.joined += 1;
        let key = (record.event.clone(), *leaf);
        if set.places.insert(key.clone(), Place { index, pass: None }).is_some() {
            return Err(ApplyError::Queue("a place joined twice"));
        }
        set.dirty_places.insert(key);
    }
    Ok(())
}

fn commit(queue: &mut Queue, commitment: &DrawCommitment, seq: u64) -> Result<(), ApplyError> {
    let tree = match queue.draw.take() {
        Some(Draw { frozen: Some(_), .. }) => {
            return Err(ApplyError::Queue("a frozen draw is committed again"));
        }
        Some(draw) => draw.tree,
        None if queue.joined > 0 => {
            return Err(ApplyError::Queue("a draw begins after places joined"));
        }
        None => draw::Frontier::default(),
    };
    queue.draw = Some(Draw {
        commitment: commitment.clone(),
        committed_seq: seq,
        tree,
        frozen: None,
        revealed: None,
    });
    Ok(())
}

fn freeze(queue: &mut Queue, frozen: &DrawFrozen, seq: u64) -> Result<(), ApplyError> {
    let draw = queue.draw.as_mut().filter(|draw| draw.frozen.is_none());
    let draw = draw.ok_or(ApplyError::Queue("there is no draw to freeze"))?;
    if frozen.n != draw.tree.len() || frozen.root != draw.tree.root() {
        return Err(ApplyError::Queue("the draw is frozen with other places"));
    }
    draw.frozen = Some(Frozen { root: frozen.root, seq });
    Ok(())
}

fn reveal(queue: &mut Queue, revealed: &DrawRevealed, seq: u64) -> Result<(), ApplyError> {
    let draw = queue.draw.as_mut().filter(|draw| draw.frozen.is_some() && draw.revealed.is_none());
    let draw = draw.ok_or(ApplyError::Queue("there is no draw to reveal"))?;
    if revealed.seed.commitment() != draw.commitment.commitment {
        return Err(ApplyError::Queue("the seed is another than committed to"));
    }
    let randomness = match &revealed.beacon {
        None => None,
        Some(beacon) => {
            let round = draw.commitment.beacon.as_ref().map(|beacon| beacon.round);
            if round != Some(beacon.round) {
                return Err(ApplyError::Queue("the beacon's round is another than committed to"));
            }
            let signature = hex::decode_all(&beacon.signature);
            let signature = signature.ok_or(ApplyError::Queue("the beacon's signature"))?;
            Some(Sha256::digest(signature).into())
        }
    };
    draw.revealed = Some(Revealed {
        beacon: revealed.beacon.clone(),
        key: DrawKey::new(&revealed.seed, randomness.as_ref()),
        seed: revealed.seed,
        seq,
    });
    Ok(())
}

fn call(
    queue: &mut Queue,
    called: &QueueCalled,
    at_ms: TimeMs,
    claim_ttl_ms: u64,
) -> Result<(), ApplyError> {
    if queue.paused {
        return Err(ApplyError::Queue("places are called while it is paused"));
    }
    if called.serving <= queue.called.serving || called.serving > queue.joined {
        return Err(ApplyError::Queue("a turn is called twice, or does not exist"));
    }
    if queue.draw.as_ref().is_some_and(|draw| draw.revealed.is_none()) {
        return Err(ApplyError::Queue("places are called before the draw"));
    }
    if called.upto.is_some() != (queue.drawn() > 0) || called.upto < queue.called.upto {
        return Err(ApplyError::Queue("a call names no place of the draw, or an earlier one"));
    }
    queue.call(called.serving, called.upto, at_ms, claim_ttl_ms);
    Ok(())
}

fn claim(set: &mut WorkingSet, record: &Record, claimed: &PassClaimed) -> Result<(), ApplyError> {
    let key = (record.event.clone(), claimed.leaf);
    let event = set.events.get_mut(&record.event).ok_or(ApplyError::NoEvent)?;
    let queue = event.queue.as_mut().ok_or(ApplyError::Queue("there is none"))?;
    let place = set.places.get_mut(&key).filter(|place| place.pass.is_none());
    let place = place.ok_or(ApplyError::Queue("a pass of no place, or a second one"))?;
    let turn = queue.turn(&claimed.leaf, place.index);
    if queue.place_call(turn, record.at_ms) == PlaceCall::Waiting {
        return Err(ApplyError::Queue("a pass of a place that is not called"));
    }
    if claimed.expires_at_ms <= record.at_ms {
        return Err(ApplyError::Queue("a pass that has expired"));
    }
    let pass = Pass {
        id: claimed.pass,
        claimed_at_ms: record.at_ms,
        expires_at_ms: claimed.expires_at_ms,
        spent_on: None,
    };
    place.pass = Some(pass);
    queue.claim(turn, &pass);
    set.dirty_places.insert(key);
    Ok(())
}

/// Uses the pass of `place` for `qty` tickets of hold or reservation `id`. Events with a waiting
/// room sell by passes alone.
pub(super) fn spend(
    set: &mut WorkingSet,
    record: &Record,
    place: Option<&Leaf>,
    id: HoldId,
    qty: u64,
) -> Result<(), ApplyError> {
    let event = set.events.get_mut(&record.event).ok_or(ApplyError::NoEvent)?;
    let (queue, leaf) = match (event.queue.as_mut(), place) {
        (None, None) => return Ok(()),
        (Some(queue), Some(leaf)) => (queue, leaf),
        _ => {
            return Err(ApplyError::Queue("sold without a pass, or a pass without a waiting room"));
        }
    };
    let key = (record.event.clone(), *leaf);
    let pass = set.places.get_mut(&key).and_then(|place| place.pass.as_mut());
    let pass = pass.filter(|pass| !pass.is_spent(record.at_ms));
    let pass = pass.ok_or(ApplyError::Queue("sold with a pass that is spent or unknown"))?;
    pass.spent_on = Some(id);
    queue.spend(pass, qty, record.at_ms);
    set.dirty_places.insert(key);
    Ok(())
}
