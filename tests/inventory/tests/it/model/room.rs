//! Waiting rooms of the model. Each place has the time until which it may claim its pass, and each
//! pass the time until which it counts; everything else is counted when it is asked for.

use draw::{DrawKey, Leaf, Threshold};
use inventory::{
    HoldId,
    domain::{DrawCommitment, Queue},
};

pub struct ModelQueue {
    pub id: u64,
    /// In the order of joining.
    pub places: Vec<ModelPlace>,
    pub draw: Option<ModelDraw>,
    /// The last turn called, and the last place of the draw with it.
    pub called: (u64, Option<Threshold>),
    /// When the newest share of calls began, and when it ends.
    pub share: Option<(u64, u64)>,
    pub paused: bool,
    /// What happened, for the census.
    pub seen: Vec<&'static str>,
}

pub struct ModelPlace {
    pub leaf: Leaf,
    /// Until when it may claim, once it is called.
    pub until_ms: Option<u64>,
    pub pass: Option<ModelPass>,
}

pub struct ModelPass {
    pub id: HoldId,
    pub claimed_at_ms: u64,
    pub expires_at_ms: u64,
    /// Until when it counts as one of those who choose.
    pub counts_until_ms: u64,
    /// The hold or sale, and how many tickets.
    pub used: Option<(HoldId, u64)>,
}

pub struct ModelDraw {
    pub commitment: DrawCommitment,
    /// How many places take part, once it is frozen.
    pub n: Option<usize>,
    pub key: Option<DrawKey>,
}

impl ModelQueue {
    pub fn new(id: u64, commitment: Option<&DrawCommitment>) -> Self {
        let draw = commitment.map(|commitment| ModelDraw {
            commitment: commitment.clone(),
            n: None,
            key: None,
        });
        let (called, places, seen) = ((0, None), Vec::new(), Vec::new());
        Self { id, places, draw, called, share: None, paused: false, seen }
    }

    /// How many places take part in the draw so far.
    pub fn drawn(&self) -> usize {
        self.draw.as_ref().map_or(0, |draw| draw.n.unwrap_or(self.places.len()))
    }

    /// How many passes count at `at_ms`.
    pub fn active(&self, at_ms: u64) -> u64 {
        let passes = self.places.iter().filter_map(|place| place.pass.as_ref());
        passes.filter(|pass| pass.used.is_none() && pass.counts_until_ms > at_ms).count() as u64
    }

    /// How many places may claim at `at_ms`, and have not.
    fn outstanding(&self, at_ms: u64) -> u64 {
        let may = |place: &&ModelPlace| place.until_ms.is_some_and(|until_ms| at_ms < until_ms);
        self.places.iter().filter(may).filter(|place| place.pass.is_none()).count() as u64
    }
    /// Panics unless `found` is this waiting room at `now_ms`.
    pub fn check(&self, found: &Queue, now_ms: u64) {
        assert_eq!((found.id, found.paused), (self.id, self.paused));
        assert_eq!(found.joined, self.places.len() as u64);
        assert_eq!((found.called.serving, found.called.upto), self.called);
        let drawn = |draw: &ModelDraw| (draw.commitment.clone(), draw.n.is_some(), draw.key);
        let expected_draw = self.draw.as_ref().map(drawn);
        let found_draw = found.draw.as_ref().map(|draw| {
            let key = draw.revealed.as_ref().map(|revealed| revealed.key);
            (draw.commitment.clone(), draw.frozen.is_some(), key)
        });
        assert_eq!(found_draw, expected_draw);
        let mut tree = draw::Frontier::default();
        self.places[..self.drawn()].iter().for_each(|place| tree.push(&place.leaf));
        assert_eq!(found.draw.as_ref().map(|draw| &draw.tree), self.draw.as_ref().map(|_| &tree));
        let passes: Vec<_> = self.places.iter().filter_map(|place| place.pass.as_ref()).collect();
        let used: Vec<_> = passes.iter().filter_map(|pass| pass.used).collect();
        let taken = used.iter().map(|(_, qty)| qty).sum();
        let counts = (found.passes.claimed, found.passes.spent, found.passes.taken);
        assert_eq!(counts, (passes.len() as u64, used.len() as u64, taken));
        // Now, and at times to come.
        for at_ms in [0, 1, 100, 999, 3_000, 70_000].map(|later| now_ms + later) {
            assert_eq!(found.passes.active(at_ms), self.active(at_ms), "at {at_ms}");
            assert_eq!(found.outstanding(at_ms), self.outstanding(at_ms), "at {at_ms}");
        }
    }
}
