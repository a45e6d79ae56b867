//! Totals that cannot be: too large, or in two currencies.

use inventory::{Money, Outcome, RefusalKind};
use inventory_store::testing::conformance::Kit;

use super::{
    on_every_store,
    shop::{Shop, confirm, eur, hold, money, priced, sell},
};

/// A hold and a sale of this are refused, and nothing is taken.
async fn refused<K: Kit>(shop: &mut Shop<K>, wanted: &[(&str, u64)], why: RefusalKind) {
    for kind in [hold(wanted, 10_000), sell(wanted)] {
        assert_eq!(shop.refuse_without_trace(kind.clone()).await, why, "{wanted:?}");
        let keyed = shop.ask(251, kind.clone(), Some("k")).await;
        assert_eq!(keyed.result.unwrap_err().kind, why, "{wanted:?}");
        assert!(!shop.has_key(&kind, "k").await, "a refusal is not kept");
    }
    for (name, _) in wanted {
        let (_, held, sold) = shop.counts(name).await;
        assert_eq!((held, sold), (0, 0), "{wanted:?}");
    }
}

async fn total_beyond_the_largest_amount_is_refused(kit: impl Kit) {
    let mut shop = Shop::open(kit).await;
    let most = Money::AMOUNT_MAX;
    shop.accept(
        1,
        priced(&[
            ("a", 1_000_000, Some(eur(most))),
            ("b", 1_000_000, Some(eur(most / 2))),
            ("c", 1_000_000, Some(eur(1))),
            ("d", 1_000_000, Some(eur(0))),
        ]),
    )
    .await;
    for wanted in [
        vec![("a", 2)],
        vec![("a", 1), ("c", 1)],
        vec![("b", 3)],
        vec![("b", 2), ("c", 2)],
        // Beyond 64 bits: by the sum of these, and by each alone.
        vec![("a", 2_049)],
        vec![("a", 1_000_000)],
        vec![("a", 2_048), ("b", 1)],
    ] {
        refused(&mut shop, &wanted, RefusalKind::TotalTooLarge).await;
    }
    let mut number = 10;
    for (wanted, total) in [
        (vec![("a", 1), ("d", 9)], most),
        (vec![("b", 2), ("c", 1)], most),
        (vec![("c", 1_000), ("b", 1)], most / 2 + 1_000),
    ] {
        number += 1;
        let held = shop.accept(number, hold(&wanted, 10_000)).await;
        assert!(matches!(held, Outcome::Held { total: Some(found), .. } if found == eur(total)));
        shop.accept(100 + number, confirm(number, None, Some(eur(total)))).await;
    }
    shop.close().await;
}

async fn mixed_currencies_are_refused_together(kit: impl Kit) {
    let mut shop = Shop::open(kit).await;
    shop.accept(
        1,
        priced(&[
            ("a", 20, Some(eur(10))),
            ("b", 20, Some(money(10, "USD"))),
            ("c", 20, Some(money(0, "CHF"))),
            ("free", 20, None),
        ]),
    )
    .await;
    for wanted in [
        vec![("a", 1), ("b", 1)],
        vec![("a", 1), ("c", 1)],
        vec![("b", 1), ("c", 1), ("free", 1)],
        vec![("a", 1), ("b", 1), ("c", 1), ("free", 1)],
    ] {
        refused(&mut shop, &wanted, RefusalKind::MixedCurrencies).await;
    }
    shop.accept(2, hold(&[("a", 2), ("free", 2)], 10_000)).await;
    shop.accept(3, hold(&[("b", 2), ("free", 2)], 10_000)).await;
    shop.accept(4, sell(&[("c", 2)])).await;
    let totals = [shop.hold(2).await, shop.hold(3).await, shop.hold(4).await];
    assert_eq!(
        totals.map(|hold| hold.terms.total),
        [Some(eur(20)), Some(money(20, "USD")), Some(money(0, "CHF"))]
    );
    shop.close().await;
}

on_every_store!(total_beyond_the_largest_amount_is_refused, mixed_currencies_are_refused_together,);
