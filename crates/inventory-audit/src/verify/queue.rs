//! The waiting room of one event, record by record. The rules are written down here once more, from
//! the documentation of the ledger and not from the engine.

use draw::{DrawKey, Frontier, Leaf, Threshold};
use inventory::{
    domain::{
        Call, Covered, Draw, DrawCommitment, EventSettings, Frozen, HoldId, Pass, Place, Queue,
        QueueSettings, Revealed, TimeMs,
    },
    ledger::{
        DrawFrozen, DrawRevealed, PassClaimed, QueueCalled, QueueChange, QueueJoined, Record,
    },
};
use sha2::{Digest, Sha256};

use super::violation::ViolationKind;

/// The places that a record names, as they were before it, and as they are afterwards.
pub type Places = Vec<(Leaf, Option<Place>)>;

/// Settings that begin a draw, or move its end, are not followed by a commitment.
pub const UNCOMMITTED: &str = "a draw is not committed to with its settings";

fn wrong(why: &'static str) -> ViolationKind {
    ViolationKind::Queue(why)
}

/// The waiting room after the event got new settings with record `seq`.
pub fn after_put(before: Option<Queue>, new: &EventSettings, seq: u64) -> Option<Queue> {
    match (&new.queue, before) {
        (None, _) => None,
        (Some(_), Some(queue)) if queue.joined > 0 => Some(queue),
        (Some(_), Some(queue)) => Some(Queue { paused: queue.paused, ..Queue::new(seq) }),
        (Some(_), None) => Some(Queue::new(seq)),
    }
}

/// Whether the record after new settings must commit to a draw: one begins, or its end has moved.
pub fn needs_commitment(queue: Option<&Queue>, old: &EventSettings, new: &EventSettings) -> bool {
    let has_draw = new.queue.as_ref().is_some_and(|settings| settings.draw);
    let begins = queue.is_some_and(|queue| queue.draw.is_none());
    has_draw && (begins || old.opens_at_ms != new.opens_at_ms)
}

/// Whether new settings keep what those in the waiting room joined for.
pub fn check_put(
    queue: Option<&Queue>,
    old: &EventSettings,
    new: &EventSettings,
) -> Result<(), ViolationKind> {
    let Some(queue) = queue.filter(|queue| queue.joined > 0) else { return Ok(()) };
    let (Some(before), Some(after)) = (&old.queue, &new.queue) else { return Ok(()) };
    if before.draw != after.draw || before.opens_at_ms != after.opens_at_ms {
        return Err(wrong("its draw or its opening changed after places had joined"));
    }
    let is_frozen = queue.draw.as_ref().is_some_and(|draw| draw.frozen.is_some());
    if is_frozen && old.opens_at_ms != new.opens_at_ms {
        return Err(wrong("the sale's opening moved after the draw was frozen"));
    }
    Ok(())
}

/// Whether `record` may come next: a commitment follows its settings at once, and a freeze comes
/// before all else when its time has come.
pub fn check_order(
    queue: Option<&Queue>,
    settings: &EventSettings,
    needs_commitment: bool,
    record: &Record,
) -> Result<(), ViolationKind> {
    use inventory::ledger::Change::{Expired, Queue as Change};
    if needs_commitment && !matches!(record.change, Change(QueueChange::DrawCommitted(_))) {
        return Err(wrong(UNCOMMITTED));
    }
    let is_open =
        queue.and_then(|queue| queue.draw.as_ref()).is_some_and(|draw| draw.frozen.is_none());
    let is_due = settings.opens_at_ms.is_some_and(|opens_at_ms| opens_at_ms <= record.at_ms);
    let may_precede = matches!(
        record.change,
        Expired { .. } | Change(QueueChange::DrawFrozen(_) | QueueChange::DrawCommitted(_))
    );
    if is_open && is_due && !may_precede {
        return Err(wrong("the draw had ended, and its freeze was not written first"));
    }
    Ok(())
}

