//! Waiting rooms.

mod draw;
mod pause;
mod place;
mod reading;
mod settings;
mod wire;

pub use draw::{QueueDraw, QueueFrozen, QueueLeaves, QueueProof, QueueRevealed};
pub use pause::{QueuePauseList, QueuePauseReceipt};
pub use place::{
    JoinQueueBody, PassReceipt, PlaceReading, PlaceReceipt, PlaceState, PlaceStatus, WorkChallenge,
};
pub use reading::{DrawReading, QueueReading};
pub use settings::{QueueError, QueueSettings};
pub use wire::{JoinAnswer, LeavesPage, PassAnswer, PassEntry};
