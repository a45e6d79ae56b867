//! `GET /e/{event}`: an event with its tickets, and `POST`: a hold of some of them.

use std::time::{SystemTime, UNIX_EPOCH};

use axum::{extract::State, response::Response};
use http::{HeaderMap, StatusCode};
use http_server::{Problem, extract::PathParams};
use inventory::{CommandKind, CustomerId, EventName};
use maud::{Markup, html};
use public_api::{PublicState, QueuePass};
use uuid::Uuid;
use vacancy_api::{Answer, Event, StockCounts, event_not_found, rfc3339};

use crate::{
    calls::write,
    events::left,
    form::{CUSTOMER, Form, KEY, PASS, QTY},
    format::{at_time, money},
    lang::{Language, Texts, counted},
    layout::{Page, see_other},
    queue, refusal,
};

pub async fn show(
    State(app): State<PublicState>,
    Language(texts): Language,
    event: Result<PathParams<EventName>, Problem>,
) -> Response {
    match find(&app, event).await {
        Ok(event) => page(&app, texts, &event, None).response(StatusCode::OK),
        Err(problem) => refusal::page(texts, &problem),
    }
}

pub async fn hold(
    State(app): State<PublicState>,
    Language(texts): Language,
    event: Result<PathParams<EventName>, Problem>,
    headers: HeaderMap,
    form: Result<Form, Problem>,
) -> Response {
    let event = match find(&app, event).await {
        Ok(event) => event,
        Err(problem) => return refusal::page(texts, &problem),
    };
    match try_hold(&app, &event, &headers, form).await {
        Ok(Some(hold)) => see_other(&format!("/r/{hold}")),
        Ok(None) => {
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            page(&app, texts, &event, Some(texts.choose_some)).response(status)
        }
        Err(problem) => {
            // The counts have changed since the page was shown.
            let now = app.client().event(&event_name(&event), None).await.ok().flatten();
            let event = now.map_or(event, |reading| reading.event().into_owned());
            let message = refusal::message(texts, &problem);
            page(&app, texts, &event, Some(message)).response(problem.status())
        }
    }
}

/// The id of the new hold; `None` where nothing was chosen.
async fn try_hold(
    app: &PublicState,
    event: &Event,
    headers: &HeaderMap,
    form: Result<Form, Problem>,
) -> Result<Option<String>, Problem> {
    let form = form?;
    let Some(items) = form.items(app.limits())? else { return Ok(None) };
    let customer = form.get(CUSTOMER).map(CustomerId::new).transpose();
    let customer = customer.map_err(|error| Problem::validation(format!("{error}.")))?;
    let event = event_name(event);
    let pass = form.get(PASS).and_then(|pass| QueuePass::verified(app, pass).of(&event));
    let kind = CommandKind::Hold { event, items, customer, ttl_ms: None, pass };
    match write(app, headers, form.key(), kind).await? {
        Answer::Hold(hold) => Ok(Some(hold.id)),
        _ => Err(Problem::internal("The hold could not be made.")),
    }
}

async fn find(
    app: &PublicState,
    event: Result<PathParams<EventName>, Problem>,
) -> Result<Event, Problem> {
    let PathParams(name) = event?;
    let reading = app.client().event(&name, None).await;
    let reading = reading.map_err(|error| error.into_problem().0)?;
    let reading = reading.filter(|reading| !reading.frame.deleted).ok_or_else(event_not_found)?;
    Ok(reading.event().into_owned())
}

fn page(
    app: &PublicState,
    texts: &'static Texts,
    event: &Event,
    message: Option<&'static str>,
) -> Page {
    let now = rfc3339(now_ms());
    // Times of the API are in UTC and of one length.
    let opens = event.opens_at.as_ref().filter(|opens| **opens > now);
    let is_closed = event.closes_at.as_ref().is_some_and(|closes| *closes <= now);
    let available: u64 = event.stocks.values().map(|stock| stock.available).sum();
    // In a waiting room the form is there, hidden, before the sale opens.
    let has_opened = opens.is_none() || event.queue.is_some();
    let is_on_sale = has_opened && !is_closed && available > 0;
    let content = html! {
        h1 { (event.event) }
        @if let Some(message) = message { p.message role="alert" { (message) } }
        @if event.stale { p.message role="status" { (texts.stale) } }
        @if let Some(opens) = opens { p data-opens=(opens) { (at_time(texts.opens, opens)) } }
        @if is_closed { p { (texts.closed) } }
        @if !is_closed && event.queue.is_some() { (queue::room(texts, event)) }
        section data-stream={ "/api/v1/events/" (event.event) "/stream" } {
            p.left data-left=(texts.left[1]) data-one=(texts.left[0]) data-none=(texts.sold_out) aria-live="polite" {
                (left(texts, event))
            }
            @if available == 0 { (returning(texts, event)) }
            (stocks(app, texts, event, is_on_sale))
        }
        p { a href="/e/" { (texts.events) } }
    };
    Page { texts, title: event.event.clone(), content }
}

/// What may come back.
fn returning(texts: &Texts, event: &Event) -> Markup {
    let held: u64 = event.stocks.values().map(|stock| stock.held).sum();
    html! { @if held > 0 { p { (counted(texts.held, held)) } } }
}

/// The stocks, with the form while they are on sale. In a waiting room the script shows the form
/// when it has a pass.
fn stocks(app: &PublicState, texts: &Texts, event: &Event, is_on_sale: bool) -> Markup {
    let rows = html! {
        @for (name, stock) in &event.stocks { (row(app, texts, name, stock, is_on_sale)) }
    };
    if !is_on_sale {
        return html! { div.stocks { (rows) } };
    }
    html! {
        form.stocks method="post" action={ "/e/" (event.event) } hidden[event.queue.is_some()] data-hold {
            input type="hidden" name=(KEY) value=(Uuid::new_v4());
            input type="hidden" name=(PASS) value="" autocomplete="off";
            (rows)
            @if let Some(limit) = event.limit_per_customer {
                p { (counted(texts.limit, limit)) }
                label for="customer" { (texts.customer) }
                input #customer name=(CUSTOMER) required maxlength=(CustomerId::LEN_MAX) aria-describedby="customer-hint";
                p #customer-hint.hint { (texts.customer_hint) }
            }
            button { (texts.hold) }
            p.hint { (texts.hold_hint) }
        }
    }
}

fn row(
    app: &PublicState,
    texts: &Texts,
    name: &str,
    stock: &StockCounts,
    is_on_sale: bool,
) -> Markup {
    let most = stock.available.min(app.limits().qty_max);
    let price = stock.price.as_ref().map_or(texts.free.to_owned(), money);
    let available = if stock.available == 0 {
        texts.sold_out.to_owned()
    } else {
        counted(texts.left, stock.available)
    };
    html! {
        div.stock {
            h2 { (name) }
            p.price { (price) }
            p.left data-stock=(name) data-left=(texts.left[1]) data-one=(texts.left[0]) data-none=(texts.sold_out) { (available) }
            @if is_on_sale && most > 0 {
                label for={ "qty-" (name) } { (texts.number) span.sr-only { " " (name) } }
                input id={ "qty-" (name) } name={ (QTY) (name) } type="number" inputmode="numeric" min="0" max=(most) value="0";
            }
        }
    }
}

/// The name, which the service has given.
fn event_name(event: &Event) -> EventName {
    let Ok(name) = EventName::new(&event.event) else {
        unreachable!("the name of an event that exists is valid")
    };
    name
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
