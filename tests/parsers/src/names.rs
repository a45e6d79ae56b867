//! Names, keys and ids.

use std::{
    fmt::{Debug, Display},
    str::FromStr,
};

use inventory::{CustomerId, EventName, HoldId, IdempotencyKey, Items, PaymentRef, StockName};
use serde::{Serialize, de::DeserializeOwned};

/// An accepted name, key or id survives a round trip through text and JSON. Lists of items are
/// ordered and distinct.
///
/// # Panics
/// When that does not hold.
pub fn names(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    for (accepted, len_max) in [
        (round_trip::<EventName>(&text), EventName::LEN_MAX),
        (round_trip::<StockName>(&text), StockName::LEN_MAX),
        (round_trip::<CustomerId>(&text), CustomerId::LEN_MAX),
        (round_trip::<PaymentRef>(&text), PaymentRef::LEN_MAX),
    ] {
        assert!(
            !accepted
                || ((1..=len_max).contains(&text.chars().count())
                    && !text.contains(char::is_control)),
            "{text:?}"
        );
    }
    if let Ok(key) = IdempotencyKey::new(&text) {
        assert_eq!(key.as_str(), text);
        assert_eq!(json::<IdempotencyKey>(&serde_json::to_vec(&key).unwrap()), Some(key));
    }
    if let Ok(id) = text.parse::<HoldId>() {
        assert_eq!(id.to_string().parse::<HoldId>().unwrap(), id);
        assert_eq!(json::<HoldId>(&serde_json::to_vec(&id).unwrap()), Some(id));
    }
    let _ = (json::<EventName>(data), json::<HoldId>(data));
    if let Some(items) = json::<Vec<inventory::Item>>(data)
        && let Ok(items) = Items::new(items, 16, 1_000)
    {
        assert!(
            items.iter().is_sorted_by(|a, b| a.stock < b.stock)
                && items.iter().all(|item| (1..=1_000).contains(&item.qty))
        );
        assert!(items.total() <= 16_000);
    }
}

fn round_trip<T>(text: &str) -> bool
where
    T: FromStr + Display + Debug + PartialEq + Serialize + DeserializeOwned,
{
    let Ok(name) = text.parse::<T>() else { return false };
    assert_eq!(name.to_string(), text);
    assert_eq!(json::<T>(&serde_json::to_vec(&name).unwrap()), Some(name));
    true
}

fn json<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    serde_json::from_slice(bytes).ok()
}
