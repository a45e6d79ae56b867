//! Joining a waiting list.

use inventory::{CommandKind, Currency, HoldState, Limits, Money, Outcome, RefusalKind};
use inventory_engine::ReservationFilter;

use super::{
    desk::{Desk, Sale, T, general, hold, leave, refund, release, sell, wait},
    on_every_store,
};
use crate::{
    lookup::by_customer,
    queue::{commands::delete, host::Host},
    support::{customer, event, items, stock},
};

/// What is left is too little of these.
fn sold_out(left: &[(&str, u64)]) -> RefusalKind {
    let available = left.iter().map(|(name, qty)| (stock(name), *qty)).collect();
    RefusalKind::SoldOut { available }
}

async fn entry_takes_nothing(desk: Desk<impl Host>) {
    let sale = Sale::of(&general(3)).limited(3);
    desk.accept(sale.put()).await;
    desk.take(sell(&general(3), Some("a"))).await;
    let before = desk.view().await;
    let entry = desk.wait(&general(2), Some("b")).await;
    let after = desk.view().await;
    assert_eq!((&after.event.stocks, after.event.live_holds), (&before.event.stocks, 0));
    assert_eq!((after.event.waitlist.waiting, after.event.waitlist.joined), (1, 1));
    let found = desk.entry(entry).await;
    assert_eq!(
        (found.state, found.items, found.created_at_ms),
        (HoldState::Waiting, items(&general(2)), T)
    );
    assert_eq!(desk.waits(entry).await, (0, inventory::Items::none()));
    // It does not count for its customer's limit either.
    desk.wait(&general(3), Some("b")).await;
    desk.close().await;
}

async fn event_without_a_list_has_nobody_waiting(desk: Desk<impl Host>) {
    let sale = Sale::of(&general(1));
    assert_eq!(desk.refuse(wait(&general(1), None)).await, RefusalKind::EventNotFound);
    desk.sold_out(&sale.clone().without_list()).await;
    assert_eq!(desk.refuse(wait(&general(1), None)).await, RefusalKind::WaitlistClosed);
    desk.accept(sale.put()).await;
    desk.wait(&general(1), None).await;
    desk.close().await;
}

async fn available_items_are_not_waited_for(desk: Desk<impl Host>) {
    desk.accept(Sale::of(&[("general", 2), ("vip", 1)]).put()).await;
    assert_eq!(desk.refuse(wait(&general(2), None)).await, RefusalKind::Available);
    assert_eq!(
        desk.refuse(wait(&[("general", 2), ("vip", 1)], None)).await,
        RefusalKind::Available
    );
    desk.take(sell(&general(1), None)).await;
    assert_eq!(desk.refuse(wait(&general(1), None)).await, RefusalKind::Available);
    desk.wait(&general(2), None).await;
    desk.take(hold(&[("vip", 1)], None)).await;
    // One of its stocks is there, and the other is not.
    desk.wait(&[("general", 1), ("vip", 1)], None).await;
    desk.close().await;
}

async fn more_than_there_ever_is_is_not_waited_for(desk: Desk<impl Host>) {
    desk.sold_out(&Sale::of(&[("general", 2), ("vip", 1)])).await;
    assert_eq!(desk.refuse(wait(&general(3), None)).await, sold_out(&general(2)));
    let both = [("general", 2), ("vip", 2)];
    assert_eq!(desk.refuse(wait(&both, None)).await, sold_out(&[("general", 2), ("vip", 1)]));
    desk.wait(&[("general", 2), ("vip", 1)], None).await;
    desk.close().await;
}

async fn unknown_stock_is_not_waited_for(desk: Desk<impl Host>) {
    desk.sold_out(&Sale::of(&general(1))).await;
    let unknown = RefusalKind::StockNotFound(stock("vip"));
    assert_eq!(desk.refuse(wait(&[("vip", 1)], None)).await, unknown);
    assert_eq!(desk.refuse(wait(&[("general", 1), ("vip", 1)], None)).await, unknown);
    desk.close().await;
}

async fn list_is_open_as_long_as_the_sale(desk: Desk<impl Host>) {
    let sale = Sale::of(&general(1));
    desk.sold_out(&sale).await;
    let (opens, closes) = (T + 100, T + 200);
    let timed = sale.with(|sale| {
        sale.settings.opens_at_ms = Some(opens);
        sale.settings.closes_at_ms = Some(closes);
    });
    desk.accept(timed.put()).await;
    desk.at(opens - 1);
    let early = RefusalKind::NotOpenYet { opens_at_ms: opens, wait_ms: 1 };
    assert_eq!(desk.refuse(wait(&general(1), None)).await, early);
    desk.at(opens);
    desk.wait(&general(1), None).await;
    desk.at(closes - 1);
    desk.wait(&general(1), None).await;
    desk.at(closes);
    // The refusal is that of a sale; what it finds there has left the list.
    let late = desk.ask(wait(&general(1), None)).await.result.unwrap_err().kind;
    assert_eq!(late, RefusalKind::SaleClosed { closes_at_ms: closes });
    assert_eq!(desk.kinds(5).await, ["waitlist_left", "waitlist_left"]);
    desk.close().await;
}

async fn customer_waits_for_no_more_than_its_limit(desk: Desk<impl Host>) {
    desk.accept(Sale::of(&general(4)).limited(2).put()).await;
    for (who, qty) in [("a", 2), ("b", 1), ("c", 1)] {
        desk.take(sell(&general(qty), Some(who))).await;
    }
    assert_eq!(desk.refuse(wait(&general(1), None)).await, RefusalKind::CustomerRequired);
    let over = |has| RefusalKind::LimitExceeded { limit: 2, has };
    assert_eq!(desk.refuse(wait(&general(1), Some("a"))).await, over(2));
    assert_eq!(desk.refuse(wait(&general(2), Some("b"))).await, over(1));
    assert_eq!(desk.refuse(wait(&general(3), Some("z"))).await, over(0));
    desk.wait(&general(1), Some("b")).await;
    desk.wait(&general(2), Some("z")).await;
    desk.close().await;
}

