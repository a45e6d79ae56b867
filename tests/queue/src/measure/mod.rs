//! What joins and streams cost.

mod connection;
mod joins;
mod streams;

use clap::Args;
use serde_json::json;

use crate::{
    Places,
    error::Error,
    http::{Call, Http},
    report::Report,
    system::ADMIN,
};

const EVENT: &str = "gala";
/// Tickets, which are not to run out.
const STOCK: &str = "1000000000";

#[derive(Args)]
pub struct MeasureArgs {
    #[command(flatten)]
    places: Places,
    /// Measurements of joins and of reservations
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// Seconds of each
    #[arg(long, default_value_t = 4.0)]
    seconds: f64,
    /// Connections that join and reserve
    #[arg(long, default_value_t = 256)]
    connections: usize,
    /// Streams that are open at once; 0 measures none
    #[arg(long, default_value_t = 10_000)]
    streams: usize,
}

pub async fn run(args: MeasureArgs) -> Result<Report, Error> {
    let mut report = Report::default();
    if args.rounds > 0 {
        joins::measure(&args, &mut report).await?;
    }
    if args.streams > 0 {
        streams::measure(&args, &mut report).await?;
    }
    report.end();
    Ok(report)
}

/// An event whose waiting room is open, and whose sale is far away.
async fn put_event(admin: &Http) -> Result<(), Error> {
    let queue = json!({"opens_at": "2020-01-01T00:00:00Z", "draw": true});
    let event =
        json!({"stocks": {"general": 1000}, "opens_at": "2099-01-01T00:00:00Z", "queue": queue});
    let call = Call::put(format!("/api/v1/admin/events/{EVENT}")).body(event);
    let call = call.header("authorization", &format!("Bearer {ADMIN}"));
    admin.expect(201, &call).await.map(drop)
}
