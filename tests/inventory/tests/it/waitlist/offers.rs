//! An offer is a hold like any other; an entry that waits is none.

use inventory::{
    CommandKind, Currency, HoldState, Limits, Money, Outcome, PaymentRef, RefusalKind,
};

use super::{
    desk::{Desk, OFFER_TTL, Sale, T, general, hold, leave, refund, release, sell},
    on_every_store,
};
use crate::{
    queue::{
        commands::{Show, confirm},
        host::Host,
    },
    support::{items, stock},
};

fn eur(amount_minor: u64) -> Money {
    Money { amount_minor, currency: Currency::new("EUR").unwrap() }
}

fn priced(sale: &Sale, amount_minor: u64) -> CommandKind {
    let price = (stock("general"), eur(amount_minor));
    sale.clone().with(|sale| sale.settings.prices = [price].into_iter().collect()).put()
}

fn pay(hold: inventory::HoldId) -> CommandKind {
    CommandKind::StartPayment { hold, payment_ref: PaymentRef::new("p").unwrap() }
}

async fn offer_has_the_price_of_its_time(desk: Desk<impl Host>) {
    let sale = Sale::of(&general(4));
    let sold = desk.sold_out(&sale).await;
    desk.accept(priced(&sale, 100)).await;
    let entry = desk.wait(&general(2), None).await;
    assert_eq!(desk.entry(entry).await.terms.total, None);
    desk.accept(priced(&sale, 150)).await;
    desk.accept(refund(sold, &general(2))).await;
    desk.accept(priced(&sale, 200)).await;
    assert_eq!(desk.entry(entry).await.terms.total, Some(eur(300)));
    let confirm = |amount| CommandKind::Confirm {
        hold: entry,
        payment_ref: Some(PaymentRef::new("p").unwrap()),
        amount: Some(amount),
        by_seller: false,
    };
    for wrong in [200, 400] {
        let total = Some(eur(300));
        assert_eq!(desk.refuse(confirm(eur(wrong))).await, RefusalKind::AmountMismatch { total });
    }
    desk.accept(confirm(eur(300))).await;
    desk.close().await;
}

async fn offer_is_confirmed_extended_and_paid(desk: Desk<impl Host>) {
    let sold = desk.sold_out(&Sale::of(&general(3))).await;
    let mut entries = Vec::new();
    for who in ["a", "b", "c"] {
        entries.push(desk.wait(&general(1), Some(who)).await);
    }
    desk.accept(refund(sold, &[])).await;
    assert_eq!(desk.view().await.event.live_holds, 3);
    let [a, b, c] = entries[..] else { panic!() };
    desk.accept(confirm(a)).await;
    desk.accept(CommandKind::Extend { hold: b, ttl_ms: 2 * OFFER_TTL }).await;
    desk.accept(pay(c)).await;
    desk.at(T + OFFER_TTL);
    assert_eq!((desk.seen().await, desk.view().await.event.live_holds), ((0, 2, 1, 0), 2));
    let window = Limits::default().payment_window_ms;
    assert_eq!(desk.entry(b).await.expires_at_ms, T + 2 * OFFER_TTL);
    assert_eq!(desk.entry(c).await.expires_at_ms, T + window);
    desk.at(T + 2 * OFFER_TTL);
    assert_eq!((desk.seen().await, desk.view().await.event.live_holds), ((1, 1, 1, 0), 1));
    desk.accept(confirm(c)).await;
    desk.accept(refund(a, &[])).await;
    assert_eq!((desk.seen().await, desk.view().await.event.live_holds), ((2, 0, 1, 0), 0));
    desk.close().await;
}

async fn time_of_waiting_is_no_time_of_the_hold(desk: Desk<impl Host>) {
    // Who has waited longer than a hold may live has the same time to pay.
    let limits = Limits::default();
    let sold = desk.sold_out(&Sale::of(&general(2))).await;
    let [a, b] = [desk.wait(&general(1), None).await, desk.wait(&general(1), None).await];
    let offered_ms = T + 3 * limits.hold_lifetime_max_ms;
    desk.at(offered_ms);
    desk.accept(refund(sold, &[])).await;
    assert_eq!(desk.entry(a).await.created_at_ms, offered_ms);
    desk.accept(pay(a)).await;
    assert_eq!(desk.entry(a).await.expires_at_ms, offered_ms + limits.payment_window_ms);
    let extend = |ttl_ms| CommandKind::Extend { hold: b, ttl_ms };
    let most = limits.hold_lifetime_max_ms;
    desk.accept(extend(most)).await;
    assert_eq!(desk.entry(b).await.expires_at_ms, offered_ms + most);
    let cap = RefusalKind::ExtensionCap { lifetime_max_ms: most };
    assert_eq!(desk.refuse(extend(most + 1)).await, cap);
    desk.close().await;
}