async fn waiting_list_is_bounded(mut desk: Desk<impl Host>) {
    desk.limits = Limits { waitlist_max: 2, ..Limits::default() };
    desk.restart().await;
    let sold = desk.sold_out(&Sale::of(&general(5))).await;
    let full = RefusalKind::WaitlistFull(2);
    let first = desk.wait(&general(1), None).await;
    desk.wait(&general(1), None).await;
    assert_eq!(desk.refuse(wait(&general(1), None)).await, full);
    desk.restart().await;
    assert_eq!(desk.refuse(wait(&general(1), None)).await, full);
    // Who leaves, or is offered the tickets, makes room.
    desk.accept(leave(first)).await;
    desk.wait(&general(1), None).await;
    assert_eq!(desk.refuse(wait(&general(1), None)).await, full);
    desk.accept(refund(sold, &general(1))).await;
    desk.wait(&general(1), None).await;
    assert_eq!(desk.refuse(wait(&general(1), None)).await, full);
    assert_eq!(desk.seen().await, (0, 1, 4, 2));
    desk.close().await;
}

async fn items_in_two_currencies_are_not_waited_for(desk: Desk<impl Host>) {
    let price = |code: &str| Money { amount_minor: 100, currency: Currency::new(code).unwrap() };
    let sale = Sale::of(&[("general", 1), ("vip", 1)]);
    desk.sold_out(&sale).await;
    let priced = sale.with(|sale| {
        let prices = [(stock("general"), price("EUR")), (stock("vip"), price("USD"))];
        sale.settings.prices = prices.into_iter().collect();
    });
    desk.accept(priced.put()).await;
    let both = [("general", 1), ("vip", 1)];
    assert_eq!(desk.refuse(wait(&both, None)).await, RefusalKind::MixedCurrencies);
    desk.wait(&both[..1], None).await;
    desk.wait(&both[1..], None).await;
    desk.close().await;
}

async fn key_has_one_entry(mut desk: Desk<impl Host>) {
    let sold = desk.sold_out(&Sale::of(&general(2))).await;
    let ask = async |desk: &Desk<_>| desk.ask_with_key(wait(&general(1), Some("a")), "k").await;
    let first = ask(&desk).await;
    let Ok(Outcome::Waiting { id, .. }) = first.result.clone() else { panic!("{first:?}") };
    let again = async |desk: &Desk<_>| {
        let reply = ask(desk).await;
        assert!(reply.replayed);
        assert_eq!((&reply.result, reply.seq), (&first.result, first.seq));
    };
    again(&desk).await;
    desk.restart().await;
    again(&desk).await;
    desk.accept(refund(sold, &general(1))).await;
    assert_eq!(desk.state(id).await, HoldState::Held);
    again(&desk).await;
    desk.accept(release(id)).await;
    again(&desk).await;
    // For something else, it is used; of another customer, it is another key.
    let other = desk.ask_with_key(wait(&general(2), Some("a")), "k").await;
    assert_eq!(other.result.unwrap_err().kind, RefusalKind::KeyReused);
    let other = desk.ask_with_key(wait(&general(2), Some("b")), "k").await;
    assert!(!other.replayed && other.result.is_ok());
    assert_eq!(desk.seen().await, (1, 0, 1, 1));
    desk.close().await;
}

async fn customer_finds_its_entries(desk: Desk<impl Host>) {
    let sold = desk.sold_out(&Sale::of(&general(3))).await;
    let mut mine = Vec::new();
    for who in ["a", "b", "a", "a"] {
        let id = desk.wait(&general(1), Some(who)).await;
        mine.extend((who == "a").then_some(id));
    }
    desk.accept(refund(sold, &general(1))).await;
    desk.accept(leave(mine[1])).await;
    let find = async |filter: ReservationFilter| {
        let page = desk.engine().reservations(&filter, None, 10).await.unwrap();
        let mut found: Vec<_> = page.holds.into_iter().map(|hold| (hold.id, hold.state)).collect();
        found.sort_by_key(|(id, _)| *id);
        found
    };
    let mut expected: Vec<_> =
        mine.into_iter().zip([HoldState::Held, HoldState::Released, HoldState::Waiting]).collect();
    expected.sort_by_key(|(id, _)| *id);
    assert_eq!(find(by_customer("a")).await, expected);
    assert_eq!(find(by_customer("z")).await, []);
    desk.close().await;
}

async fn deleted_event_has_no_list(desk: Desk<impl Host>) {
    desk.accept(Sale::of(&general(1)).put()).await;
    desk.accept(delete()).await;
    assert_eq!(desk.refuse(wait(&general(1), None)).await, RefusalKind::EventNotFound);
    let elsewhere = CommandKind::JoinWaitlist {
        event: event("other"),
        items: items(&general(1)),
        customer: Some(customer("a")),
    };
    assert_eq!(desk.refuse(elsewhere).await, RefusalKind::EventNotFound);
    desk.close().await;
}

on_every_store!(
    entry_takes_nothing,
    event_without_a_list_has_nobody_waiting,
    available_items_are_not_waited_for,
    more_than_there_ever_is_is_not_waited_for,
    unknown_stock_is_not_waited_for,
    list_is_open_as_long_as_the_sale,
    customer_waits_for_no_more_than_its_limit,
    waiting_list_is_bounded,
    items_in_two_currencies_are_not_waited_for,
    key_has_one_entry,
    customer_finds_its_entries,
    deleted_event_has_no_list,
);