/// What a change of the waiting room meets.
pub struct Situation<'a> {
    /// The settings of the event.
    pub event: &'a EventSettings,
    /// How much is available, of all stocks, and how much is held.
    pub left_and_held: (u64, u64),
    /// The record before this one needs a commitment to a draw.
    pub needs_commitment: bool,
}

/// Applies a change of the waiting room.
pub fn push(
    queue: &mut Queue,
    situation: &Situation<'_>,
    record: &Record,
    change: &QueueChange,
    places: Places,
) -> Result<Places, ViolationKind> {
    let event = situation.event;
    let settings = event.queue.as_ref().ok_or(wrong("the event has none"))?;
    let has_closed = event.closes_at_ms.is_some_and(|closes_at_ms| record.at_ms >= closes_at_ms);
    match change {
        QueueChange::Joined(joined) => {
            if record.at_ms < settings.opens_at_ms || has_closed {
                return Err(wrong("a place joined while it was closed"));
            }
            if situation.left_and_held == (0, 0) {
                return Err(wrong("a place joined when nothing could be left for it"));
            }
            join(queue, joined, places)
        }
        QueueChange::DrawCommitted(commitment) => {
            if !situation.needs_commitment {
                return Err(wrong("a draw is committed to without new settings"));
            }
            commit(queue, commitment, record.seq).map(|()| Vec::new())
        }
        QueueChange::DrawFrozen(frozen) => {
            if event.opens_at_ms.is_none_or(|opens_at_ms| record.at_ms < opens_at_ms) {
                return Err(wrong("the draw is frozen before the sale opens"));
            }
            freeze(queue, frozen, record.seq).map(|()| Vec::new())
        }
        QueueChange::DrawRevealed(revealed) => {
            reveal(queue, revealed, record.seq).map(|()| Vec::new())
        }
        QueueChange::Called(called) => {
            if !event.is_open_at(record.at_ms) {
                return Err(wrong("places are called outside the sale"));
            }
            call(queue, settings, called, record.at_ms).map(|()| Vec::new())
        }
        QueueChange::PassClaimed(_) if has_closed => {
            Err(wrong("a pass was claimed after the sale had closed"))
        }
        QueueChange::PassClaimed(claimed) => {
            let (left, _) = situation.left_and_held;
            claim(queue, (settings, left), claimed, record.at_ms, &places)
        }
        QueueChange::Paused(paused) => {
            if queue.paused == paused.paused {
                return Err(wrong("it was paused or resumed twice"));
            }
            queue.paused = paused.paused;
            Ok(Vec::new())
        }
    }
}

fn join(queue: &mut Queue, joined: &QueueJoined, places: Places) -> Result<Places, ViolationKind> {
    if joined.from != queue.joined || joined.leaves.is_empty() {
        return Err(wrong("a place is missing or repeated"));
    }
    let mut after: Places = Vec::with_capacity(places.len());
    for (leaf, before) in places {
        if before.is_some() || after.iter().any(|(known, _)| *known == leaf) {
            return Err(wrong("a place joined twice"));
        }
        if let Some(Draw { tree, frozen: None, .. }) = &mut queue.draw {
            tree.push(&leaf);
        }
        after.push((leaf, Some(Place { index: queue.joined, pass: None })));
        queue.joined += 1;
    }
    Ok(after)
}

fn commit(queue: &mut Queue, commitment: &DrawCommitment, seq: u64) -> Result<(), ViolationKind> {
    let tree = match queue.draw.take() {
        None if queue.joined == 0 => Frontier::default(),
        Some(Draw { tree, frozen: None, .. }) => tree,
        _ => return Err(wrong("a draw is committed to after it was frozen, or too late")),
    };
    let (commitment, committed_seq) = (commitment.clone(), seq);
    queue.draw = Some(Draw { commitment, committed_seq, tree, frozen: None, revealed: None });
    Ok(())
}

