//! Sales and refunds as a table, for reconciliation with payments.

use std::{
    borrow::Cow,
    fs::{self, File},
    io::{self, BufWriter, ErrorKind, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, ValueEnum};
use inventory::{EventName, HoldId, ledger::Change};
use inventory_audit::verify::{
    Audited, Auditor, BackupFeed, DatabaseFeed, Feed, ReadOnlyStore, VerifyError, audit,
};
use serde::Serialize;
use telemetry::console::print_message;
use thiserror::Error;
use vacancy_api::rfc3339;
use vacancy_service::VacancySettings;

use super::{
    exit::{CLOSED_PIPE, failed, unusable_url, unwritable},
    formula::neutralised,
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
    /// Write texts to CSV as they are, also those that a spreadsheet takes for formulas
    #[arg(long)]
    raw: bool,
    /// Begin the CSV with a byte order mark, which Excel needs to read UTF-8
    #[arg(long)]
    bom: bool,
    /// Output file (default: standard output); created only when complete
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// The form of an export.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    /// Comma-separated values with a header (RFC 4180); texts that a spreadsheet takes for formulas
    /// begin with an apostrophe
    Csv,
    /// A JSON object per line
    Jsonl,
}

/// A line: a quantity of one stock that was sold or refunded, or a payment that has to be refunded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SaleRow<'a> {
    /// The event.
    pub event: Cow<'a, str>,
    /// The record's place in its ledger; a record of several stocks has a line for each.
    pub seq: u64,
    /// When, RFC 3339.
    pub time: String,
    /// `sale`, `refund` or `refund_due`.
    pub kind: &'static str,
    /// The reservation.
    pub reservation_id: String,
    /// The refund, of a refund.
    pub refund_id: Option<String>,
    /// The stock; empty for a payment that has to be refunded.
    pub stock: Cow<'a, str>,
    /// The quantity; negative for a refund, so that the sum is the quantity sold.
    pub qty: i128,
    /// The customer.
    pub customer: Option<Cow<'a, str>>,
    /// The payment that the confirmation named.
    pub payment_ref: Option<Cow<'a, str>>,
    /// The key of the request.
    pub idempotency_key: Option<Cow<'a, str>>,
    /// The total of the reservation, on the first of its lines, or the payment to refund; in the
    /// smallest unit of the currency.
    pub amount_minor: Option<u64>,
    /// The currency of the amount.
    pub currency: Option<String>,
}

impl SaleRow<'_> {
    /// The line for a spreadsheet, which must not evaluate any text. Ids and times are hexadecimal
    /// or begin with a digit, and numbers stay numbers.
    fn neutralise(&mut self) {
        let texts = [&mut self.customer, &mut self.payment_ref, &mut self.idempotency_key];
        let texts = texts.into_iter().flatten();
        for text in texts.chain([&mut self.event, &mut self.stock]) {
            if let Cow::Owned(marked) = neutralised(text) {
                *text = marked.into();
            }
        }
    }
}

/// The lines of one record; none unless it is a sale, a refund or a payment to refund.
pub fn rows(audited: &Audited) -> Vec<SaleRow<'_>> {
    let (record, hold) = (&audited.record, audited.hold.as_ref());
    let line = |kind, reservation: HoldId| SaleRow {
        event: record.event.as_str().into(),
        seq: record.seq,
        time: rfc3339(record.at_ms),
        kind,
        reservation_id: reservation.to_string(),
        refund_id: None,
        stock: "".into(),
        qty: 0,
        customer: hold
            .and_then(|hold| hold.customer.as_ref())
            .map(|customer| customer.as_str().into()),
        payment_ref: hold
            .and_then(|hold| hold.payment_ref.as_ref())
            .map(|payment| payment.as_str().into()),
        idempotency_key: record.key.as_ref().map(|used| used.key.client_text().into()),
        amount_minor: None,
        currency: None,
    };
    let (kind, reservation, refund, items) = match &record.change {
        Change::Sold { id, items, .. } | Change::Confirmed { id, items, .. } => {
            ("sale", *id, None, items)
        }
        Change::Refunded { id, reservation, items } => ("refund", *reservation, Some(*id), items),
        Change::RefundDue { id, payment_ref, amount } => {
            return vec![SaleRow {
                payment_ref: Some(payment_ref.as_str().into()),
                amount_minor: amount.map(|amount| amount.amount_minor),
                currency: amount.map(|amount| amount.currency.to_string()),
                ..line("refund_due", *id)
            }];
        }
        _ => return Vec::new(),
    };
    let total = hold.and_then(|hold| hold.terms.total).filter(|_| refund.is_none());
    let lines = items.iter().zip(std::iter::once(total).chain(std::iter::repeat(None)));
    lines
        .map(|(item, total)| SaleRow {
            refund_id: refund.map(|id| id.to_string()),
            stock: item.stock.as_str().into(),
            qty: if refund.is_some() { -i128::from(item.qty) } else { i128::from(item.qty) },
            amount_minor: total.map(|total| total.amount_minor),
            currency: total.map(|total| total.currency.to_string()),
            ..line(kind, reservation)
        })
        .collect()
}

enum Writer<W: Write> {
    Csv { to: Box<csv::Writer<W>>, raw: bool },
    Jsonl(W),
}

/// The byte order mark in UTF-8.
const BOM: &[u8] = b"\xef\xbb\xbf";

