//! Confirming again, and with a wrong amount.

use inventory::{HoldState, Outcome, RefusalKind};
use inventory_store::testing::conformance::Kit;

use super::{
    on_every_store,
    shop::{Shop, confirm, eur, hold, money, paid, priced, sell},
};

/// An event with a hold, number 2, of 200 EUR cents.
async fn with_hold<K: Kit>(kit: K) -> Shop<K> {
    let mut shop = Shop::open(kit).await;
    shop.accept(1, priced(&[("general", 5, Some(eur(100)))])).await;
    shop.accept(2, hold(&[("general", 2)], 10_000)).await;
    shop
}

async fn wrong_amount_is_refused_and_changes_nothing(kit: impl Kit) {
    let mut shop = with_hold(kit).await;
    let mismatch = RefusalKind::AmountMismatch { total: Some(eur(200)) };
    for amount in [eur(199), eur(201), eur(0), eur(100), money(200, "USD")] {
        let kind = confirm(2, Some("p"), Some(amount));
        assert_eq!(shop.refuse_without_trace(kind.clone()).await, mismatch);
        let keyed = shop.ask(250, kind.clone(), Some("k")).await;
        assert_eq!(keyed.result.unwrap_err().kind, mismatch);
        assert!(!shop.has_key(&kind, "k").await);
    }
    assert_eq!(shop.state(2).await, HoldState::Held);
    assert_eq!(shop.counts("general").await, (3, 2, 0));
    // The same key goes on with the right amount.
    let right = confirm(2, Some("p"), Some(eur(200)));
    shop.ask(3, right, Some("k")).await.result.unwrap();
    assert_eq!(shop.counts("general").await, (3, 0, 2));
    shop.close().await;
}

/// Confirms hold 2 again and again after the first time, with `first` as its payment.
async fn repeated<K: Kit>(mut shop: Shop<K>, first: Option<&str>) {
    let done = shop.ask(3, confirm(2, first, None), Some("once")).await;
    let outcome = done.result.unwrap();
    let Outcome::Confirmed { payment_ref, .. } = &outcome else { panic!("{outcome:?}") };
    assert_eq!(*payment_ref, first.map(paid));
    shop.now_ms += 500_000;
    shop.reopen().await;
    let count = shop.records().await.len();
    for key in [None, Some("once"), Some("other")] {
        let again = shop.ask(4, confirm(2, first, None), key).await;
        assert_eq!((again.result.unwrap(), again.seq), (outcome.clone(), done.seq));
        assert_eq!(again.replayed, key == Some("once"));
    }
    // Without a payment it asks for what is there.
    let again = shop.ask(4, confirm(2, None, None), None).await;
    assert_eq!((again.result.unwrap(), again.seq), (outcome, done.seq));
    // With another it is a second payment.
    for key in [None, Some("another")] {
        let other = shop.ask(4, confirm(2, Some("second"), None), key).await;
        assert_eq!(other.result.unwrap_err().kind, RefusalKind::PaidOtherwise);
    }
    assert!(!shop.has_key(&confirm(2, Some("second"), None), "another").await);
    assert_eq!(shop.records().await.len(), count);
    assert_eq!(shop.hold(2).await.payment_ref, first.map(paid));
    shop.close().await;
}

async fn repeated_confirmation_gets_the_first_answer(kit: impl Kit) {
    repeated(with_hold(kit).await, Some("first")).await;
}

async fn confirmation_without_payment_takes_none_later(kit: impl Kit) {
    repeated(with_hold(kit).await, None).await;
}

async fn sale_without_a_hold_takes_no_payment_later(kit: impl Kit) {
    let mut shop = with_hold(kit).await;
    shop.accept(5, sell(&[("general", 1)])).await;
    assert_eq!(
        shop.refuse_without_trace(confirm(5, Some("p"), None)).await,
        RefusalKind::PaidOtherwise
    );
    let again = shop.accept(6, confirm(5, None, None)).await;
    assert!(matches!(again, Outcome::Confirmed { payment_ref: None, .. }));
    shop.close().await;
}

async fn key_used_for_one_payment_is_refused_for_another(kit: impl Kit) {
    let mut shop = with_hold(kit).await;
    shop.ask(3, confirm(2, Some("p"), None), Some("k")).await.result.unwrap();
    for kind in [confirm(2, Some("q"), None), confirm(2, Some("p"), Some(eur(200)))] {
        let reused = shop.ask(4, kind, Some("k")).await;
        assert_eq!(reused.result.unwrap_err().kind, RefusalKind::KeyReused);
    }
    shop.close().await;
}

on_every_store!(
    wrong_amount_is_refused_and_changes_nothing,
    repeated_confirmation_gets_the_first_answer,
    confirmation_without_payment_takes_none_later,
    sale_without_a_hold_takes_no_payment_later,
    key_used_for_one_payment_is_refused_for_another,
);
