//! What joins and streams cost.

mod args;
mod connection;
mod joins;
mod room;
mod streams;

pub use self::args::MeasureArgs;
use crate::{error::Error, report::Report};

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
