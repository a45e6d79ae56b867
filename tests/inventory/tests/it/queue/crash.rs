//! Writes that fail, and engines that end: what was written counts, and the rest can be repeated.

use std::{sync::Arc, time::Duration};

use inventory::Limits;
use inventory_engine::{Engine, EngineError, Environment};
use inventory_store::{Fault, MemoryStore};

use super::{
    commands::{SALE, expire},
    host::{Embedded, Host, Memory},
    room::Room,
    story::{FROZEN, REVEALED, STEPS, Story, Summary},
};
use crate::support::event;

/// The memory store as one that other processes use too.
pub struct SharedMemory(pub MemoryStore);

impl Host for SharedMemory {
    async fn new() -> Self {
        Self(MemoryStore::default())
    }

    async fn start(&self, limits: &Limits, env: Environment) -> Engine {
        let writers = (0..2).map(|_| self.0.clone()).collect();
        let reader = Arc::new(self.0.clone());
        Engine::start_shared(writers, reader, Duration::ZERO, limits.clone(), env)
    }

    async fn verify(&self) {}
}

#[tokio::test]
async fn restarted_engine_goes_on_after_every_step() {
    let mut room = Room::<Embedded>::open().await;
    let mut story = Story::default();
    for number in 0..STEPS {
        story.play(&room, number..number + 1).await;
        room.restart().await;
    }
    assert_eq!(Summary::of(&room).await, Summary::expected().await);
    room.close().await;
}

#[tokio::test]
async fn failed_write_of_any_step_can_be_repeated() {
    let expected = Summary::expected().await;
    for fault in [Fault::Lost, Fault::KeptButFailed, Fault::Panic] {
        // The last step writes nothing.
        for failing in 0..STEPS - 1 {
            let mut room = Room::<Memory>::open().await;
            let mut story = Story::default();
            story.play(&room, 0..failing).await;
            room.host.0.fail_next(fault);
            let error = story.ask(&room, failing).await.unwrap_err();
            assert!(matches!(error, EngineError::Store(_)), "{fault:?}, step {failing}: {error}");
            room.engine().failed().await;
            room.start().await;
            let reply = story.ask(&room, failing).await.unwrap();
            story.take(failing, reply, fault == Fault::KeptButFailed);
            story.play(&room, failing + 1..STEPS).await;
            assert_eq!(Summary::of(&room).await, expected, "{fault:?}, step {failing}");
            room.close().await;
        }
    }
}

#[tokio::test]
async fn unreachable_store_at_any_step_delays_it() {
    let expected = Summary::expected().await;
    for fault in [Fault::Conflict, Fault::Unavailable, Fault::KeptButUnknown] {
        for failing in 0..STEPS - 1 {
            let room = Room::<SharedMemory>::open().await;
            let mut story = Story::default();
            story.play(&room, 0..failing).await;
            room.host.0.fail_next(fault);
            let reply = match story.ask(&room, failing).await {
                Err(EngineError::Store(error)) => {
                    assert_ne!(fault, Fault::Conflict, "the engine decides it again");
                    assert_eq!(error.is_without_effect(), fault == Fault::Unavailable);
                    story.ask(&room, failing).await.unwrap()
                }
                reply => reply.unwrap(),
            };
            story.take(failing, reply, fault == Fault::KeptButUnknown);
            story.play(&room, failing + 1..STEPS).await;
            assert_eq!(Summary::of(&room).await, expected, "{fault:?}, step {failing}");
            room.close().await;
        }
    }
}

#[tokio::test]
async fn reader_repeats_a_freeze_that_failed() {
    let expected = Summary::expected().await;
    for fault in [Fault::Lost, Fault::KeptButFailed] {
        let mut room = Room::<Memory>::open().await;
        let mut story = Story::default();
        story.play(&room, 0..FROZEN - 1).await;
        room.at(SALE);
        room.host.0.fail_next(fault);
        let name = event("default");
        room.engine().event(&name).await.unwrap_err();
        room.engine().failed().await;
        room.start().await;
        let seen = room.engine().event(&name).await.unwrap().unwrap();
        assert!(!seen.event.queue.as_ref().unwrap().is_drawing_open());
        assert_eq!(room.kinds(4).await, ["draw_frozen"]);
        story.play(&room, FROZEN - 1..STEPS).await;
        assert_eq!(Summary::of(&room).await, expected, "{fault:?}");
        room.close().await;
    }
}

#[tokio::test]
async fn draw_freezes_after_an_outage_with_the_places_before_it() {
    // Nothing runs while the sale opens.
    let mut room = Room::<Embedded>::open().await;
    let mut story = Story::default();
    story.play(&room, 0..FROZEN - 1).await;
    room.stop().await;
    room.at(2 * SALE);
    room.start().await;
    room.engine().submit(inventory_engine::Request::new(expire())).await.unwrap();
    let frozen = room.queue().await.draw.unwrap();
    assert_eq!((frozen.tree.len(), room.records().await[4].at_ms), (6, 2 * SALE));
    story.play(&room, FROZEN..REVEALED).await;
    assert_eq!(room.queue().await.draw.unwrap().tree, frozen.tree);
    room.close().await;
}
