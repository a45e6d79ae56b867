//! `GET /r/{reservation}`: a hold with what can be done with it, or the tickets of a sale. The
//! address is the buyer's secret.

use axum::{extract::State, response::Response};
use http::{HeaderMap, StatusCode};
use http_server::{
    Problem,
    extract::{PathParams, QueryParams},
};
use inventory::{CommandKind, HoldId};
use maud::{Markup, PreEscaped, html};
use public_api::{PublicState, find_hold, signed_tickets};
use vacancy_api::{Hold, HoldState, SellBy};

use crate::{
    calls::write,
    format::{at_time, money},
    lang::{Language, Texts, with},
    layout::{Page, see_other},
    refusal,
};

/// Tickets of a page.
const PAGE: usize = 12;

type Id = Result<PathParams<HoldId>, Problem>;

/// The page.
#[derive(serde::Deserialize)]
pub struct Query {
    after: Option<usize>,
}

pub async fn show(
    State(app): State<PublicState>,
    Language(texts): Language,
    id: Id,
    query: Result<QueryParams<Query>, Problem>,
    headers: HeaderMap,
) -> Response {
    let after = match query {
        Ok(QueryParams(query)) => query.after.unwrap_or(0),
        Err(problem) => return refusal::page(texts, &problem),
    };
    match find(&app, id, &headers).await {
        Ok((id, hold)) => shown(&app, texts, id, &hold, after, None).await,
        Err(problem) => refusal::page(texts, &problem),
    }
}

pub async fn buy(
    State(app): State<PublicState>,
    Language(texts): Language,
    id: Id,
    headers: HeaderMap,
) -> Response {
    let confirm =
        |hold| CommandKind::Confirm { hold, payment_ref: None, amount: None, by_seller: false };
    decide(&app, texts, id, &headers, confirm).await
}

pub async fn release(
    State(app): State<PublicState>,
    Language(texts): Language,
    id: Id,
    headers: HeaderMap,
) -> Response {
    decide(&app, texts, id, &headers, |hold| CommandKind::Release { hold }).await
}

/// The address of a form that was refused, opened again.
pub async fn back(Language(texts): Language, id: Id) -> Response {
    match id {
        Ok(PathParams(id)) => see_other(&format!("/r/{id}")),
        Err(problem) => refusal::page(texts, &problem),
    }
}

/// Decides a command about a hold, and shows what became of it.
async fn decide(
    app: &PublicState,
    texts: &'static Texts,
    id: Id,
    headers: &HeaderMap,
    kind: impl FnOnce(HoldId) -> CommandKind,
) -> Response {
    let id = match id {
        Ok(PathParams(id)) => id,
        Err(problem) => return refusal::page(texts, &problem),
    };
    // Both are repeatable as they are.
    let Err(problem) = write(app, headers, None, kind(id)).await else {
        return see_other(&format!("/r/{id}"));
    };
    match find(app, Ok(PathParams(id)), headers).await {
        Ok((id, hold)) => shown(app, texts, id, &hold, 0, Some(&problem)).await,
        Err(problem) => refusal::page(texts, &problem),
    }
}

async fn find(app: &PublicState, id: Id, headers: &HeaderMap) -> Result<(HoldId, Hold), Problem> {
    let PathParams(id) = id?;
    Ok((id, find_hold(app, id, headers).await?))
}

async fn shown(
    app: &PublicState,
    texts: &'static Texts,
    id: HoldId,
    hold: &Hold,
    after: usize,
    problem: Option<&Problem>,
) -> Response {
    let state = match hold.state {
        HoldState::Held => held(texts, id, hold, is_sold_by_seller(app, hold).await),
        HoldState::Confirmed => match sold(app, texts, id, hold, after) {
            Ok(sold) => sold,
            Err(problem) => return refusal::page(texts, &problem),
        },
        HoldState::Released => html! { p { (texts.released) } },
        HoldState::Expired => html! { p { (texts.expired) } },
        HoldState::Waiting => html! { p { (texts.in_waitlist) } (items(texts, hold)) },
    };
    let content = html! {
        h1 { (hold.event) }
        @if let Some(problem) = problem { p.message role="alert" { (refusal::message(texts, problem)) } }
        (state)
        p.hint { (texts.reservation) " " (id) }
        p.no-print { a href={ "/e/" (hold.event) } { (texts.back_to_event) } }
    };
    let status = problem.map_or(StatusCode::OK, Problem::status);
    Page { texts, title: hold.event.clone(), content }.response(status)
}

/// Whether only the shop can sell it. Where that is not known, the page does not offer to.
async fn is_sold_by_seller(app: &PublicState, hold: &Hold) -> bool {
    let Ok(event) = inventory::EventName::new(&hold.event) else { return true };
    let reading = app.client().event(&event, None).await.ok().flatten();
    reading.is_none_or(|reading| reading.frame.event.sell_by == Some(SellBy::Seller))
}

fn held(texts: &Texts, id: HoldId, hold: &Hold, by_seller: bool) -> Markup {
    html! {
        @if let Some(until) = &hold.expires_at {
            p { (at_time(texts.held_until, until)) }
            p.countdown data-until=(until) hidden { (texts.time_left) " " span {} }
        }
        (items(texts, hold))
        @if by_seller {
            p { (texts.pay_at_shop) " " code { (id) } }
        } @else {
            form method="post" action={ "/r/" (id) "/buy" } { button { (texts.buy) } }
        }
        form method="post" action={ "/r/" (id) "/release" } { button.quiet { (texts.release) } }
    }
}

fn items(texts: &Texts, hold: &Hold) -> Markup {
    html! {
        table {
            thead { tr { th scope="col" { (texts.kind) } th scope="col" { (texts.number) } } }
            tbody { @for item in &hold.items { tr { td { (item.stock) } td { (item.qty) } } } }
            @if let Some(total) = &hold.total {
                tfoot { tr { th scope="row" { (texts.total) } td { (money(total)) } } }
            }
        }
    }
}

/// The tickets, with their QR codes.
fn sold(
    app: &PublicState,
    texts: &Texts,
    id: HoldId,
    hold: &Hold,
    after: usize,
) -> Result<Markup, Problem> {
    let tickets = signed_tickets(app, id, hold, after, PAGE + 1)?;
    if tickets.is_empty() && after == 0 {
        return Ok(html! { p { (texts.refunded) } });
    }
    Ok(html! {
        h2 { (texts.your_tickets) }
        p.no-print { (texts.keep_link) }
        p.no-print { button type="button" data-do="print" hidden { (texts.print) } }
        div.tickets {
            @for ticket in tickets.iter().take(PAGE) {
                article.ticket {
                    h3 { (hold.event) }
                    p { (ticket.stock) " · " (with(texts.ticket, ticket.n)) }
                    @if let Some(code) = code(&ticket.ticket) {
                        div.code role="img" aria-label=(with(texts.ticket, ticket.n)) { (code) }
                    }
                    p.hint { (texts.show_at_gate) }
                }
            }
        }
        @if tickets.len() > PAGE {
            p.no-print { a href={ "/r/" (id) "?after=" (after + PAGE) } { (texts.more_tickets) } }
        }
    })
}

/// The QR code, to stand within the page.
fn code(ticket: &str) -> Option<PreEscaped<String>> {
    let svg = tickets::svg(ticket).ok()?;
    // Without the XML declaration.
    Some(PreEscaped(svg[svg.find("<svg")?..].to_owned()))
}
