//! `GET /e/{event}`: an event with its tickets, and `POST`: a hold of some of them.

use axum::{extract::State, response::Response};
use http::{HeaderMap, StatusCode};
use http_server::{Problem, extract::PathParams};
use inventory::{CommandKind, CustomerId, EventName};
use jiff::Timestamp;
use maud::{Markup, html};
use public_api::{PublicState, QueuePass};
use uuid::Uuid;
use vacancy_api::{Answer, Event, StockCounts, event_not_found};

use crate::{
    calls::write,
    events::{left, left_of},
    form::{CUSTOMER, Form, KEY, PASS, QTY},
    format::{at_time, money},
    lang::{Language, Texts, counted},
    layout::{Page, now_ms, see_other},
    queue, refusal,
};

/// The code of a refusal that a repeated request may undo.
const RETRY: &str = "retry";

pub async fn show(
    State(app): State<PublicState>,
    Language(texts): Language,
    event: Result<PathParams<EventName>, Problem>,
) -> Response {
    match find(&app, event).await {
        Ok(event) => page(&app, texts, &event, None, None).response(StatusCode::OK),
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
    let form = match form {
        Ok(form) => form,
        Err(problem) => return refused(&app, texts, event, &problem, None).await,
    };
    match try_hold(&app, &event, &headers, &form).await {
        Ok(Some(hold)) => see_other(&format!("/r/{hold}")),
        Ok(None) => {
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            let message = (texts.choose_some, "");
            page(&app, texts, &event, Some(message), Some(&form)).response(status)
        }
        Err(problem) => refused(&app, texts, event, &problem, Some(&form)).await,
    }
}

/// The page with the reason, and the form as it was sent: a refusal is not stored, and where the
/// outcome is not known, a repeated request with the same key has one effect.
async fn refused(
    app: &PublicState,
    texts: &'static Texts,
    event: Event,
    problem: &Problem,
    form: Option<&Form>,
) -> Response {
    // The counts have changed since the page was shown.
    let now = app.client().event(&event_name(&event), None).await.ok().flatten();
    let event = now.map_or(event, |reading| reading.event().into_owned());
    // Its outcome may not be known: then the pass may have been used by this very form.
    let code = if problem.status().is_server_error() { RETRY } else { problem.code() };
    let message = (refusal::message(texts, problem), code);
    // Another wish needs another key.
    let form = form.filter(|_| problem.code() != "idempotency_key_reused");
    page(app, texts, &event, Some(message), form).response(problem.status())
}

/// The id of the new hold; `None` where nothing was chosen.
async fn try_hold(
    app: &PublicState,
    event: &Event,
    headers: &HeaderMap,
    form: &Form,
) -> Result<Option<String>, Problem> {
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

/// `message`: what went wrong, and its code. `form`: what was sent.
fn page(
    app: &PublicState,
    texts: &'static Texts,
    event: &Event,
    message: Option<(&'static str, &'static str)>,
    form: Option<&Form>,
) -> Page {
    let now_ms = i128::from(now_ms());
    let is_later = |at: &String| millis(at) > now_ms;
    let opens = event.opens_at.as_ref().filter(|opens| is_later(opens));
    let is_closed = event.closes_at.as_ref().is_some_and(|closes| !is_later(closes));
    let has_queue = event.queue.is_some();
    // In a waiting room the form is there, hidden, before the sale opens.
    let is_on_sale = (opens.is_none() || has_queue) && !is_closed;
    let is_retry = message.is_some_and(|(_, code)| code == RETRY);
    let reload_at = opens.filter(|_| !has_queue);
    let available: u64 = event.stocks.values().map(|stock| stock.available).sum();
    let content = html! {
        h1 { (event.event) }
        @if let Some((message, code)) = message {
            p.message role="alert" data-code=(code) { (message) }
        }
        @if event.stale { p.message role="status" { (texts.stale) } }
        @if let Some(opens) = opens {
            p data-reload-at=[reload_at] { (at_time(texts.opens, opens)) }
        }
        @if is_closed { p { (texts.closed) } }
        @if !is_closed && has_queue { (queue::room(texts, event)) }
        section data-stream={ "/api/v1/events/" (event.event) "/stream" } {
            p.left data-left=(texts.left[1]) data-one=(texts.left[0]) data-none=(texts.sold_out) aria-live="polite" {
                (left(texts, event))
            }
            @if available == 0 { (returning(texts, event)) }
            @if is_on_sale { (hold_form(app, texts, event, form, is_retry)) } @else { (stocks(app, texts, event, None)) }
        }
        p { a href="/e/" { (texts.events) } }
    };
    Page { texts, title: event.event.clone(), content }
}

/// A time of the API, milliseconds since 1970.
fn millis(at: &str) -> i128 {
    at.parse::<Timestamp>().map_or(0, |at| i128::from(at.as_millisecond()))
}

/// What may come back.
fn returning(texts: &Texts, event: &Event) -> Markup {
    let held: u64 = event.stocks.values().map(|stock| stock.held).sum();
    html! { @if held > 0 { p { (counted(texts.held, held)) } } }
}

/// The form that holds tickets. It is hidden while nothing is left, and in a waiting room until
/// there is a pass; the script shows it.
fn hold_form(
    app: &PublicState,
    texts: &Texts,
    event: &Event,
    form: Option<&Form>,
    is_retry: bool,
) -> Markup {
    let has_queue = event.queue.is_some();
    let is_empty = event.stocks.values().all(|stock| stock.available == 0);
    let key =
        form.and_then(Form::key).map_or(Uuid::new_v4().to_string(), |key| key.as_str().to_owned());
    let customer = form.and_then(|form| form.get(CUSTOMER)).unwrap_or_default();
    html! {
        form method="post" action={ "/e/" (event.event) } hidden[has_queue || is_empty] data-hold data-queue[has_queue] data-retry[is_retry] {
            input type="hidden" name=(KEY) value=(key);
            input type="hidden" name=(PASS) value="" autocomplete="off";
            (stocks(app, texts, event, Some(form)))
            @if let Some(limit) = event.limit_per_customer {
                p { (counted(texts.limit, limit)) }
                label for="customer" { (texts.customer) }
                input #customer name=(CUSTOMER) value=(customer) required maxlength=(CustomerId::LEN_MAX) aria-describedby="customer-hint";
                p #customer-hint.hint { (texts.customer_hint) }
            }
            button { (texts.hold) }
            p.hint { (texts.hold_hint) }
        }
    }
}

/// The stocks, with fields for quantities in a form. `Some(form)`: what was sent.
fn stocks(app: &PublicState, texts: &Texts, event: &Event, form: Option<Option<&Form>>) -> Markup {
    html! {
        @for (name, stock) in &event.stocks {
            div.stock {
                h2 { (name) }
                p.price { (stock.price.as_ref().map_or(texts.free.to_owned(), money)) }
                p.left data-stock=(name) data-left=(texts.left[1]) data-one=(texts.left[0]) data-none=(texts.sold_out) {
                    (left_of(texts, stock.available))
                }
                @if let Some(form) = form {
                    (quantity(app, texts, name, stock, form.and_then(|form| form.qty(name))))
                }
            }
        }
    }
}

fn quantity(
    app: &PublicState,
    texts: &Texts,
    name: &str,
    stock: &StockCounts,
    sent: Option<&str>,
) -> Markup {
    let most = app.limits().qty_max;
    html! {
        label for={ "qty-" (name) } { (texts.number) span.sr-only { " " (name) } }
        input id={ "qty-" (name) } name={ (QTY) (name) } type="number" inputmode="numeric" min="0"
            max=(stock.available.min(most)) data-most=(most) value=(sent.unwrap_or("0"));
    }
}

/// The name, which the service has given.
fn event_name(event: &Event) -> EventName {
    let Ok(name) = EventName::new(&event.event) else {
        unreachable!("the name of an event that exists is valid")
    };
    name
}
