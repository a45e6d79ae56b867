//! What a page says when a call was refused.

use axum::response::Response;
use http::StatusCode;
use http_server::Problem;
use maud::html;

use crate::{lang::Texts, layout::Page};

/// What the buyer reads of a problem.
pub fn message(texts: &'static Texts, problem: &Problem) -> &'static str {
    match problem.code() {
        "sold_out" | "stock_not_found" => texts.too_few_left,
        "limit_exceeded" => texts.limit_reached,
        "not_open_yet" => texts.not_open_yet,
        "sale_closed" => texts.closed,
        "hold_expired" | "hold_expired_sold_out" => texts.expired,
        "customer_required" => texts.customer_hint,
        "hold_released" => texts.released,
        "hold_confirmed" => texts.already_sold,
        "pass_required" | "pass_spent" => texts.pass_needed,
        _ if problem.status() == StatusCode::NOT_FOUND => texts.not_found_hint,
        _ if problem.status().is_client_error() => texts.not_understood,
        _ => texts.unavailable,
    }
}

/// A page with nothing but the problem.
pub fn page(texts: &'static Texts, problem: &Problem) -> Response {
    let title = match problem.status() {
        StatusCode::NOT_FOUND => texts.not_found,
        status if status.is_client_error() => texts.not_understood,
        _ => texts.unavailable,
    };
    let content = html! {
        h1 { (title) }
        @if message(texts, problem) != title { p { (message(texts, problem)) } }
        p { a href="/e/" { (texts.events) } }
    };
    Page { texts, title: title.to_owned(), content }.response(problem.status())
}
