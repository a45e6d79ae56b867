//! Looking reservations up as an administrator.

use http_server::Problem;
use inventory::{CustomerId, EventName, HoldId, PaymentRef, TimeMs};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{hold::Hold, text, time::rfc3339};

/// The query of a look-up.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ReservationQuery {
    /// The customer, spelt as in a purchase. A query names a customer, a payment or both.
    #[serde(default, deserialize_with = "text::customer")]
    #[param(value_type = Option<String>, min_length = 1, max_length = 128)]
    pub customer: Option<CustomerId>,
    /// The payment reference, spelt as in the confirmation.
    #[serde(default, deserialize_with = "text::payment_ref")]
    #[param(value_type = Option<String>, min_length = 1, max_length = 128)]
    pub payment_ref: Option<PaymentRef>,
    /// Only reservations of this event.
    #[param(value_type = Option<String>, min_length = 1, max_length = 64, pattern = r"^[a-z0-9][a-z0-9_.-]*$")]
    pub event: Option<EventName>,
    /// Entries per page, from 1 to MAX_PAGE. Default: 100.
    #[param(minimum = 1)]
    pub limit: Option<usize>,
    /// The `next` of the page before; nothing for the first page.
    #[param(format = Uuid)]
    pub cursor: Option<String>,
}

impl ReservationQuery {
    /// The id that the page continues below.
    ///
    /// # Errors
    /// A 422 problem when the cursor is not in the form that pages have.
    pub fn before(&self) -> Result<Option<HoldId>, Problem> {
        let Some(cursor) = &self.cursor else { return Ok(None) };
        let id = cursor.parse().ok().filter(|_| cursor.len() == CURSOR_LEN);
        id.map(Some).ok_or_else(|| Problem::validation("cursor: must be the `next` of a page."))
    }
}

/// The length of a cursor: that of an id.
const CURSOR_LEN: usize = 36;

/// A hold or reservation as administrators see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Reservation {
    /// What its owner sees.
    #[serde(flatten)]
    pub hold: Hold,
    /// The customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<String>,
    /// When it was made, RFC 3339.
    #[schema(format = DateTime)]
    pub created_at: String,
}

impl Reservation {
    /// `hold` as it stands at `now_ms`.
    #[must_use]
    pub fn of(hold: &inventory::Hold, now_ms: TimeMs) -> Self {
        Self {
            hold: Hold::of(hold, now_ms),
            customer: hold.customer.as_ref().map(ToString::to_string),
            created_at: rfc3339(hold.created_at_ms),
        }
    }
}

/// A page of a look-up, the newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReservationList {
    /// Holds and reservations in every state.
    pub reservations: Vec<Reservation>,
    /// The value of `cursor` for the next page; absent on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = Uuid)]
    pub next: Option<String>,
}
