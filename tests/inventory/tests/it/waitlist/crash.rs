//! Writes that fail, and engines that end: nobody is offered tickets twice, and nobody loses a
//! place.

use inventory_engine::EngineError;
use inventory_store::Fault;

use super::{
    desk::{Desk, HOLD_TTL, OFFER_TTL, Sale, T, general, hold},
    story::{STEPS, Story, Summary},
};
use crate::{
    queue::{
        crash::SharedMemory,
        host::{Embedded, Memory},
    },
    support::event,
};

#[tokio::test]
async fn restarted_engine_goes_on_after_every_step() {
    let mut desk = Desk::<Embedded>::open().await;
    let mut story = Story::default();
    for number in 0..STEPS {
        story.play(&desk, number..number + 1).await;
        desk.restart().await;
    }
    assert_eq!(Summary::of(&desk, &story).await, Summary::expected().await);
    desk.close().await;
}

#[tokio::test]
async fn failed_write_of_any_step_can_be_repeated() {
    let expected = Summary::expected().await;
    for fault in [Fault::Lost, Fault::KeptButFailed, Fault::Panic] {
        for failing in 0..STEPS {
            let mut desk = Desk::<Memory>::open().await;
            let mut story = Story::default();
            story.play(&desk, 0..failing).await;
            desk.host.0.fail_next(fault);
            let error = story.ask(&desk, failing).await.unwrap_err();
            assert!(matches!(error, EngineError::Store(_)), "{fault:?}, step {failing}: {error}");
            desk.engine().failed().await;
            desk.start().await;
            story.play(&desk, failing..STEPS).await;
            let found = Summary::of(&desk, &story).await;
            assert_eq!(found, expected, "{fault:?}, step {failing}");
            desk.close().await;
        }
    }
}

#[tokio::test]
async fn unreachable_store_at_any_step_delays_it() {
    let expected = Summary::expected().await;
    for fault in [Fault::Conflict, Fault::Unavailable, Fault::KeptButUnknown] {
        for failing in 0..STEPS {
            let desk = Desk::<SharedMemory>::open().await;
            let mut story = Story::default();
            story.play(&desk, 0..failing).await;
            desk.host.0.fail_next(fault);
            let reply = match story.ask(&desk, failing).await {
                Err(EngineError::Store(error)) => {
                    assert_ne!(fault, Fault::Conflict, "the engine decides it again");
                    assert_eq!(error.is_without_effect(), fault == Fault::Unavailable);
                    story.ask(&desk, failing).await.unwrap()
                }
                reply => reply.unwrap(),
            };
            story.take(reply);
            story.play(&desk, failing + 1..STEPS).await;
            let found = Summary::of(&desk, &story).await;
            assert_eq!(found, expected, "{fault:?}, step {failing}");
            desk.close().await;
        }
    }
}

#[tokio::test]
async fn reader_repeats_an_offer_that_failed() {
    for fault in [Fault::Lost, Fault::KeptButFailed] {
        let mut desk = Desk::<Memory>::open().await;
        desk.accept(Sale::of(&general(1)).put()).await;
        desk.take(hold(&general(1), None)).await;
        let entry = desk.wait(&general(1), None).await;
        desk.at(T + HOLD_TTL);
        desk.host.0.fail_next(fault);
        desk.engine().event(&event("default")).await.unwrap_err();
        desk.engine().failed().await;
        desk.start().await;
        assert_eq!(desk.seen().await, (0, 1, 0, 0), "{fault:?}");
        assert_eq!(desk.offers().await, [(entry, None)]);
        desk.close().await;
    }
}

#[tokio::test]
async fn what_expired_during_an_outage_is_offered_after_it() {
    let mut desk = Desk::<Embedded>::open().await;
    desk.accept(Sale::of(&general(2)).put()).await;
    desk.take(hold(&general(1), None)).await;
    desk.take(hold(&general(1), None)).await;
    let both = desk.wait(&general(2), None).await;
    desk.stop().await;
    desk.at(T + 3 * HOLD_TTL);
    desk.start().await;
    assert_eq!(desk.seen().await, (0, 2, 0, 0));
    // Its time begins when it is offered.
    assert_eq!(desk.entry(both).await.expires_at_ms, T + 3 * HOLD_TTL + OFFER_TTL);
    desk.close().await;
}
