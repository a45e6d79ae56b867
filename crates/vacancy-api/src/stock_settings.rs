//! The settings of one stock.

use serde::{Deserialize, Deserializer};
use utoipa::{PartialSchema, ToSchema, openapi};

use crate::money::Money;

/// Capacity and price of a stock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PricedStock {
    /// The number of tickets.
    #[schema(example = 1000)]
    pub capacity: u64,
    /// What one ticket costs. All prices of an event have one currency.
    pub price: Option<Money>,
}

impl From<u64> for PricedStock {
    fn from(capacity: u64) -> Self {
        Self { capacity, price: None }
    }
}

/// A stock as a request names it: a number is its capacity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StockSettings(pub PricedStock);

impl<'de> Deserialize<'de> for StockSettings {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        http_server::extract::number_or_object(from).map(Self)
    }
}

impl PartialSchema for StockSettings {
    fn schema() -> openapi::RefOr<openapi::Schema> {
        openapi::OneOfBuilder::new()
            .item(openapi::Ref::from_schema_name("PricedStock"))
            .item(
                openapi::ObjectBuilder::new()
                    .schema_type(openapi::schema::Type::Integer)
                    .minimum(Some(0))
                    .description(Some("The capacity")),
            )
            .into()
    }
}

impl ToSchema for StockSettings {
    fn schemas(schemas: &mut Vec<(String, openapi::RefOr<openapi::Schema>)>) {
        schemas.push((PricedStock::name().into_owned(), PricedStock::schema()));
        <PricedStock as ToSchema>::schemas(schemas);
    }
}