fn freeze(queue: &mut Queue, frozen: &DrawFrozen, seq: u64) -> Result<(), ViolationKind> {
    let Some(draw @ Draw { frozen: None, .. }) = &mut queue.draw else {
        return Err(wrong("there is no draw to freeze"));
    };
    if frozen.n != queue.joined || frozen.root != draw.tree.root() {
        return Err(wrong("the draw is frozen with other places than joined"));
    }
    draw.frozen = Some(Frozen { root: frozen.root, seq });
    Ok(())
}

fn reveal(queue: &mut Queue, revealed: &DrawRevealed, seq: u64) -> Result<(), ViolationKind> {
    let Some(draw @ Draw { frozen: Some(_), revealed: None, .. }) = &mut queue.draw else {
        return Err(wrong("there is no draw to reveal"));
    };
    if draw.commitment.commitment != revealed.seed.commitment() {
        return Err(wrong("the seed is another than committed to"));
    }
    let mut randomness = None;
    if let Some(beacon) = &revealed.beacon {
        let committed = draw.commitment.beacon.as_ref().map(|beacon| beacon.round);
        let signature = inventory::domain::hash::hex::decode_all(&beacon.signature);
        match signature.filter(|_| committed == Some(beacon.round)) {
            Some(signature) => randomness = Some(<[u8; 32]>::from(Sha256::digest(signature))),
            None => return Err(wrong("the beacon is another than committed to")),
        }
    }
    let (beacon, seed) = (revealed.beacon.clone(), revealed.seed);
    let key = DrawKey::new(&seed, randomness.as_ref());
    draw.revealed = Some(Revealed { beacon, key, seed, seq });
    Ok(())
}

/// Calls within a twelfth of the time to claim count as one, unless that time became longer in
/// between; and so does one that would end before the call before it.
fn call(
    queue: &mut Queue,
    settings: &QueueSettings,
    called: &QueueCalled,
    at_ms: TimeMs,
) -> Result<(), ViolationKind> {
    if queue.paused {
        return Err(wrong("places are called while it is paused"));
    }
    if called.serving <= queue.called.serving || called.serving > queue.joined {
        return Err(wrong("a turn is called twice, or does not exist"));
    }
    let drawn = queue.draw.as_ref().map_or(0, |draw| draw.tree.len());
    if queue.draw.as_ref().is_some_and(|draw| draw.revealed.is_none()) {
        return Err(wrong("places are called before the draw"));
    }
    if called.upto.is_some() != (drawn > 0) || called.upto < queue.called.upto {
        return Err(wrong("a call names no place of the draw, or an earlier one"));
    }
    while let Some(over) = queue.calls.first().copied().filter(|call| call.until_ms <= at_ms) {
        let claimed = queue.lapsed.claimed.saturating_add(over.upto.claimed);
        queue.lapsed = Covered { claimed, ..over.upto };
        queue.calls.remove(0);
    }
    queue.called.serving = called.serving;
    queue.called.upto = called.upto;
    let part_ms = settings.claim_ttl_ms / 12;
    let claim_until_ms = at_ms.saturating_add(settings.claim_ttl_ms);
    let until_ms = claim_until_ms.saturating_add(part_ms);
    match queue.calls.last_mut() {
        Some(last)
            if until_ms <= last.until_ms
                || at_ms < last.since_ms.saturating_add(part_ms)
                    && claim_until_ms <= last.until_ms =>
        {
            last.upto.serving = called.serving;
            last.upto.upto = called.upto;
        }
        _ => queue.calls.push(Call {
            since_ms: at_ms,
            until_ms,
            upto: Covered { serving: called.serving, upto: called.upto, claimed: 0 },
        }),
    }
    Ok(())
}

