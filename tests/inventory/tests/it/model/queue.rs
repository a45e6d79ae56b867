//! The rules of waiting rooms.

use draw::{DrawKey, Leaf, Seed, Threshold};
use inventory::{
    EventName, EventSettings, HoldId, Limits, Outcome, PassUse, QueueSettings, RefusalKind,
    domain::{DrawCommitment, JoinedPlace},
};
use sha2::{Digest, Sha256};

use super::{
    room::{ModelDraw, ModelPass, ModelPlace, ModelQueue},
    state::Model,
};

impl Model {
    /// The waiting room of an event that exists.
    fn queue(
        &mut self,
        event: &EventName,
    ) -> Result<(&mut ModelQueue, QueueSettings), RefusalKind> {
        let known = self.events.get_mut(event).filter(|known| !known.capacities.is_empty());
        let known = known.ok_or(RefusalKind::EventNotFound)?;
        let queue = known.queue.as_mut().ok_or(RefusalKind::QueueNotFound)?;
        Ok((queue, known.settings.queue.clone().unwrap()))
    }

    fn queue_of(
        &mut self,
        event: &EventName,
        id: u64,
    ) -> Result<(&mut ModelQueue, QueueSettings), RefusalKind> {
        let (queue, settings) = self.queue(event)?;
        if queue.id == id { Ok((queue, settings)) } else { Err(RefusalKind::QueueNotFound) }
    }

    /// Writes the freeze of a draw whose sale has opened.
    pub fn freeze(&mut self, event: &EventName, now_ms: u64) {
        let Some(known) = self.events.get_mut(event) else { return };
        let now_ms = now_ms.max(known.at_ms);
        let Some(queue) = &mut known.queue else { return };
        if let Some(draw @ ModelDraw { n: None, .. }) = &mut queue.draw
            && known.settings.opens_at_ms.is_some_and(|opens_at_ms| opens_at_ms <= now_ms)
        {
            draw.n = Some(queue.places.len());
            queue.seen.push(if queue.places.is_empty() { "empty freeze" } else { "freeze" });
            known.seq += 1;
            known.at_ms = now_ms;
        }
    }

    /// The waiting room of `event` once it has these settings, and whether a commitment is written.
    pub fn queue_after_put(
        &mut self,
        event: &EventName,
        settings: &EventSettings,
        commitment: Option<&DrawCommitment>,
    ) -> Result<(Option<ModelQueue>, bool), RefusalKind> {
        let Some(new) = &settings.queue else { return Ok((None, false)) };
        let committed = match (new.draw, commitment) {
            (true, None) => Err(RefusalKind::DrawNotCommitted),
            (true, commitment) => Ok(commitment),
            (false, _) => Ok(None),
        };
        let known = self.events.get_mut(event);
        let seq = known.as_ref().map_or(0, |known| known.seq);
        let paused =
            known.as_ref().and_then(|known| known.queue.as_ref()).is_some_and(|it| it.paused);
        let used = known
            .filter(|known| known.queue.as_ref().is_some_and(|queue| !queue.places.is_empty()));
        let Some(known) = used else {
            let commitment = committed?;
            let queue = ModelQueue { paused, ..ModelQueue::new(seq + 1, commitment) };
            return Ok((Some(queue), commitment.is_some()));
        };
        let old = known.settings.queue.as_ref().unwrap();
        let is_frozen = known
            .queue
            .as_ref()
            .and_then(|queue| queue.draw.as_ref())
            .is_some_and(|draw| draw.n.is_some());
        let moves = known.settings.opens_at_ms != settings.opens_at_ms;
        if old.draw != new.draw || old.opens_at_ms != new.opens_at_ms || moves && is_frozen {
            return Err(RefusalKind::QueueInUse);
        }
        let commits = new.draw && moves;
        if commits {
            committed.clone()?;
        }
        let mut queue = known.queue.take().unwrap();
        if commits {
            queue.draw.as_mut().unwrap().commitment = committed?.unwrap().clone();
            queue.seen.push("commitment again");
        }
        Ok((Some(queue), commits))
    }

