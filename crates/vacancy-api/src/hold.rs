//! Holds and refunds.

use http_server::Problem;
use inventory::{CustomerId, EventName, Items, Limits, PaymentRef, StockName, TimeMs};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{money::Money, text, time::rfc3339};

/// A requested quantity of one stock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ItemRequest {
    /// The stock.
    #[schema(value_type = String, min_length = 1, max_length = 64, pattern = r"^[a-z0-9][a-z0-9_.-]*$", example = "general")]
    pub stock: StockName,
    /// The quantity, from 1 to MAX_QTY.
    #[schema(minimum = 1, example = 2)]
    pub qty: u64,
}

/// A quantity of one stock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Item {
    /// The stock.
    #[schema(value_type = String, max_length = 64, example = "general")]
    pub stock: StockName,
    /// The quantity.
    #[schema(minimum = 1, example = 2)]
    pub qty: u64,
}

/// Checks a list of items against the limits.
///
/// # Errors
/// A 422 problem.
pub fn items_from(items: Vec<ItemRequest>, limits: &Limits) -> Result<Items, Problem> {
    let items = items
        .into_iter()
        .map(|item| inventory::Item { qty: item.qty, stock: item.stock })
        .collect();
    Items::new(items, limits.items_max, limits.qty_max)
        .map_err(|error| Problem::validation(format!("{error}.")))
}

/// A time to live in milliseconds, when it is within the limits.
///
/// # Errors
/// A 422 problem.
pub fn ttl_ms(limits: &Limits, ttl_s: u64) -> Result<u64, Problem> {
    let ttl_max_s = limits.hold_ttl_max_ms / 1_000;
    if (1..=ttl_max_s).contains(&ttl_s) {
        Ok(ttl_s * 1_000)
    } else {
        Err(Problem::validation(format!("ttl_s must be between 1 and {ttl_max_s}.")))
    }
}

fn items_body(items: &Items) -> Vec<Item> {
    items.iter().map(|item| Item { stock: item.stock.clone(), qty: item.qty }).collect()
}

/// A request to hold items.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateHoldBody {
    /// The event.
    #[schema(value_type = String, min_length = 1, max_length = 64, pattern = r"^[a-z0-9][a-z0-9_.-]*$", example = "default")]
    pub event: EventName,
    /// The items; the service holds all of them or none.
    #[schema(min_items = 1)]
    pub items: Vec<ItemRequest>,
    /// The customer; required when the event has a limit per customer. Spaces at the ends are
    /// removed, and the text is brought to Unicode's composed form (NFC).
    #[serde(default, deserialize_with = "text::customer")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 128)]
    pub customer: Option<CustomerId>,
    /// Lifetime in seconds, up to HOLD_TTL_MAX_S. Default: the event's setting, else HOLD_TTL_S.
    #[schema(minimum = 1)]
    pub ttl_s: Option<u64>,
}

/// A request to extend a hold.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExtendBody {
    /// Lifetime in seconds from now, up to HOLD_TTL_MAX_S. It never shortens a hold.
    #[schema(minimum = 1, example = 300)]
    pub ttl_s: u64,
}

/// The body of a confirmation.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmBody {
    /// The payment reference. Spaces at the ends are removed, and the text is brought to Unicode's
    /// composed form (NFC).
    #[serde(default, deserialize_with = "text::payment_ref")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 128)]
    pub payment_ref: Option<PaymentRef>,
    /// What was paid. It must be the `total` of the hold.
    pub amount: Option<Money>,
}

/// The body of a payment that starts.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PaymentBody {
    /// The payment reference. Spaces at the ends are removed, and the text is brought to Unicode's
    /// composed form (NFC).
    #[serde(rename = "ref", deserialize_with = "text::required_payment_ref")]
    #[schema(value_type = String, min_length = 1, max_length = 128)]
    pub payment_ref: PaymentRef,
    /// `started`.
    pub state: PaymentState,
}

/// The state of a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PaymentState {
    /// The customer is paying.
    Started,
}

/// The body of a refund.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefundBody {
    /// The items to refund; all remaining items when omitted.
    #[schema(min_items = 1)]
    pub items: Option<Vec<ItemRequest>>,
}

/// The state of a hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(example = "held")]
pub enum HoldState {
    /// Its items are not available to others until it expires.
    Held,
    /// Its items are sold.
    Confirmed,
    /// Its owner released it.
    Released,
    /// Its time ran out.
    Expired,
    /// It is in the waiting list, and holds nothing for its owner yet.
    Waiting,
}

impl From<inventory::HoldState> for HoldState {
    fn from(state: inventory::HoldState) -> Self {
        match state {
            inventory::HoldState::Held => Self::Held,
            inventory::HoldState::Confirmed => Self::Confirmed,
            inventory::HoldState::Released => Self::Released,
            inventory::HoldState::Expired => Self::Expired,
            inventory::HoldState::Waiting => Self::Waiting,
        }
    }
}