/// Who was called in time gets a pass, and everyone else who was called only while there is room.
fn claim(
    queue: &mut Queue,
    (settings, left): (&QueueSettings, u64),
    claimed: &PassClaimed,
    at_ms: TimeMs,
    places: &Places,
) -> Result<Places, ViolationKind> {
    let [(leaf, Some(place @ Place { pass: None, .. }))] = places.as_slice() else {
        return Err(wrong("a pass of no place, or a second one"));
    };
    if claimed.expires_at_ms != at_ms.saturating_add(settings.pass_ttl_ms.max(1)) {
        return Err(wrong("a pass lives for another time than the event's passes"));
    }
    let threshold = match &queue.draw {
        Some(draw) if place.index < draw.tree.len() => {
            let revealed = draw.revealed.as_ref().ok_or(wrong("a pass before the draw"))?;
            Some(revealed.key.threshold_of(leaf))
        }
        _ => None,
    };
    let is_called = |upto: &Covered| covers(upto, threshold, place.index);
    if !is_called(&queue.called) {
        return Err(wrong("a pass of a place that was not called"));
    }
    if !is_called(&queue.lapsed)
        && let Some(call) = queue.calls.iter_mut().find(|call| is_called(&call.upto))
        && at_ms < call.until_ms
    {
        call.upto.claimed += 1;
        queue.called.claimed += 1;
    } else {
        let open = queue.passes.open.iter().filter(|(until_ms, _)| **until_ms > at_ms);
        let active: u64 = open.map(|(_, count)| count).sum();
        let most = left.min(settings.active_max());
        if queue.paused || active >= most {
            return Err(wrong("a turn had lapsed, and there was no room for it"));
        }
    }
    let pass = Pass {
        id: claimed.pass,
        claimed_at_ms: at_ms,
        expires_at_ms: claimed.expires_at_ms,
        spent_on: None,
    };
    queue.passes.open.retain(|until_ms, _| *until_ms > at_ms);
    queue.passes.claimed += 1;
    *queue.passes.open.entry(counts_until_ms(&pass)).or_insert(0) += 1;
    Ok(vec![(*leaf, Some(Place { index: place.index, pass: Some(pass) }))])
}

fn covers(upto: &Covered, threshold: Option<Threshold>, index: u64) -> bool {
    match threshold {
        Some(threshold) => upto.upto.is_some_and(|upto| threshold <= upto),
        None => index < upto.serving,
    }
}

/// The end of a pass, rounded up to a thirty-second part of its time in whole seconds.
fn counts_until_ms(pass: &Pass) -> TimeMs {
    let part_ms = (pass.expires_at_ms - pass.claimed_at_ms) / 32;
    let step_ms = 1_000 * part_ms.div_ceil(1_000).max(1);
    pass.expires_at_ms.div_ceil(step_ms).saturating_mul(step_ms)
}

/// Uses the pass of the place that a sale or hold names, which every one has where there is a
/// waiting room.
pub fn spend(
    queue: Option<&mut Queue>,
    record: &Record,
    id: HoldId,
    qty: u64,
    places: Places,
) -> Result<Places, ViolationKind> {
    let (queue, mut places) = match (queue, record.change.place()) {
        (None, None) => return Ok(Vec::new()),
        (Some(queue), Some(_)) => (queue, places),
        _ => return Err(wrong("sold without a pass, or with one and without a waiting room")),
    };
    let Some((_, Some(Place { pass: Some(pass), .. }))) = places.first_mut() else {
        return Err(wrong("sold with a pass that nobody claimed"));
    };
    if pass.spent_on.is_some() || pass.expires_at_ms <= record.at_ms {
        return Err(wrong("sold with a pass that was used or had expired"));
    }
    pass.spent_on = Some(id);
    queue.passes.open.retain(|until_ms, _| *until_ms > record.at_ms);
    queue.passes.spent += 1;
    queue.passes.taken = queue.passes.taken.saturating_add(qty);
    let until_ms = counts_until_ms(pass);
    let open = queue.passes.open.get_mut(&until_ms).ok_or(wrong("its pass is not counted"))?;
    *open -= 1;
    if *open == 0 {
        queue.passes.open.remove(&until_ms);
    }
    Ok(places)
}
