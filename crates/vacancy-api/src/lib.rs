//! The part of the HTTP contract that ticket and vacancy share: the JSON of requests and responses,
//! the problems of refusals, and the head of the OpenAPI document.
#![warn(missing_docs)]

mod admin_event;
mod answer;
mod batch;
mod defaults;
mod document;
mod event;
mod failure;
mod frame;
mod hold;
mod key;
mod money;
mod parameters;
mod queue;
mod queue_frame;
mod reservation;
mod reserve;
mod response;
mod responses;
mod sale;
mod stock_settings;
mod text;
mod ticket;
mod time;
mod waitlist;
mod webhook;

pub use admin_event::AdminEvent;
pub use answer::{Answer, ReleaseReceipt, misplaced};
pub use batch::{BatchAnswer, BatchEntry, EntryAnswer, Operation};
pub use defaults::{DEFAULT_EVENT, DEFAULT_STOCK, page_len};
pub use document::{DocumentLimits, complete, document};
pub use event::{Event, EventError, EventList, PutEventBody, ReturnMode, SellBy, StockCounts};
pub use failure::{
    Failure, event_not_found, hold_not_found, place_invalid, queue_not_found, signing_keys_missing,
    unexpected,
};
pub use frame::{EventFrame, StreamLine};
pub use hold::{
    ConfirmBody, CreateHoldBody, ExtendBody, Hold, HoldReceipt, HoldState, Item, ItemRequest,
    PaymentBody, PaymentState, RefundBody, RefundReceipt, items_from, ttl_ms,
};
pub use key::{key_from, quoted};
pub use money::Money;
pub use parameters::{
    ConditionParams, EventParam, EventSeqParam, HoldParam, KeyParam, PassParam, TimeoutParam,
    WebhookParam,
};
pub use queue::{
    DrawReading, JoinAnswer, JoinQueueBody, LeavesPage, PassAnswer, PassEntry, PassReceipt,
    PlaceReading, PlaceReceipt, PlaceState, PlaceStatus, QueueDraw, QueueError, QueueFrozen,
    QueueLeaves, QueuePauseList, QueuePauseReceipt, QueueProof, QueueReading, QueueRevealed,
    QueueSettings, WorkChallenge,
};
pub use queue_frame::{QueueFrame, QueuePhase};
pub use reservation::{Reservation, ReservationList, ReservationQuery};
pub use reserve::{
    Available, BatchItem, BatchSlot, ReserveAnswer, ReserveBody, SlotProblem, Wording, reserved,
};
pub use response::{EVENT_SEQ, WriteResponse};
pub use responses::{
    AdminErrors, BeyondLedger, BodyErrors, EventNotFound, HoldNotFound, InvalidName,
    InvalidParameter, KeyErrors, NotOpenYet, PassErrors, PlaceErrors, QueueNotFound, SaleClosed,
    SaleRefusals, SellerErrors, Unavailable, WebhookNotFound,
};
pub use sale::{KIND_PREFIX, Sale, sale_of};
pub use stock_settings::{PricedStock, StockSettings};
pub use ticket::{SignedTicket, TicketImageParam, TicketKey, TicketKeySet};
pub use waitlist::JoinWaitlistBody;
pub use webhook::{
    PutWebhookBody, ReplayBody, Webhook, WebhookCursor, WebhookList, WebhookStatus, WebhookTest,
};

pub use crate::time::rfc3339;
