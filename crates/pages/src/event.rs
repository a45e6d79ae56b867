//! `GET /e/{event}`: an event with its tickets, and `POST`: a hold of some of them.

use axum::{extract::State, response::Response};
use http::{HeaderMap, StatusCode};
use http_server::{Problem, extract::PathParams};
use inventory::{CommandKind, CustomerId, EventName};
use jiff::Timestamp;
use maud::{Markup, html};
use public_api::{AtLeast, PublicState, QueuePass, find_event, hold_of};
use uuid::Uuid;
use vacancy_api::{Event, StockCounts};

use crate::{
    calls::write,
    events::{left, left_of},
    form::{CUSTOMER, Form, KEY, PASS, QTY},
    format::{at_time, money},
    lang::{Language, Texts, counted},
    layout::{Page, see_other},
    queue, refusal,
};

/// The code, for the script, of a refusal whose outcome is not known.
const RETRY: &str = "retry";

pub async fn show(
    State(app): State<PublicState>,
    Language(texts): Language,
    event: Result<PathParams<EventName>, Problem>,
) -> Response {
    match find(&app, event).await {
        Ok((_, event)) => page(&app, texts, &event, None, None).response(StatusCode::OK),
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
    let (name, event) = match find(&app, event).await {
        Ok(found) => found,
        Err(problem) => return refusal::page(texts, &problem),
    };
    let form = match form {
        Ok(form) => form,
        Err(problem) => return refused(&app, texts, (name, event), &problem, None).await,
    };
    match try_hold(&app, &name, &headers, &form).await {
        Ok(Some(hold)) => see_other(&format!("/r/{hold}")),
        Ok(None) => {
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            let message = (texts.choose_some, "");
            page(&app, texts, &event, Some(message), Some(&form)).response(status)
        }
        Err(problem) => refused(&app, texts, (name, event), &problem, Some(&form)).await,
    }
}

/// The page with the reason, and the form as it was sent: a refusal is not stored, and where the
/// outcome is not known, a repeated request with the same key has one effect.
async fn refused(
    app: &PublicState,
    texts: &'static Texts,
    (name, before): (EventName, Event),
    problem: &Problem,
    form: Option<&Form>,
) -> Response {
    // The counts have changed since the page was shown.
    let now = find_event(app, &name, AtLeast(None)).await;
    let event = now.map_or(before, |reading| reading.event().into_owned());
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
    event: &EventName,
    headers: &HeaderMap,
    form: &Form,
) -> Result<Option<String>, Problem> {
    let Some(items) = form.items(app.limits())? else { return Ok(None) };
    let customer = form.get(CUSTOMER).map(CustomerId::new).transpose();
    let customer = customer.map_err(|error| Problem::validation(format!("{error}.")))?;
    let pass = form.get(PASS).and_then(|pass| QueuePass::verified(app, pass).of(event));
    let kind = CommandKind::Hold { event: event.clone(), items, customer, ttl_ms: None, pass };
    hold_of(write(app, headers, form.key(), kind).await?).map(|hold| Some(hold.id))
}

async fn find(
    app: &PublicState,
    event: Result<PathParams<EventName>, Problem>,
) -> Result<(EventName, Event), Problem> {
    let PathParams(name) = event?;
    let event = find_event(app, &name, AtLeast(None)).await?.event().into_owned();
    Ok((name, event))
}

/// `message`: what went wrong, and its code. `form`: what was sent.
fn page(
    app: &PublicState,
    texts: &'static Texts,
    event: &Event,
    message: Option<(&'static str, &'static str)>,
    form: Option<&Form>,
) -> Page {
    let now = Timestamp::now();
    // A time that the service wrote can be read.
    let is_later = |at: &String| at.parse::<Timestamp>().is_ok_and(|at| at > now);
    let opens = event.opens_at.as_ref().filter(|opens| is_later(opens));
    let is_closed = event.closes_at.as_ref().is_some_and(|closes| !is_later(closes));
    let has_queue = event.queue.is_some();
    // In a waiting room the form is there, hidden, before the sale opens.
    let is_on_sale = (opens.is_none() || has_queue) && !is_closed;
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
            @if is_on_sale { (hold_form(app, texts, event, form)) } @else { (stocks(texts, event, |_, _| html! {})) }
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

/// The form that holds tickets. It is hidden while nothing is left, and in a waiting room until
/// there is a pass; the script shows it.
fn hold_form(app: &PublicState, texts: &Texts, event: &Event, form: Option<&Form>) -> Markup {
    let has_queue = event.queue.is_some();
    let is_empty = event.stocks.values().all(|stock| stock.available == 0);
    let key =
        form.and_then(Form::key).map_or(Uuid::new_v4().to_string(), |key| key.as_str().to_owned());
    let customer = form.and_then(|form| form.get(CUSTOMER)).unwrap_or_default();
    html! {
        form method="post" action={ "/e/" (event.event) } hidden[has_queue || is_empty] data-hold data-queue[has_queue] {
            input type="hidden" name=(KEY) value=(key);
            input type="hidden" name=(PASS) value="" autocomplete="off";
            (stocks(texts, event, |name, stock| {
                let sent = form.and_then(|form| form.qty(name)).unwrap_or("0");
                quantity(texts, name, stock.available, app.limits().qty_max, sent)
            }))
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

/// The stocks, each with `field` behind its counts.
fn stocks(texts: &Texts, event: &Event, field: impl Fn(&str, &StockCounts) -> Markup) -> Markup {
    html! {
        @for (name, stock) in &event.stocks {
            div.stock {
                h2 { (name) }
                p.price { (stock.price.as_ref().map_or(texts.free.to_owned(), money)) }
                p.left data-stock=(name) data-left=(texts.left[1]) data-one=(texts.left[0]) data-none=(texts.sold_out) {
                    (left_of(texts, stock.available))
                }
                (field(name, stock))
            }
        }
    }
}

/// The field for a quantity; the script keeps its maximum at what is available, and `most`.
fn quantity(texts: &Texts, name: &str, available: u64, most: u64, value: &str) -> Markup {
    html! {
        label for={ "qty-" (name) } { (texts.number) span.sr-only { " " (name) } }
        input id={ "qty-" (name) } name={ (QTY) (name) } type="number" inputmode="numeric" min="0"
            max=(available.min(most)) data-most=(most) value=(value);
    }
}
