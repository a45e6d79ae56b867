//! `GET /e/`: the events.

use axum::{extract::State, response::Response};
use http::StatusCode;
use http_server::extract::QueryParams;
use inventory::EventName;
use maud::{Markup, html};
use public_api::{EventReading, PublicState};
use vacancy_api::Event;

use crate::{
    lang::{Language, Texts, counted},
    layout::Page,
    refusal,
};

/// Events of a page.
const PAGE: usize = 50;

/// The page.
#[derive(serde::Deserialize)]
pub struct Query {
    after: Option<EventName>,
}

pub async fn list(
    State(app): State<PublicState>,
    Language(texts): Language,
    query: Result<QueryParams<Query>, http_server::Problem>,
) -> Response {
    let after = match query {
        Ok(QueryParams(query)) => query.after,
        Err(problem) => return refusal::page(texts, &problem),
    };
    let page = match app.client().events(after.as_ref(), PAGE).await {
        Ok(page) => page,
        Err(error) => return refusal::page(texts, &error.into_problem().0),
    };
    let events: Vec<_> = page.events.iter().filter(|reading| !reading.frame.deleted).collect();
    let next = page.events.last().filter(|_| page.more).map(|last| &last.frame.event.event);
    let content = html! {
        h1 { (texts.events) }
        @if events.is_empty() { p { (texts.no_events) } }
        ul.events { @for reading in &events { li { (entry(texts, reading)) } } }
        @if let Some(next) = next {
            p { a href={ "/e/?after=" (next) } { (texts.next_page) } }
        }
    };
    Page { texts, title: texts.events.to_owned(), content }.response(StatusCode::OK)
}

fn entry(texts: &Texts, reading: &EventReading) -> Markup {
    let event = reading.event();
    html! {
        a href={ "/e/" (event.event) } { (event.event) }
        " " span.left { (left(texts, &event)) }
    }
}

/// How many tickets are left, of all stocks.
pub fn left(texts: &Texts, event: &Event) -> String {
    left_of(texts, event.stocks.values().map(|stock| stock.available).sum())
}

/// How many tickets are left.
pub fn left_of(texts: &Texts, available: u64) -> String {
    if available == 0 { texts.sold_out.to_owned() } else { counted(texts.left, available) }
}
