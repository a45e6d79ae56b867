//! Steps about waiting rooms, and the commands that they become.

use std::collections::BTreeMap;

use draw::{Leaf, Order};
use inventory::{
    CommandKind, EventName, EventSettings, HoldId, PassUse, QueueSettings, StockName,
    domain::DrawCommitment,
};

use super::{
    room::{ModelPlace, ModelQueue},
    state::Model,
};
use crate::{
    queue::commands::{commitment, seed, witnessed},
    support::{customer, items, stock},
};

/// A step about a waiting room. Numbers select from what there is at that point, and times count
/// from then.
#[derive(Debug, Clone)]
pub enum QueueStep {
    Put {
        general: u64,
        draw: bool,
        opens: (u64, u64),
        closes: Option<u64>,
        most: Option<u64>,
        ttls: (usize, usize),
        committed: Option<u8>,
    },
    /// Changes one thing of the present settings.
    Change(Changed, Option<u8>),
    Join {
        names: Vec<u8>,
        elsewhere: bool,
    },
    Claim {
        place: usize,
        called: bool,
        elsewhere: bool,
    },
    Reveal {
        seed: Option<u8>,
        beacon: Option<u8>,
        elsewhere: bool,
    },
    Call {
        by: u64,
        wrong: Wrong,
    },
    Pause(bool),
    Take {
        pass: usize,
        general: u64,
        wrong: Wrong,
        holds: bool,
        customer: Option<u8>,
    },
}

#[derive(Debug, Clone, Copy)]
pub enum Changed {
    Nothing,
    General(u64),
    Opens(u64),
    Closes(u64),
    Most(Option<u64>),
    Ttls(usize, usize),
    Draw,
    RoomOpens(u64),
    Removed,
}

/// What is wrong with a call or a pass.
#[derive(Debug, Clone, Copy)]
pub enum Wrong {
    Nothing,
    Room,
    /// The turn that it follows; who has the pass.
    From,
    /// The place that it names; the pass itself.
    Named,
}

pub const CLAIM_TTLS: [u64; 4] = [0, 600, 2_400, 12_000];
pub const PASS_TTLS: [u64; 4] = [1, 700, 3_000, 60_000];
const SIGNATURE: [u8; 3] = [7; 3];

/// The commitment to a seed, to every other one with a beacon.
fn committed(number: u8) -> DrawCommitment {
    if number.is_multiple_of(2) { witnessed(number) } else { commitment(number) }
}

impl QueueStep {
    pub fn command(&self, event: &EventName, model: &Model, now_ms: u64) -> CommandKind {
        let queue = model.events.get(event).and_then(|known| known.queue.as_ref());
        let id = |elsewhere: bool| queue.map_or(1, |queue| queue.id) + u64::from(elsewhere);
        let place = |number: usize, of: &dyn Fn(&&ModelPlace) -> bool| {
            let places: Vec<_> = queue.iter().flat_map(|queue| &queue.places).filter(of).collect();
            (!places.is_empty()).then(|| places[number % places.len()])
        };
        let event = event.clone();
        match self {
            Self::Put { .. } | Self::Change(..) => self.put(event, model, now_ms),
            Self::Join { names, elsewhere } => {
                let queue = id(*elsewhere);
                let leaf = |name: &u8| Leaf::of(event.as_str(), queue, &format!("p{name}"));
                CommandKind::JoinQueue { queue, leaves: names.iter().map(leaf).collect(), event }
            }
            Self::Claim { place: number, called, elsewhere } => {
                let is_called =
                    |place: &&ModelPlace| place.until_ms.is_some() && place.pass.is_none();
                let chosen = place(*number, &is_called).filter(|_| *called);
                let chosen = chosen.or_else(|| place(*number, &|_| number % 5 > 0));
                let leaf = chosen.map_or(Leaf::from_bytes([9; 32]), |place| place.leaf);
                CommandKind::ClaimPass { event, queue: id(*elsewhere), leaf }
            }
            Self::Reveal { seed: wrong, beacon, elsewhere } => {
                let draw = queue.and_then(|queue| queue.draw.as_ref());
                let right = draw.and_then(|draw| {
                    (0..6)
                        .find(|number| committed(*number).commitment == draw.commitment.commitment)
                });
                CommandKind::RevealDraw {
                    event,
                    queue: id(*elsewhere),
                    seed: seed(wrong.or(right).unwrap_or(0)),
                    beacon: beacon.map(|_| SIGNATURE.to_vec()),
                }
            }
            Self::Call { by, wrong } => {
                let from = queue.map_or(0, |queue| queue.called.0);
                let serving = from + by;
                let upto = queue.and_then(|queue| upto(queue, serving));
                // Only a line has none: one that nobody has would be as good as any of a draw.
                let is_line = queue.is_some_and(|queue| queue.draw.is_none());
                let none = is_line.then_some(draw::Threshold::new(1));
                let (other_from, other_upto) = match wrong {
                    Wrong::From => (from + 1, upto),
                    Wrong::Named => (from, none),
                    _ => (from, upto),
                };
                let queue = id(matches!(wrong, Wrong::Room));
                let (from, upto) = (other_from, other_upto);
                CommandKind::CallPlaces { event, queue, from, serving, upto }
            }
            Self::Pause(paused) => CommandKind::PauseQueue { event, paused: *paused },
            Self::Take { pass: number, general, wrong, holds, customer: who } => {
                let chosen = place(*number, &|place| place.pass.is_some());
                let pass = chosen.map(|place| {
                    Box::new(PassUse {
                        leaf: match wrong {
                            Wrong::From => Leaf::from_bytes([9; 32]),
                            _ => place.leaf,
                        },
                        pass: match (wrong, &place.pass) {
                            (Wrong::Named, _) | (_, None) => HoldId::new(1, [9; 10]),
                            (_, Some(pass)) => pass.id,
                        },
                        queue: id(matches!(wrong, Wrong::Room)),
                    })
                });
                let customer = who.map(|number| customer(&format!("c{number}")));
                let items = items(&[("general", (*general).max(1))]);
                if *holds {
                    CommandKind::Hold { event, items, customer, ttl_ms: None, pass }
                } else {
                    CommandKind::Reserve { event, items, customer, by_seller: true, pass }
                }
            }
        }
    }

