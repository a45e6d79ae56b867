//! Calls from ticket to vacancy: keys, deadlines, batches and failures.

mod batches;
mod deadlines;
mod failures;
mod stub;
mod unknown;
