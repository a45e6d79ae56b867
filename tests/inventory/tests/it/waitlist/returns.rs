//! Tickets that return are offered with the record after their return.

use inventory::{HoldState, Outcome, PaymentRef, RefusalKind};

use super::{
    desk::{Desk, HOLD_TTL, OFFER_TTL, Sale, T, general, hold, leave, refund, release, sell},
    on_every_store,
};
use crate::{
    queue::{
        commands::{confirm, expire},
        host::Host,
    },
    support::items,
};

async fn released_tickets_are_offered(desk: Desk<impl Host>) {
    desk.accept(Sale::of(&general(2)).put()).await;
    desk.take(sell(&general(1), None)).await;
    let held = desk.take(hold(&general(1), None)).await;
    let entry = desk.wait(&general(1), Some("a")).await;
    desk.accept(release(held)).await;
    assert_eq!(desk.kinds(4).await, ["released", "hold_offered"]);
    assert_eq!(desk.seen().await, (0, 1, 1, 0));
    let offered = desk.entry(entry).await;
    assert_eq!((offered.state, offered.expires_at_ms), (HoldState::Held, T + OFFER_TTL));
    assert_eq!((offered.waiting, offered.items), (None, items(&general(1))));
    desk.close().await;
}

async fn reader_after_an_expiry_sees_the_offer(desk: Desk<impl Host>) {
    desk.accept(Sale::of(&general(1)).put()).await;
    desk.take(hold(&general(1), None)).await;
    let entry = desk.wait(&general(1), None).await;
    desk.at(T + HOLD_TTL - 1);
    assert_eq!(desk.seen().await, (0, 1, 0, 1));
    assert_eq!(desk.state(entry).await, HoldState::Waiting);
    desk.at(T + HOLD_TTL);
    assert_eq!(desk.seen().await, (0, 1, 0, 0));
    let offered = desk.entry(entry).await;
    assert_eq!(offered.expires_at_ms, T + HOLD_TTL + OFFER_TTL);
    assert_eq!(desk.kinds(3).await, ["expired", "hold_offered"]);
    desk.close().await;
}

async fn nobody_gets_expired_tickets_before_the_list(desk: Desk<impl Host>) {
    desk.accept(Sale::of(&general(1)).put()).await;
    desk.take(hold(&general(1), None)).await;
    let entry = desk.wait(&general(1), None).await;
    desk.at(T + HOLD_TTL);
    let greedy = vec![sell(&general(1), None), hold(&general(1), None)];
    for reply in desk.ask_all(greedy).await {
        assert!(matches!(reply.result.unwrap_err().kind, RefusalKind::SoldOut { .. }));
    }
    assert_eq!((desk.state(entry).await, desk.seen().await), (HoldState::Held, (0, 1, 0, 0)));
    assert_eq!(desk.kinds(3).await, ["expired", "hold_offered"]);
    desk.close().await;
}

async fn refunded_tickets_are_offered(desk: Desk<impl Host>) {
    let sold = desk.sold_out(&Sale::of(&general(5))).await;
    let [a, b, c] = [
        desk.wait(&general(1), None).await,
        desk.wait(&general(2), None).await,
        desk.wait(&general(1), None).await,
    ];
    // A part, and then the whole.
    desk.accept(refund(sold, &general(1))).await;
    assert_eq!((desk.offers().await, desk.seen().await), (vec![(a, None)], (0, 1, 4, 2)));
    desk.accept(refund(sold, &[])).await;
    assert_eq!(desk.offers().await[1..], [(b, None), (c, None)]);
    assert_eq!(desk.kinds(7).await, ["refunded", "hold_offered", "hold_offered"]);
    // What nobody waits for is for all.
    assert_eq!(desk.seen().await, (1, 4, 0, 0));
    desk.take(sell(&general(1), None)).await;
    desk.close().await;
}

async fn raised_capacity_is_offered(desk: Desk<impl Host>) {
    let sale = Sale::of(&general(1));
    desk.sold_out(&sale).await;
    let first = desk.wait(&general(1), None).await;
    let second = desk.wait(&general(1), None).await;
    desk.accept(sale.clone().having("general", 2).put()).await;
    assert_eq!((desk.offers().await, desk.seen().await), (vec![(first, None)], (0, 1, 1, 1)));
    desk.accept(sale.having("general", 4).put()).await;
    assert_eq!((desk.offers().await[1], desk.seen().await), ((second, None), (1, 2, 1, 0)));
    desk.close().await;
}

