//! Sales and refunds as a table, for reconciliation with payments.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, ValueEnum};
use inventory::{EventName, ledger::Change};
use inventory_audit::verify::{
    Audited, Auditor, BackupFeed, DatabaseFeed, Feed, ReadOnlyStore, VerifyError, audit,
};
use serde::Serialize;
use telemetry::console::print_message;
use vacancy_api::rfc3339;
use vacancy_service::VacancySettings;

use super::{
    exit::{failed, unusable_url},
    http::HttpFeed,
    source::{LedgerLocation, SourceArgs},
};
use crate::progress::show;

/// The arguments of `export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    #[command(flatten)]
    source: SourceArgs,
    /// The form of the output
    #[arg(long, value_enum)]
    format: Format,
    /// Only this event
    #[arg(long)]
    event: Option<EventName>,
    /// Output file (default: standard output); created only when complete
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// The form of an export.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    /// Comma-separated values with a header (RFC 4180)
    Csv,
    /// A JSON object per line
    Jsonl,
}

/// A line: a quantity of one stock that was sold or refunded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SaleRow<'a> {
    /// The event.
    pub event: &'a str,
    /// The record's place in its ledger; a record of several stocks has a line for each.
    pub seq: u64,
    /// When, RFC 3339.
    pub time: String,
    /// `sale` or `refund`.
    pub kind: &'static str,
    /// The reservation.
    pub reservation_id: String,
    /// The refund, of a refund.
    pub refund_id: Option<String>,
    /// The stock.
    pub stock: &'a str,
    /// The quantity; negative for a refund, so that the sum is the quantity sold.
    pub qty: i128,
    /// The customer.
    pub customer: Option<&'a str>,
    /// The payment that the confirmation named.
    pub payment_ref: Option<&'a str>,
    /// The key of the request.
    pub idempotency_key: Option<&'a str>,
}

/// The lines of one record; none unless it is a sale or a refund.
pub fn rows(audited: &Audited) -> impl Iterator<Item = SaleRow<'_>> {
    let record = &audited.record;
    let told = match &record.change {
        Change::Sold { id, items, .. } | Change::Confirmed { id, items, .. } => {
            Some(("sale", *id, None, items))
        }
        Change::Refunded { id, reservation, items } => {
            Some(("refund", *reservation, Some(*id), items))
        }
        _ => None,
    };
    told.into_iter().flat_map(move |(kind, reservation, refund, items)| {
        let hold = audited.hold.as_ref();
        items.iter().map(move |item| SaleRow {
            event: record.event.as_str(),
            seq: record.seq,
            time: rfc3339(record.at_ms),
            kind,
            reservation_id: reservation.to_string(),
            refund_id: refund.map(|id| id.to_string()),
            stock: item.stock.as_str(),
            qty: if refund.is_some() { -i128::from(item.qty) } else { i128::from(item.qty) },
            customer: hold
                .and_then(|hold| hold.customer.as_ref())
                .map(inventory::CustomerId::as_str),
            payment_ref: hold
                .and_then(|hold| hold.payment_ref.as_ref())
                .map(inventory::PaymentRef::as_str),
            idempotency_key: record.key.as_ref().map(|used| used.key.as_str()),
        })
    })
}

enum Writer<W: Write> {
    Csv(Box<csv::Writer<W>>),
    Jsonl(W),
}

impl<W: Write> Writer<W> {
    fn new(format: Format, to: W) -> Self {
        match format {
            Format::Csv => Self::Csv(Box::new(csv::Writer::from_writer(to))),
            Format::Jsonl => Self::Jsonl(to),
        }
    }

    fn row(&mut self, row: &SaleRow<'_>) -> io::Result<()> {
        match self {
            Self::Csv(to) => to.serialize(row).map_err(io::Error::from),
            Self::Jsonl(to) => {
                serde_json::to_writer(&mut *to, row)?;
                to.write_all(b"\n")
            }
        }
    }

    fn finish(self) -> io::Result<W> {
        let mut to = match self {
            Self::Csv(to) => {
                to.into_inner().map_err(|error| io::Error::other(error.to_string()))?
            }
            Self::Jsonl(to) => to,
        };
        to.flush()?;
        Ok(to)
    }
}

/// Exports what `args` names, checking every record on the way; exits with 1 at the first
/// violation, with 2 when it cannot be read.
pub async fn run_export(args: &ExportArgs, settings: &VacancySettings) -> ExitCode {
    let place = match args.source.place(settings) {
        Ok(place) => place,
        Err(error) => return unusable_url(&error),
    };
    let exported = match &args.output {
        None => {
            export(args, settings, &place, BufWriter::new(io::stdout())).await.map(|(_, rows)| rows)
        }
        Some(path) => export_to(args, settings, &place, path).await,
    };
    match exported {
        Ok(rows) => {
            print_message(&format_args!("exported {rows} lines from {place}"));
            ExitCode::SUCCESS
        }
        Err(error) => failed(&place, &error),
    }
}

async fn export_to(
    args: &ExportArgs,
    settings: &VacancySettings,
    place: &LedgerLocation,
    path: &Path,
) -> Result<u64, VerifyError> {
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    let file = File::create(&part).map_err(|error| output(&error))?;
    let written = match export(args, settings, place, BufWriter::new(file)).await {
        Ok((to, rows)) => to
            .into_inner()
            .map_err(io::IntoInnerError::into_error)
            .and_then(|file| file.sync_all())
            .map(|()| rows)
            .map_err(|error| output(&error)),
        Err(error) => Err(error),
    };
    let done = written
        .and_then(|rows| fs::rename(&part, path).map(|()| rows).map_err(|error| output(&error)));
    done.inspect_err(|_| drop(fs::remove_file(&part)))
}

fn output(error: &io::Error) -> VerifyError {
    VerifyError::Scratch(format!("the export cannot be written: {error}"))
}

async fn export<W: Write>(
    args: &ExportArgs,
    settings: &VacancySettings,
    place: &LedgerLocation,
    to: W,
) -> Result<(W, u64), VerifyError> {
    let options = args.source.options(settings);
    let mut feed: Box<dyn Feed> = match place {
        LedgerLocation::DataDir(dir) => Box::new(ReadOnlyStore::open(dir, &options)?.into_feed()),
        LedgerLocation::Backup(dir) => Box::new(BackupFeed::open(dir)?),
        LedgerLocation::Database(database) => Box::new(DatabaseFeed::open(database).await?),
        LedgerLocation::Url(url) => {
            Box::new(HttpFeed::open(url, settings.admin_token.as_ref(), args.event.as_ref()).await?)
        }
    };
    let mut auditor = Auditor::new(&options);
    let (mut writer, mut count) = (Writer::new(args.format, to), 0);
    let each = |_: &Auditor, audited: &Audited| {
        if args.event.as_ref().is_none_or(|only| *only == audited.record.event) {
            for row in rows(audited) {
                writer.row(&row).map_err(|error| output(&error))?;
                count += 1;
            }
        }
        Ok(())
    };
    audit(&mut *feed, &mut auditor, each, show()).await?;
    auditor.finish()?;
    Ok((writer.finish().map_err(|error| output(&error))?, count))
}
