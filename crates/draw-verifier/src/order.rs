//! The order of a draw.

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::text::Leaf;

/// The rule of this order, as commitments name it.
pub(crate) const RULE: &str = "hkdf-hmac-sha256-v1";
const INFO: &[u8] = b"ticket-system draw v1";

/// The key of a draw.
pub(crate) struct DrawKey(Hmac<Sha256>);

impl DrawKey {
    /// The key that follows from the seed and from the beacon, if there is one.
    pub fn new(seed: &[u8; 32], randomness: Option<&[u8; 32]>) -> Self {
        let mut material = seed.to_vec();
        material.extend(randomness.into_iter().flatten());
        let mut key = [0; 32];
        let expanded = Hkdf::<Sha256>::new(None, &material).expand(INFO, &mut key);
        let (Ok(()), Ok(mac)) = (expanded, Hmac::new_from_slice(&key)) else {
            unreachable!("32 bytes are a length of HKDF and of HMAC keys")
        };
        Self(mac)
    }

    fn value(&self, leaf: &Leaf) -> [u8; 32] {
        let mut mac = self.0.clone();
        mac.update(leaf.as_bytes());
        mac.finalize().into_bytes().into()
    }
}

/// The participants of a draw in its order.
pub(crate) struct Order {
    key: DrawKey,
    /// The index of the place of each turn; the first turn is 1.
    by_turn: Vec<u32>,
    /// The turn of each place.
    turns: Vec<u32>,
}

impl Order {
    pub fn new(key: DrawKey, leaves: &[Leaf]) -> Self {
        let mut values: Vec<([u8; 32], u32)> =
            (0..).zip(leaves).map(|(index, leaf)| (key.value(leaf), index)).collect();
        values.sort_unstable_by(|(a, i), (b, j)| {
            (a, leaves[*i as usize], i).cmp(&(b, leaves[*j as usize], j))
        });
        let by_turn: Vec<u32> = values.iter().map(|(_, index)| *index).collect();
        drop(values);
        let mut turns = vec![0; leaves.len()];
        for (turn, index) in (1..).zip(&by_turn) {
            turns[*index as usize] = turn;
        }
        Self { key, by_turn, turns }
    }

    /// The turn of the place at `index`; places that joined later follow the participants.
    pub fn turn(&self, index: u32) -> u64 {
        self.turns.get(index as usize).map_or(u64::from(index) + 1, |turn| u64::from(*turn))
    }

    /// The threshold when turns up to `serving` are called; none before the first.
    pub fn threshold(&self, serving: u64, leaves: &[Leaf]) -> Option<[u8; 16]> {
        let last = serving.min(self.by_turn.len() as u64).checked_sub(1)?;
        let index = self.by_turn[last as usize];
        self.key.value(&leaves[index as usize]).first_chunk().copied()
    }
}