async fn entry_that_waits_is_no_hold(desk: Desk<impl Host>) {
    let sold = desk.sold_out(&Sale::of(&general(1))).await;
    let entry = desk.wait(&general(1), None).await;
    let paid = CommandKind::Confirm {
        hold: entry,
        payment_ref: Some(PaymentRef::new("p").unwrap()),
        amount: None,
        by_seller: false,
    };
    let of_holds =
        [confirm(entry), paid, pay(entry), CommandKind::Extend { hold: entry, ttl_ms: 9 }];
    for kind in of_holds.clone() {
        assert_eq!(desk.refuse(kind.clone()).await, RefusalKind::StillWaiting, "{kind:?}");
    }
    assert_eq!(desk.refuse(refund(entry, &[])).await, RefusalKind::NotConfirmed);
    // To release it is to leave the list.
    assert_eq!(desk.accept(release(entry)).await, Outcome::Released);
    assert_eq!(desk.kinds(3).await, ["waitlist_left"]);
    for kind in of_holds {
        assert_eq!(desk.refuse(kind.clone()).await, RefusalKind::HoldReleased, "{kind:?}");
    }
    desk.accept(refund(sold, &[])).await;
    assert_eq!((desk.offers().await, desk.seen().await), (vec![], (1, 0, 0, 0)));
    desk.close().await;
}

async fn who_was_offered_tickets_has_left_the_list(desk: Desk<impl Host>) {
    let sold = desk.sold_out(&Sale::of(&general(3))).await;
    let mut entries = Vec::new();
    for _ in 0..3 {
        entries.push(desk.wait(&general(1), None).await);
    }
    desk.accept(refund(sold, &[])).await;
    let [held, confirmed, expired] = entries[..] else { panic!() };
    desk.accept(confirm(confirmed)).await;
    desk.accept(CommandKind::Extend { hold: held, ttl_ms: 2 * OFFER_TTL }).await;
    desk.at(T + OFFER_TTL);
    assert_eq!(desk.seen().await, (1, 1, 1, 0));
    assert_eq!(desk.state(expired).await, HoldState::Expired);
    for id in [held, confirmed, expired] {
        assert_eq!(desk.refuse(leave(id)).await, RefusalKind::Offered);
    }
    assert_eq!(desk.refuse(leave(sold)).await, RefusalKind::Offered);
    // Who released it has left as well.
    desk.accept(release(held)).await;
    assert_eq!(desk.accept(leave(held)).await, Outcome::Released);
    desk.close().await;
}

async fn hold_that_never_waited_cannot_leave(desk: Desk<impl Host>) {
    desk.accept(Sale::of(&general(1)).put()).await;
    let held = desk.take(hold(&general(1), None)).await;
    assert_eq!(desk.refuse(leave(held)).await, RefusalKind::Offered);
    let unknown = inventory_store::testing::id(9);
    assert_eq!(desk.refuse(leave(unknown)).await, RefusalKind::HoldNotFound);
    assert_eq!(desk.seen().await, (0, 1, 0, 0));
    desk.close().await;
}

async fn offer_needs_no_pass(desk: Desk<impl Host>) {
    let sale = Sale::of(&general(2));
    let sold = desk.sold_out(&sale).await;
    let queue = Show::line().settings.queue;
    desk.accept(sale.clone().with(|sale| sale.settings.queue = queue).put()).await;
    let entry = desk.wait(&general(1), None).await;
    desk.accept(refund(sold, &[])).await;
    assert_eq!(desk.seen().await, (1, 1, 0, 0));
    // What nobody waits for is for those with a pass.
    assert_eq!(desk.refuse(sell(&general(1), None)).await, RefusalKind::PassRequired);
    assert_eq!(desk.refuse(hold(&general(1), None)).await, RefusalKind::PassRequired);
    desk.accept(confirm(entry)).await;
    let found = desk.entry(entry).await;
    assert_eq!((found.state, found.live), (HoldState::Confirmed, items(&general(1))));
    desk.close().await;
}

async fn offers_take_as_long_as_the_setting_says(desk: Desk<impl Host>) {
    let sale = Sale::of(&general(2));
    let sold = desk.sold_out(&sale).await;
    let [a, b] = [desk.wait(&general(1), None).await, desk.wait(&general(1), None).await];
    desk.accept(refund(sold, &general(1))).await;
    let longer = sale.with(|sale| {
        sale.settings.waitlist.as_mut().unwrap().offer_ttl_ms = 3 * OFFER_TTL;
    });
    desk.accept(longer.put()).await;
    desk.accept(refund(sold, &[])).await;
    assert_eq!(desk.entry(a).await.expires_at_ms, T + OFFER_TTL);
    assert_eq!(desk.entry(b).await.expires_at_ms, T + 3 * OFFER_TTL);
    desk.close().await;
}

on_every_store!(
    offer_has_the_price_of_its_time,
    offer_is_confirmed_extended_and_paid,
    time_of_waiting_is_no_time_of_the_hold,
    entry_that_waits_is_no_hold,
    who_was_offered_tickets_has_left_the_list,
    hold_that_never_waited_cannot_leave,
    offer_needs_no_pass,
    offers_take_as_long_as_the_setting_says,
);
