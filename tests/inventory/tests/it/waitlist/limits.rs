//! Entries that cannot have their items at the moment, though these are there.

use inventory::{Currency, HoldState, Items, Money};

use super::{
    desk::{Desk, Sale, general, hold, refund, release, sell},
    on_every_store,
};
use crate::{queue::host::Host, support::stock};

async fn customer_at_its_limit_is_passed_over(desk: Desk<impl Host>) {
    let sale = Sale::of(&general(3)).limited(2);
    desk.accept(sale.put()).await;
    let held = desk.take(hold(&general(1), Some("x"))).await;
    let bought = desk.take(sell(&general(1), Some("a"))).await;
    desk.take(sell(&general(1), Some("y"))).await;
    // Together they are too many for `a`, and each alone is not.
    let [one, two] =
        [desk.wait(&general(1), Some("a")).await, desk.wait(&general(1), Some("a")).await];
    let b = desk.wait(&general(1), Some("b")).await;
    desk.accept(release(held)).await;
    assert_eq!(desk.offers().await, [(one, None)]);
    // `a` has two now, and returns the older one: the newer entry is not offered before that.
    desk.accept(sale.clone().having("general", 4).put()).await;
    assert_eq!(desk.offers().await[1..], [(b, None)]);
    assert_eq!(desk.waits(two).await, (0, Items::none()));
    // Nobody else waits, so it is for all.
    desk.accept(sale.clone().having("general", 5).put()).await;
    assert_eq!(desk.seen().await, (1, 2, 2, 1));
    desk.accept(refund(bought, &[])).await;
    assert_eq!(desk.state(two).await, HoldState::Held);
    assert_eq!(desk.seen().await, (1, 3, 1, 0));
    desk.close().await;
}

async fn raised_limit_lets_the_first_have_its_turn(desk: Desk<impl Host>) {
    let sale = Sale::of(&general(3)).limited(1);
    desk.accept(sale.put()).await;
    for who in ["a", "b", "c"] {
        desk.take(sell(&general(1), Some(who))).await;
    }
    desk.accept(sale.clone().limited(2).put()).await;
    let entry = desk.wait(&general(1), Some("a")).await;
    desk.accept(sale.put()).await;
    desk.accept(sale.clone().having("general", 4).put()).await;
    assert_eq!((desk.offers().await, desk.seen().await), (vec![], (1, 0, 3, 1)));
    desk.accept(sale.having("general", 4).limited(2).put()).await;
    assert_eq!((desk.offers().await, desk.seen().await), (vec![(entry, None)], (0, 1, 3, 0)));
    desk.close().await;
}

async fn nothing_is_kept_for_a_customer_at_its_limit(desk: Desk<impl Host>) {
    let sale = Sale::of(&general(20));
    let sold = desk.sold_out(&sale).await;
    let first = desk.wait(&general(2), Some("a")).await;
    let mine = desk.wait(&general(1), Some("a")).await;
    let mut others = Vec::new();
    for number in 0..12 {
        others.push(desk.wait(&general(1), Some(&format!("c{number}"))).await);
    }
    // With its other entry, `a` has reached the limit.
    desk.accept(sale.limited(2).put()).await;
    desk.accept(refund(sold, &general(1))).await;
    assert_eq!(desk.state(mine).await, HoldState::Held);
    // Its own offer counted; those that come while it could not have its items do not.
    for _ in 2..=13 {
        desk.accept(refund(sold, &general(1))).await;
        assert_eq!(desk.waits(first).await, (1, Items::none()));
    }
    assert_eq!(desk.state(others[11]).await, HoldState::Held);
    // Until that changes.
    desk.accept(refund(sold, &general(1))).await;
    assert_eq!(desk.seen().await, (1, 13, 6, 1));
    desk.accept(release(mine)).await;
    assert_eq!((desk.state(first).await, desk.seen().await), (HoldState::Held, (0, 14, 6, 0)));
    desk.close().await;
}

