//! The JSON of the contract.

mod event;
mod hold;
mod reserve;
mod sale;
mod time;

pub use event::{EventBody, EventError, EventList, PutEventBody, StockBody};
pub use hold::{
    ConfirmBody, CreateHoldBody, ExtendBody, HoldAnswer, HoldBody, ItemBody, ItemWish,
    RefundAnswer, RefundBody, items_from,
};
pub use reserve::{Available, BatchItem, BatchSlot, ReserveAnswer, ReserveBody, SlotProblem};
pub use sale::{Sale, sale_of};
pub use time::{rfc3339, to_ms};