    fn put(&self, event: EventName, model: &Model, now_ms: u64) -> CommandKind {
        let known = model.events.get(&event);
        let mut settings =
            known.map_or_else(EventSettings::default, |known| known.settings.clone());
        let mut capacities: BTreeMap<StockName, u64> = known
            .map(|known| known.capacities.clone())
            .filter(|capacities| !capacities.is_empty())
            .unwrap_or_else(|| BTreeMap::from([(stock("general"), 8)]));
        let mut number = None;
        match self {
            Self::Put { general, draw, opens, closes, most, ttls, committed } => {
                capacities.insert(stock("general"), *general);
                settings.opens_at_ms = Some(now_ms + opens.1);
                settings.closes_at_ms = closes.map(|closes| now_ms + closes);
                settings.queue = Some(QueueSettings {
                    active_max: *most,
                    claim_ttl_ms: CLAIM_TTLS[ttls.0],
                    draw: *draw,
                    opens_at_ms: now_ms + opens.0,
                    pass_ttl_ms: PASS_TTLS[ttls.1],
                });
                number = *committed;
            }
            Self::Change(what, committed) => {
                number = *committed;
                match (what, &mut settings.queue) {
                    (Changed::General(general), _) => {
                        capacities.insert(stock("general"), *general);
                    }
                    (Changed::Opens(later), _) => settings.opens_at_ms = Some(now_ms + later),
                    (Changed::Closes(later), _) => settings.closes_at_ms = Some(now_ms + later),
                    (Changed::Removed, queue) => *queue = None,
                    (Changed::Most(most), Some(queue)) => queue.active_max = *most,
                    (Changed::Ttls(claim, pass), Some(queue)) => {
                        queue.claim_ttl_ms = CLAIM_TTLS[*claim];
                        queue.pass_ttl_ms = PASS_TTLS[*pass];
                    }
                    (Changed::Draw, Some(queue)) => queue.draw = !queue.draw,
                    (Changed::RoomOpens(later), Some(queue)) => queue.opens_at_ms = now_ms + later,
                    _ => {}
                }
            }
            _ => {}
        }
        CommandKind::PutEvent {
            event,
            capacities,
            settings,
            if_settings_seq: None,
            only_create: false,
            draw: number.map(|number| Box::new(committed(number))),
        }
    }
}

/// The last place of the draw with the turns up to `serving`.
fn upto(queue: &ModelQueue, serving: u64) -> Option<draw::Threshold> {
    let key = queue.draw.as_ref()?.key?;
    let leaves = queue.places[..queue.drawn()].iter().map(|place| place.leaf);
    Order::new(&key, leaves).upto(serving)
}