    pub fn join_queue(
        &mut self,
        limits: &Limits,
        (event, id): (&EventName, u64),
        leaves: &[Leaf],
        now_ms: u64,
    ) -> Result<(Outcome, bool), RefusalKind> {
        self.queue_of(event, id)?;
        let known = &self.events[event];
        let (settings, at_ms) = (known.settings.clone(), now_ms.max(known.at_ms));
        let counts: Vec<_> =
            known.capacities.keys().map(|stock| self.counts(event, stock)).collect();
        let is_sold = counts.iter().all(|(left, held, _)| left + held == 0);
        let (queue, room) = self.queue(event)?;
        let (count, mut full) = (queue.places.len(), false);
        let is_over = settings.closes_at_ms.is_some_and(|closes_at_ms| at_ms >= closes_at_ms);
        let is_open = at_ms >= room.opens_at_ms && !is_sold && !is_over;
        for leaf in leaves {
            let is_new = queue.places.iter().all(|place| place.leaf != *leaf);
            if is_new && is_open && (queue.places.len() as u64) < limits.places_max {
                queue.places.push(ModelPlace { leaf: *leaf, until_ms: None, pass: None });
            } else if is_new {
                full = is_open;
            }
        }
        let drawn = queue.drawn();
        let place = |leaf: &Leaf| {
            let index = queue.places.iter().position(|place| place.leaf == *leaf)?;
            Some(JoinedPlace {
                index: index as u64,
                turn: (index >= drawn).then_some(index as u64 + 1),
            })
        };
        let places: Vec<_> = leaves.iter().map(place).collect();
        let is_new = queue.places.len() > count;
        match places.iter().filter(|place| place.is_none()).count() {
            0 => {}
            some if some < places.len() => queue.seen.push("joined in part"),
            _ if full => return Err(RefusalKind::QueueFull(limits.places_max)),
            _ => {
                let opens_at_ms = (at_ms < room.opens_at_ms).then_some(room.opens_at_ms);
                return Err(RefusalKind::QueueClosed { opens_at_ms });
            }
        }
        Ok((Outcome::Joined { places }, is_new))
    }

    pub fn reveal_draw(
        &mut self,
        (event, id): (&EventName, u64),
        seed: &Seed,
        beacon: Option<&[u8]>,
    ) -> Result<(Outcome, bool), RefusalKind> {
        let (queue, _) = self.queue_of(event, id)?;
        let Some(draw @ ModelDraw { n: Some(_), .. }) = &mut queue.draw else {
            return Err(RefusalKind::QueueMoved);
        };
        if draw.key.is_some() {
            return Ok((Outcome::QueueAdvanced, false));
        }
        if draw.commitment.commitment != seed.commitment() {
            return Err(RefusalKind::DrawNotCommitted);
        }
        let beacon = beacon.filter(|_| draw.commitment.beacon.is_some());
        let randomness = beacon.map(|signature| Sha256::digest(signature).into());
        draw.key = Some(DrawKey::new(seed, randomness.as_ref()));
        queue.seen.push(if randomness.is_some() { "witnessed draw" } else { "unwitnessed draw" });
        Ok((Outcome::QueueAdvanced, true))
    }

    pub fn call_places(
        &mut self,
        (event, id): (&EventName, u64),
        (from, serving, upto): (u64, u64, Option<Threshold>),
        now_ms: u64,
    ) -> Result<(Outcome, bool), RefusalKind> {
        let known = self.events.get(event);
        let at_ms = now_ms.max(known.map_or(0, |known| known.at_ms));
        let is_open = known.is_some_and(|known| {
            let EventSettings { opens_at_ms, closes_at_ms, .. } = known.settings;
            opens_at_ms.is_none_or(|opens| opens <= at_ms)
                && closes_at_ms.is_none_or(|closes| at_ms < closes)
        });
        let (queue, settings) = self.queue_of(event, id)?;
        let drawn = queue.drawn();
        let key = match &queue.draw {
            Some(ModelDraw { key: None, .. }) => return Err(RefusalKind::QueueMoved),
            Some(draw) => draw.key,
            None => None,
        };
        let (served, last) = queue.called;
        if queue.paused
            || !is_open
            || from != served
            || !(served + 1..=queue.places.len() as u64).contains(&serving)
            || upto.is_some() != (drawn > 0)
            || upto < last
        {
            return Err(RefusalKind::QueueMoved);
        }
        let ttl_ms = settings.claim_ttl_ms;
        let part_ms = ttl_ms / 12;
        let full_ms = at_ms + ttl_ms + part_ms;
        let until_ms = match queue.share {
            Some((since_ms, until_ms))
                if at_ms < until_ms
                    && (full_ms <= until_ms
                        || at_ms < since_ms + part_ms && at_ms + ttl_ms <= until_ms) =>
            {
                queue.seen.push("shared call");
                until_ms
            }
            _ => {
                queue.share = Some((at_ms, full_ms));
                full_ms
            }
        };
        for (index, place) in queue.places.iter_mut().enumerate() {
            let is_called = match key.filter(|_| index < drawn) {
                Some(key) => Some(key.threshold_of(&place.leaf)) <= upto,
                None => (index as u64) < serving,
            };
            if is_called && place.until_ms.is_none() {
                place.until_ms = Some(until_ms);
            }
        }
        queue.called = (serving, upto);
        Ok((Outcome::QueueAdvanced, true))
    }

