//! A payment that started keeps its hold for a while, once.

use inventory::{CommandKind, HoldState, Outcome, RefusalKind, ledger::Change};
use inventory_store::testing::{conformance::Kit, id};

use super::{
    on_every_store,
    shop::{Shop, T, confirm, eur, hold, paid, priced, sell, start},
};

/// An event with hold 2, which lives for `ttl_ms`. A payment has 30 s, and a hold lives for 50 s at
/// most.
async fn with_hold<K: Kit>(kit: K, ttl_ms: u64) -> Shop<K> {
    let mut shop = Shop::open(kit).await;
    shop.accept(1, priced(&[("general", 5, Some(eur(100)))])).await;
    shop.accept(2, hold(&[("general", 2)], ttl_ms)).await;
    shop
}

/// Starts payment `p` of hold 2 and returns the time until which it is held.
async fn until<K: Kit>(shop: &mut Shop<K>) -> u64 {
    let Outcome::PaymentStarted { id: found, expires_at_ms, payment_ref, .. } =
        shop.accept(10, start(2, "p")).await
    else {
        panic!("another outcome")
    };
    assert_eq!((found, payment_ref), (id(2), paid("p")));
    assert_eq!(shop.hold(2).await.expires_at_ms, expires_at_ms);
    expires_at_ms
}

async fn payment_extends_its_hold_once(kit: impl Kit) {
    let mut shop = with_hold(kit, 1_000).await;
    shop.now_ms = T + 500;
    assert_eq!(until(&mut shop).await, T + 30_500);
    let record = shop.records().await.pop().unwrap();
    assert!(matches!(
        &record.change,
        Change::PaymentStarted { expires_at_ms, payment_ref, .. }
            if *expires_at_ms == T + 30_500 && *payment_ref == paid("p")
    ));
    shop.reopen().await;
    // The same again changes nothing, and another is refused.
    let count = shop.records().await.len();
    shop.now_ms = T + 20_000;
    assert_eq!(until(&mut shop).await, T + 30_500);
    for other in ["q", "P"] {
        assert_eq!(shop.refuse_without_trace(start(2, other)).await, RefusalKind::PaymentStarted);
    }
    assert_eq!(shop.records().await.len(), count);
    // It holds until then, and no longer.
    shop.now_ms = T + 30_499;
    assert_eq!(shop.refuse(sell(&[("general", 4)])).await, sold_out(3));
    shop.now_ms = T + 30_500;
    shop.accept(11, sell(&[("general", 4)])).await;
    assert_eq!(shop.refuse_without_trace(start(2, "p")).await, RefusalKind::HoldExpired);
    assert_eq!(shop.hold(2).await.terms.payment_started, Some(paid("p")));
    shop.close().await;
}

fn sold_out(left: u64) -> RefusalKind {
    RefusalKind::SoldOut { available: vec![(crate::support::stock("general"), left)] }
}

async fn payment_ends_with_the_lifetime_of_its_hold(kit: impl Kit) {
    let mut shop = with_hold(kit, 25_000).await;
    shop.now_ms = T + 24_999;
    assert_eq!(until(&mut shop).await, T + 50_000);
    assert!(matches!(
        shop.refuse(CommandKind::Extend { hold: id(2), ttl_ms: 25_002 }).await,
        RefusalKind::ExtensionCap { .. }
    ));
    shop.close().await;
}

async fn payment_never_shortens_its_hold(kit: impl Kit) {
    // Beyond the window, and even beyond the lifetime.
    let mut shop = with_hold(kit, 40_000).await;
    assert_eq!(until(&mut shop).await, T + 40_000);
    shop.accept(3, hold(&[("general", 1)], 90_000)).await;
    let Outcome::PaymentStarted { expires_at_ms, .. } = shop.accept(11, start(3, "p")).await else {
        panic!("another outcome")
    };
    assert_eq!(expires_at_ms, T + 90_000);
    // Its one chance is used up, although nothing became longer.
    shop.now_ms = T + 39_000;
    assert_eq!(until(&mut shop).await, T + 40_000);
    assert_eq!(shop.refuse_without_trace(start(2, "q")).await, RefusalKind::PaymentStarted);
    shop.close().await;
}

async fn extension_and_payment_add_up_to_the_later_time(kit: impl Kit) {
    let mut shop = with_hold(kit, 1_000).await;
    assert_eq!(until(&mut shop).await, T + 30_000);
    // A shorter extension leaves it, a longer one prolongs it.
    shop.accept(11, CommandKind::Extend { hold: id(2), ttl_ms: 5_000 }).await;
    assert_eq!(shop.hold(2).await.expires_at_ms, T + 30_000);
    shop.accept(12, CommandKind::Extend { hold: id(2), ttl_ms: 45_000 }).await;
    assert_eq!(until(&mut shop).await, T + 45_000);
    shop.accept(13, confirm(2, Some("p"), Some(eur(200)))).await;
    shop.close().await;
}

async fn payment_of_a_hold_that_is_over_is_refused(kit: impl Kit) {
    let mut shop = with_hold(kit, 1_000).await;
    for number in 3..5 {
        shop.accept(number, hold(&[("general", 1)], 1_000)).await;
    }
    shop.accept(10, confirm(3, Some("p"), None)).await;
    shop.accept(11, CommandKind::Release { hold: id(4) }).await;
    shop.accept(12, sell(&[("general", 1)])).await;
    for (number, why) in [
        (3, RefusalKind::HoldConfirmed),
        (4, RefusalKind::HoldReleased),
        (12, RefusalKind::HoldConfirmed),
        (99, RefusalKind::HoldNotFound),
    ] {
        assert_eq!(shop.refuse_without_trace(start(number, "p")).await, why, "{number}");
    }
    // From its expiry on, also while the items are still there.
    shop.now_ms = T + 1_000;
    shop.accept(13, CommandKind::Expire { event: crate::support::event("default") }).await;
    assert_eq!(shop.refuse_without_trace(start(2, "p")).await, RefusalKind::HoldExpired);
    assert_eq!(shop.state(2).await, HoldState::Expired);
    assert_eq!(shop.hold(2).await.terms.payment_started, None);
    assert_eq!(shop.hold(3).await.terms.payment_started, None);
    shop.close().await;
}

async fn retried_start_of_a_payment_gets_its_first_answer(kit: impl Kit) {
    let mut shop = with_hold(kit, 1_000).await;
    let first = shop.ask(10, start(2, "p"), Some("k")).await;
    first.result.as_ref().unwrap();
    shop.accept(11, confirm(2, Some("p"), None)).await;
    shop.now_ms += 400_000;
    shop.reopen().await;
    let again = shop.ask(12, start(2, "p"), Some("k")).await;
    assert_eq!((&again.result, again.seq, again.replayed), (&first.result, first.seq, true));
    let reused = shop.ask(13, start(2, "q"), Some("k")).await;
    assert_eq!(reused.result.unwrap_err().kind, RefusalKind::KeyReused);
    // The key of a start is no key of a confirmation.
    shop.ask(14, confirm(2, Some("p"), None), Some("k")).await.result.unwrap();
    shop.close().await;
}

on_every_store!(
    payment_extends_its_hold_once,
    payment_ends_with_the_lifetime_of_its_hold,
    payment_never_shortens_its_hold,
    extension_and_payment_add_up_to_the_later_time,
    payment_of_a_hold_that_is_over_is_refused,
    retried_start_of_a_payment_gets_its_first_answer,
);