impl<W: Write> Writer<W> {
    fn new(args: &ExportArgs, mut to: W) -> io::Result<Self> {
        Ok(match args.format {
            Format::Csv => {
                if args.bom {
                    to.write_all(BOM)?;
                }
                Self::Csv { to: Box::new(csv::Writer::from_writer(to)), raw: args.raw }
            }
            Format::Jsonl => Self::Jsonl(to),
        })
    }

    fn row(&mut self, mut row: SaleRow<'_>) -> io::Result<()> {
        match self {
            Self::Csv { to, raw } => {
                if !*raw {
                    row.neutralise();
                }
                to.serialize(row).map_err(io::Error::from)
            }
            Self::Jsonl(to) => {
                serde_json::to_writer(&mut *to, &row)?;
                to.write_all(b"\n")
            }
        }
    }

    fn finish(self) -> io::Result<W> {
        let mut to = match self {
            Self::Csv { mut to, .. } => {
                // Its error names the cause; that of the next call does not.
                to.flush()?;
                to.into_inner().map_err(|error| io::Error::other(error.to_string()))?
            }
            Self::Jsonl(to) => to,
        };
        to.flush()?;
        Ok(to)
    }
}

/// Why an export failed.
#[derive(Debug, Error)]
enum ExportError {
    /// The ledgers are wrong or cannot be read.
    #[error(transparent)]
    Source(#[from] VerifyError),
    /// The output cannot be written.
    #[error("the export cannot be written to {to}: {error}")]
    Output { to: String, error: io::Error },
}

/// Where the lines go.
const STDOUT: &str = "standard output";

impl ExportError {
    fn output(to: &str, error: io::Error) -> Self {
        Self::Output { to: to.to_owned(), error }
    }
}

/// Exports what `args` names, checking every record on the way; exits with 1 at the first
/// violation or when the output cannot be written, with 2 when the source cannot be read.
pub async fn run_export(args: &ExportArgs, settings: &VacancySettings) -> ExitCode {
    let place = match args.source.place(settings) {
        Ok(place) => place,
        Err(error) => return unusable_url(&error),
    };
    let exported = match &args.output {
        None => export(args, settings, &place, STDOUT, BufWriter::new(io::stdout()))
            .await
            .map(|(_, rows)| rows),
        Some(path) => export_to(args, settings, &place, path).await,
    };
    match exported {
        Ok(rows) => {
            print_message(&format_args!("exported {rows} lines from {place}"));
            ExitCode::SUCCESS
        }
        Err(ExportError::Source(error)) => failed(&place, &error),
        // The reader, such as `head`, has what it wanted.
        Err(ExportError::Output { error, .. }) if error.kind() == ErrorKind::BrokenPipe => {
            ExitCode::from(CLOSED_PIPE)
        }
        Err(error) => unwritable(&error),
    }
}

/// Writes to a file beside `path`, and moves it there when it is complete.
async fn export_to(
    args: &ExportArgs,
    settings: &VacancySettings,
    place: &LedgerLocation,
    path: &Path,
) -> Result<u64, ExportError> {
    let to = path.display().to_string();
    let output = |error| ExportError::output(&to, error);
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    let file = File::create(&part).map_err(output)?;
    let written = match export(args, settings, place, &to, BufWriter::new(file)).await {
        Ok((writer, rows)) => writer
            .into_inner()
            .map_err(io::IntoInnerError::into_error)
            .and_then(|file| file.sync_all())
            .and_then(|()| fs::rename(&part, path))
            .map(|()| rows)
            .map_err(output),
        Err(error) => Err(error),
    };
    written.inspect_err(|_| drop(fs::remove_file(&part)))
}

async fn export<W: Write>(
    args: &ExportArgs,
    settings: &VacancySettings,
    place: &LedgerLocation,
    to: &str,
    writer: W,
) -> Result<(W, u64), ExportError> {
    let options = args.source.options(settings);
    let mut feed: Box<dyn Feed> = match place {
        LedgerLocation::DataDir(dir) => Box::new(ReadOnlyStore::open(dir, &options)?.into_feed()),
        LedgerLocation::Backup(dir) => Box::new(BackupFeed::open(dir).map_err(VerifyError::from)?),
        LedgerLocation::Database(database) => {
            Box::new(DatabaseFeed::open(database).await.map_err(VerifyError::from)?)
        }
        LedgerLocation::Url(url) => Box::new(
            HttpFeed::open(url, settings.tokens.admin.current().as_deref(), args.event.as_ref())
                .await
                .map_err(VerifyError::from)?,
        ),
    };
    let mut auditor = Auditor::new(&options);
    let output = |error| ExportError::output(to, error);
    let (mut writer, mut count) = (Writer::new(args, writer).map_err(output)?, 0);
    let mut unwritten = None;
    let each = |_: &Auditor, audited: &Audited| {
        if args.event.as_ref().is_none_or(|only| *only == audited.record.event) {
            for row in rows(audited) {
                if let Err(error) = writer.row(row) {
                    unwritten = Some(error);
                    return Err(VerifyError::Scratch("the output cannot be written".to_owned()));
                }
                count += 1;
            }
        }
        Ok(())
    };
    let audited = audit(&mut *feed, &mut auditor, each, show()).await;
    if let Some(error) = unwritten {
        return Err(output(error));
    }
    audited?;
    auditor.finish()?;
    Ok((writer.finish().map_err(output)?, count))
}
