//! Calls from ticket to vacancy: keys, deadlines, batches and failures.

mod batches;
mod deadlines;
mod endpoints;
mod failures;
mod identity;
mod outages;
mod stub;
mod unknown;