    pub fn pause_queue(
        &mut self,
        event: &EventName,
        paused: bool,
    ) -> Result<(Outcome, bool), RefusalKind> {
        let (queue, _) = self.queue(event)?;
        let changes = queue.paused != paused;
        queue.paused = paused;
        Ok((Outcome::QueueAdvanced, changes))
    }

    pub fn claim_pass(
        &mut self,
        (event, id): (&EventName, u64),
        (leaf, pass): (&Leaf, HoldId),
        now_ms: u64,
    ) -> Result<(Outcome, bool), RefusalKind> {
        self.queue_of(event, id)?;
        let known = &self.events[event];
        let (closes_at_ms, at_ms) = (known.settings.closes_at_ms, now_ms.max(known.at_ms));
        let left: u64 = known.capacities.keys().map(|stock| self.counts(event, stock).0).sum();
        let (queue, settings) = self.queue(event)?;
        let (active, paused) = (queue.active(at_ms), queue.paused);
        let place = queue.places.iter_mut().find(|place| place.leaf == *leaf);
        let place = place.ok_or(RefusalKind::PlaceNotFound)?;
        if let Some(pass) = &place.pass {
            let (pass, expires_at_ms) = (pass.id, pass.expires_at_ms);
            return Ok((Outcome::PassClaimed { pass, expires_at_ms }, false));
        }
        if let Some(closes_at_ms) = closes_at_ms.filter(|closes_at_ms| at_ms >= *closes_at_ms) {
            return Err(RefusalKind::SaleClosed { closes_at_ms });
        }
        let until_ms = place.until_ms.ok_or(RefusalKind::NotCalled { lapsed: false })?;
        let has_lapsed = at_ms >= until_ms;
        let is_full = active >= settings.active_max.unwrap_or(10_000) || active >= left;
        if has_lapsed && (paused || is_full) {
            return Err(RefusalKind::NotCalled { lapsed: true });
        }
        let expires_at_ms = at_ms + settings.pass_ttl_ms.max(1);
        let step_ms = (settings.pass_ttl_ms / 32).div_ceil(1_000).max(1) * 1_000;
        let counts_until_ms = expires_at_ms.div_ceil(step_ms) * step_ms;
        let used = None;
        place.pass = Some(ModelPass {
            id: pass,
            claimed_at_ms: at_ms,
            expires_at_ms,
            counts_until_ms,
            used,
        });
        queue.seen.push(if has_lapsed { "pass after its turn" } else { "pass in its turn" });
        Ok((Outcome::PassClaimed { pass, expires_at_ms }, true))
    }

    /// Whether something may be sold with `used`, which only events with a waiting room ask for.
    pub fn check_pass(
        &self,
        event: &EventName,
        used: Option<&PassUse>,
        now_ms: u64,
    ) -> Result<(), RefusalKind> {
        let known = &self.events[event];
        let Some(queue) = &known.queue else { return Ok(()) };
        let used = used.filter(|used| used.queue == queue.id).ok_or(RefusalKind::PassRequired)?;
        let place = queue.places.iter().find(|place| place.leaf == used.leaf);
        let pass = place.and_then(|place| place.pass.as_ref());
        match pass.filter(|pass| pass.id == used.pass) {
            None => Err(RefusalKind::PassRequired),
            Some(pass) if pass.used.is_some() || pass.expires_at_ms <= now_ms.max(known.at_ms) => {
                Err(RefusalKind::PassSpent)
            }
            Some(_) => Ok(()),
        }
    }

    /// Uses the pass for a hold or sale that is made.
    pub fn use_pass(&mut self, event: &EventName, used: Option<&PassUse>, by: (HoldId, u64)) {
        let queue = self.events.get_mut(event).and_then(|known| known.queue.as_mut());
        if let (Some(queue), Some(used)) = (queue, used) {
            let place = queue.places.iter_mut().find(|place| place.leaf == used.leaf);
            place.unwrap().pass.as_mut().unwrap().used = Some(by);
            queue.seen.push("used pass");
        }
    }
}