async fn entry_without_a_customer_outlives_a_new_limit(desk: Desk<impl Host>) {
    let sale = Sale::of(&general(2));
    let sold = desk.sold_out(&sale).await;
    let entry = desk.wait(&general(2), None).await;
    desk.accept(sale.limited(1).put()).await;
    desk.accept(refund(sold, &[])).await;
    assert_eq!(desk.state(entry).await, HoldState::Held);
    desk.close().await;
}

async fn items_without_a_common_currency_are_not_offered(desk: Desk<impl Host>) {
    let price = |code: &str| Money { amount_minor: 100, currency: Currency::new(code).unwrap() };
    let sale = Sale::of(&[("general", 20), ("vip", 20)]);
    let sold = desk.sold_out(&sale).await;
    let both = [("general", 1), ("vip", 1)];
    let first = desk.wait(&both, None).await;
    for _ in 0..12 {
        desk.wait(&general(1), None).await;
    }
    let prices = [(stock("general"), price("EUR")), (stock("vip"), price("USD"))];
    let priced = sale.clone().with(|sale| sale.settings.prices = prices.into_iter().collect());
    desk.accept(priced.put()).await;
    desk.accept(refund(sold, &[("vip", 1)])).await;
    // Nothing is kept for it, however often others come before it.
    for _ in 0..13 {
        desk.accept(refund(sold, &general(1))).await;
    }
    assert_eq!(desk.waits(first).await, (0, Items::none()));
    assert_eq!((desk.seen().await, desk.counts_of("vip").await), ((1, 12, 7, 1), (1, 0, 19)));
    // What nobody can be offered is for all.
    desk.take(sell(&general(1), None)).await;
    desk.accept(refund(sold, &general(1))).await;
    desk.accept(sale.put()).await;
    assert_eq!(desk.state(first).await, HoldState::Held);
    desk.close().await;
}

async fn stock_that_is_no_more_holds_nobody_up(desk: Desk<impl Host>) {
    let sale = Sale::of(&[("general", 20), ("vip", 1)]);
    let sold = desk.sold_out(&sale).await;
    let first = desk.wait(&[("general", 1), ("vip", 1)], None).await;
    for _ in 0..12 {
        desk.wait(&general(1), None).await;
    }
    desk.accept(refund(sold, &[("vip", 1)])).await;
    desk.accept(sale.clone().with(|sale| sale.capacities.retain(|name, _| name != "vip")).put())
        .await;
    for _ in 0..13 {
        desk.accept(refund(sold, &general(1))).await;
    }
    assert_eq!((desk.waits(first).await, desk.seen().await), ((0, Items::none()), (1, 12, 7, 1)));
    desk.accept(sale.put()).await;
    assert_eq!(desk.state(first).await, HoldState::Held);
    desk.close().await;
}

async fn capacity_below_an_entry_holds_nobody_up(desk: Desk<impl Host>) {
    let sale = Sale::of(&[("general", 20), ("vip", 20)]);
    let sold = desk.sold_out(&sale).await;
    let first = desk.wait(&[("general", 1), ("vip", 2)], None).await;
    for _ in 0..12 {
        desk.wait(&general(1), None).await;
    }
    // There will never be two vip tickets.
    desk.accept(refund(sold, &[("vip", 20)])).await;
    desk.accept(sale.clone().having("vip", 1).put()).await;
    for _ in 0..13 {
        desk.accept(refund(sold, &general(1))).await;
    }
    assert_eq!((desk.waits(first).await, desk.seen().await), ((0, Items::none()), (1, 12, 7, 1)));
    // Unless there are.
    desk.accept(sale.having("vip", 2).put()).await;
    assert_eq!(desk.state(first).await, HoldState::Held);
    desk.close().await;
}

on_every_store!(
    customer_at_its_limit_is_passed_over,
    raised_limit_lets_the_first_have_its_turn,
    nothing_is_kept_for_a_customer_at_its_limit,
    entry_without_a_customer_outlives_a_new_limit,
    items_without_a_common_currency_are_not_offered,
    stock_that_is_no_more_holds_nobody_up,
    capacity_below_an_entry_holds_nobody_up,
);