async fn released_offer_goes_on_to_the_next(desk: Desk<impl Host>) {
    let sold = desk.sold_out(&Sale::of(&general(1))).await;
    let first = desk.wait(&general(1), None).await;
    let second = desk.wait(&general(1), None).await;
    desk.accept(refund(sold, &[])).await;
    desk.accept(release(first)).await;
    assert_eq!(desk.state(second).await, HoldState::Held);
    assert_eq!(desk.seen().await, (0, 1, 0, 0));
    desk.accept(release(second)).await;
    assert_eq!(desk.seen().await, (1, 0, 0, 0));
    desk.close().await;
}

async fn entry_that_leaves_lets_the_others_by(desk: Desk<impl Host>) {
    // What is left is too little for the first, and enough for the second: after the first has
    // left, that is the first.
    let sold = desk.sold_out(&Sale::of(&general(4))).await;
    let [a, b] = [desk.wait(&general(2), None).await, desk.wait(&general(2), None).await];
    desk.accept(refund(sold, &general(1))).await;
    assert_eq!((desk.offers().await, desk.seen().await), (vec![], (1, 0, 3, 2)));
    assert_eq!(desk.accept(leave(a)).await, Outcome::Released);
    assert_eq!((desk.offers().await, desk.seen().await), (vec![], (1, 0, 3, 1)));
    desk.accept(refund(sold, &general(1))).await;
    assert_eq!((desk.offers().await, desk.seen().await), (vec![(b, None)], (0, 2, 2, 0)));
    assert_eq!(desk.state(a).await, HoldState::Released);
    // Again, it has left already.
    let count = desk.records().await.len();
    assert_eq!(desk.accept(leave(a)).await, Outcome::Released);
    assert_eq!(desk.accept(release(a)).await, Outcome::Released);
    assert_eq!(desk.records().await.len(), count);
    desk.close().await;
}

async fn late_payment_finds_its_tickets_offered(desk: Desk<impl Host>) {
    desk.accept(Sale::of(&general(1)).put()).await;
    let late = desk.take(hold(&general(1), None)).await;
    let entry = desk.wait(&general(1), None).await;
    desk.at(T + HOLD_TTL);
    let payment_ref = PaymentRef::new("p").unwrap();
    let paid = inventory::CommandKind::Confirm {
        hold: late,
        payment_ref: Some(payment_ref.clone()),
        amount: None,
        by_seller: false,
    };
    let refused = desk.ask(paid.clone()).await.result.unwrap_err().kind;
    assert_eq!(refused, RefusalKind::RefundDue { payment_ref: payment_ref.clone() });
    assert_eq!(desk.kinds(3).await, ["expired", "hold_offered", "refund_due"]);
    assert_eq!(desk.refuse(confirm(late)).await, RefusalKind::HoldExpiredSoldOut);
    // The money goes back, whatever returns.
    desk.accept(release(entry)).await;
    assert_eq!(desk.refuse(paid).await, RefusalKind::RefundDue { payment_ref });
    desk.close().await;
}

async fn late_confirmation_has_what_suffices_for_nobody(desk: Desk<impl Host>) {
    desk.accept(Sale::of(&general(2)).put()).await;
    let late = desk.take(hold(&general(1), None)).await;
    desk.take(sell(&general(1), None)).await;
    let entry = desk.wait(&general(2), None).await;
    desk.at(T + HOLD_TTL);
    desk.accept(expire()).await;
    assert_eq!(desk.seen().await, (1, 0, 1, 1));
    desk.accept(confirm(late)).await;
    assert_eq!((desk.state(entry).await, desk.seen().await), (HoldState::Waiting, (0, 0, 2, 1)));
    desk.accept(refund(late, &[])).await;
    assert_eq!(desk.seen().await, (1, 0, 1, 1));
    desk.close().await;
}

on_every_store!(
    released_tickets_are_offered,
    reader_after_an_expiry_sees_the_offer,
    nobody_gets_expired_tickets_before_the_list,
    refunded_tickets_are_offered,
    raised_capacity_is_offered,
    released_offer_goes_on_to_the_next,
    entry_that_leaves_lets_the_others_by,
    late_payment_finds_its_tickets_offered,
    late_confirmation_has_what_suffices_for_nobody,
);
