//! `GET /api/v1/reservations/{id}/tickets/{n}.svg` and `.png`.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use http_server::{
    Problem,
    extract::{PathParams, QueryParams},
    problem::ProblemDetails,
};
use inventory::{HoldId, StockName};
use serde::Deserialize;
use utoipa::IntoParams;
use vacancy_api::{Hold, HoldParam, TicketImageParam, Unavailable};

use super::{reservation, ticket, valid};
use crate::state::PublicState;

/// The stock.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct OfStock {
    /// The stock of the ticket. It may be omitted where the reservation has only one.
    #[param(value_type = Option<String>, min_length = 1, max_length = 64, pattern = r"^[a-z0-9][a-z0-9_.-]*$")]
    stock: Option<StockName>,
}

#[derive(Clone, Copy)]
enum Format {
    Svg,
    Png,
}

/// Read the QR code of a ticket
///
/// Black on white, with its margin. A code of at most version 8 and error correction M can be read
/// from 2 cm of a print.
#[utoipa::path(
    get,
    path = "/api/v1/reservations/{id}/tickets/{image}",
    tag = "tickets",
    params(HoldParam, TicketImageParam, OfStock),
    responses(
        (status = OK, description = "The image", content((String = "image/svg+xml"), (Vec<u8> = "image/png"))),
        (
            status = NOT_FOUND,
            description = "The reservation does not exist, or never had this ticket",
            body = ProblemDetails,
            content_type = "application/problem+json",
        ),
        (
            status = CONFLICT,
            description = "The hold is not confirmed",
            body = ProblemDetails,
            content_type = "application/problem+json",
        ),
        (
            status = GONE,
            description = "The ticket was refunded",
            body = ProblemDetails,
            content_type = "application/problem+json",
        ),
        (
            status = UNPROCESSABLE_ENTITY,
            description = "The reservation has several stocks, and none is named",
            body = ProblemDetails,
            content_type = "application/problem+json",
        ),
        Unavailable,
    )
)]
pub async fn read_ticket_image(
    State(app): State<PublicState>,
    PathParams((id, image)): PathParams<(HoldId, String)>,
    QueryParams(OfStock { stock }): QueryParams<OfStock>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (n, format) = parse(&image).ok_or_else(not_found)?;
    let hold = reservation(&app, id, &headers).await?;
    let (stock, qty) = find(&hold, stock.as_ref())?;
    if n > qty {
        return Err(not_found());
    }
    if n > valid(&hold, stock) {
        return Err(refunded());
    }
    let text = ticket(id, &hold, stock, n).sign(&app.keys()?);
    let image = match format {
        Format::Svg => tickets::svg(&text).map(|svg| ("image/svg+xml", svg.into_bytes())),
        Format::Png => tickets::png(&text).map(|png| ("image/png", png)),
    };
    let (content_type, image) = image.map_err(|error| {
        tracing::error!(%error, "a ticket has no image");
        Problem::internal("The image could not be made.")
    })?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(content_type)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'")),
    ];
    Ok((headers, image).into_response())
}

/// The number and the format in a name such as `3.svg`.
fn parse(image: &str) -> Option<(u64, Format)> {
    let (number, format) = image.split_once('.')?;
    let format = match format {
        "svg" => Format::Svg,
        "png" => Format::Png,
        _ => return None,
    };
    let is_canonical = number.bytes().all(|byte| byte.is_ascii_digit()) && !number.starts_with('0');
    let n = number.parse().ok().filter(|_| is_canonical)?;
    Some((n, format))
}

/// The stock, and how many tickets of it there were.
fn find<'a>(hold: &'a Hold, stock: Option<&StockName>) -> Result<(&'a StockName, u64), Problem> {
    let item = match (stock, &hold.items[..]) {
        (Some(stock), items) => items.iter().find(|item| item.stock == *stock),
        (None, [only]) => Some(only),
        (None, _) => {
            return Err(Problem::validation("The reservation has several stocks: name one."));
        }
    };
    item.map(|item| (&item.stock, item.qty)).ok_or_else(not_found)
}

fn not_found() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "ticket_not_found",
        "Ticket not found",
        "The reservation has no such ticket.",
    )
}

fn refunded() -> Problem {
    Problem::new(
        StatusCode::GONE,
        "ticket_refunded",
        "Ticket refunded",
        "The ticket was refunded, and is not valid any more.",
    )
}

#[cfg(test)]
mod tests {
    use super::{Format, parse};

    #[test]
    fn names_of_images_are_read_strictly() {
        assert!(matches!(parse("1.svg"), Some((1, Format::Svg))));
        assert!(matches!(parse("120.png"), Some((120, Format::Png))));
        for wrong in [
            "",
            "1",
            ".svg",
            "1.",
            "0.svg",
            "01.svg",
            "+1.svg",
            "-1.svg",
            "1.SVG",
            "1.svg.png",
            "1.5.svg",
            "x.png",
            "18446744073709551616.svg",
            "1 .svg",
            "\u{661}.svg",
        ] {
            assert!(parse(wrong).is_none(), "{wrong}");
        }
    }
}