/// A hold after a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HoldReceipt {
    /// Its id.
    #[schema(format = Uuid)]
    pub id: String,
    /// `held`, `confirmed` or `waiting`.
    pub state: HoldState,
    /// Its items.
    pub items: Vec<Item>,
    /// Expiry time, RFC 3339; absent when confirmed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub expires_at: Option<String>,
    /// The payment reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_ref: Option<String>,
    /// The price of its items, pinned when it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<Money>,
    /// The `seq` of the decision in the event's ledger.
    pub seq: u64,
}

impl HoldReceipt {
    /// With the price of its items.
    #[must_use]
    pub fn priced(self, total: Option<inventory::Money>) -> Self {
        Self { total: total.map(Money::from), ..self }
    }

    /// With a payment.
    #[must_use]
    pub fn paid_by(self, payment_ref: &PaymentRef) -> Self {
        Self { payment_ref: Some(payment_ref.to_string()), ..self }
    }

    /// A hold that is held until `expires_at_ms`.
    #[must_use]
    pub fn held(id: &impl ToString, items: &Items, expires_at_ms: TimeMs, seq: u64) -> Self {
        let expires_at = Some(rfc3339(expires_at_ms));
        Self {
            id: id.to_string(),
            state: HoldState::Held,
            items: items_body(items),
            expires_at,
            payment_ref: None,
            total: None,
            seq,
        }
    }

    /// An entry of the waiting list.
    #[must_use]
    pub fn waiting(id: &impl ToString, items: &Items, seq: u64) -> Self {
        Self {
            id: id.to_string(),
            state: HoldState::Waiting,
            items: items_body(items),
            expires_at: None,
            payment_ref: None,
            total: None,
            seq,
        }
    }

    /// A hold that is sold.
    #[must_use]
    pub fn confirmed(
        id: &impl ToString,
        items: &Items,
        payment_ref: Option<&PaymentRef>,
        seq: u64,
    ) -> Self {
        let payment_ref = payment_ref.map(ToString::to_string);
        Self {
            id: id.to_string(),
            state: HoldState::Confirmed,
            items: items_body(items),
            expires_at: None,
            payment_ref,
            total: None,
            seq,
        }
    }
}

/// A hold or reservation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Hold {
    /// Its id.
    #[schema(format = Uuid)]
    pub id: String,
    /// Its event.
    #[schema(example = "default")]
    pub event: String,
    /// Its state now.
    pub state: HoldState,
    /// Its items.
    pub items: Vec<Item>,
    /// The refunded items.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub refunded: Vec<Item>,
    /// Expiry time, RFC 3339; absent when confirmed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub expires_at: Option<String>,
    /// The payment reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_ref: Option<String>,
    /// The price of its items, pinned when it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<Money>,
    /// The payment that the seller started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_started: Option<String>,
    /// Payments that came too late and have to be refunded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub refunds_due: Vec<String>,
    /// The `seq` of its last change in the event's ledger.
    pub seq: u64,
}

impl Hold {
    /// `hold` as it stands at `now_ms`.
    #[must_use]
    pub fn of(hold: &inventory::Hold, now_ms: TimeMs) -> Self {
        let state = hold.state_at(now_ms);
        let refunded = if state == inventory::HoldState::Confirmed {
            hold.items.without(&hold.live)
        } else {
            None
        };
        Self {
            id: hold.id.to_string(),
            event: hold.event.to_string(),
            state: state.into(),
            items: items_body(&hold.items),
            refunded: refunded.as_ref().map(items_body).unwrap_or_default(),
            expires_at: (!matches!(
                state,
                inventory::HoldState::Confirmed | inventory::HoldState::Waiting
            ) && hold.expires_at_ms > 0)
                .then(|| rfc3339(hold.expires_at_ms)),
            payment_ref: hold.payment_ref.as_ref().map(ToString::to_string),
            total: hold.terms.total.map(Money::from),
            payment_started: hold.terms.payment_started.as_ref().map(ToString::to_string),
            refunds_due: hold.terms.refunds_due.iter().map(ToString::to_string).collect(),
            seq: hold.seq,
        }
    }
}

/// A refund.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RefundReceipt {
    /// Its id.
    #[schema(format = Uuid)]
    pub id: String,
    /// The reservation.
    #[schema(format = Uuid)]
    pub reservation_id: String,
    /// The refunded items.
    pub items: Vec<Item>,
    /// The `seq` of the decision in the event's ledger.
    pub seq: u64,
}

impl RefundReceipt {
    /// A refund of `items`.
    #[must_use]
    pub fn new(id: &impl ToString, reservation: &impl ToString, items: &Items, seq: u64) -> Self {
        Self {
            id: id.to_string(),
            reservation_id: reservation.to_string(),
            items: items_body(items),
            seq,
        }
    }
}
