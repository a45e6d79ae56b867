//! Forms: `application/x-www-form-urlencoded`, read strictly.

use axum::extract::{FromRequest, Request};
use http::header;
use http_server::{Problem, extract::read_body};
use inventory::{IdempotencyKey, Item, Items, Limits, StockName};

const CONTENT_TYPE: &str = "application/x-www-form-urlencoded";
/// The begin of the name of a field with a quantity; the stock follows.
pub const QTY: &str = "qty.";
/// The field with the idempotency key.
pub const KEY: &str = "key";
/// The field with the customer.
pub const CUSTOMER: &str = "customer";
/// The field with the pass of a waiting room.
pub const PASS: &str = "pass";

/// The fields of a form.
pub struct Form(Vec<(String, String)>);

impl<S: Sync> FromRequest<S> for Form {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let content_type = request.headers().get(header::CONTENT_TYPE);
        let content_type = content_type.and_then(|value| value.to_str().ok()).unwrap_or_default();
        if content_type.split(';').next().map(str::trim) != Some(CONTENT_TYPE) {
            return Err(Problem::unsupported_media_type("The body must be a form."));
        }
        let body = read_body(request.into_body()).await?;
        Ok(Self(form_urlencoded::parse(&body).into_owned().collect()))
    }
}

impl Form {
    /// The value of a field that is not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        let mut fields = self.0.iter().filter(|(field, value)| field == name && !value.is_empty());
        fields.next().map(|(_, value)| value.as_str())
    }

    /// What was entered for a stock.
    pub fn qty(&self, stock: &str) -> Option<&str> {
        self.get(&format!("{QTY}{stock}"))
    }

    /// The key, which the page made when it was shown.
    pub fn key(&self) -> Option<IdempotencyKey> {
        self.get(KEY).and_then(|key| IdempotencyKey::new(key).ok())
    }

    /// The quantities above 0. `None`: nothing was chosen.
    ///
    /// # Errors
    /// A 422 problem.
    pub fn items(&self, limits: &Limits) -> Result<Option<Items>, Problem> {
        let mut items = Vec::new();
        for (name, value) in &self.0 {
            let Some(stock) = name.strip_prefix(QTY) else { continue };
            let (Ok(stock), Ok(qty)) = (StockName::new(stock), quantity(value)) else {
                return Err(Problem::validation("A quantity is a whole number."));
            };
            if qty > 0 {
                items.push(Item { qty, stock });
            }
        }
        if items.is_empty() {
            return Ok(None);
        }
        let items = Items::new(items, limits.items_max, limits.qty_max);
        items.map(Some).map_err(|error| Problem::validation(format!("{error}.")))
    }
}

fn quantity(text: &str) -> Result<u64, std::num::ParseIntError> {
    let text = text.trim();
    if text.is_empty() { Ok(0) } else { text.parse() }
}
