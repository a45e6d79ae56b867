//! `verify` and `export`: reading ledgers from wherever they are, without changing anything.

mod export;
mod http;
mod source;

use std::process::ExitCode;

pub use export::{ExportArgs, run_export};
pub use http::HttpFeed;
use inventory_audit::verify::{
    Auditor, Report, VerifyError, VerifyOptions, audit, verify_backup, verify_data_dir,
    verify_database,
};
use inventory_postgres::UrlError;
pub(crate) use source::options_for;
pub use source::{Place, SourceArgs};

use crate::{commands::show, settings::VacancySettings};

/// The ledgers are not whole.
const VIOLATED: u8 = 1;
/// It could not be found out.
const UNREADABLE: u8 = 2;

/// Verifies what `args` names and tells on standard error; exits with 1 at the first violation,
/// with 2 when it cannot be told.
pub async fn run_verify(args: &SourceArgs, settings: &VacancySettings) -> ExitCode {
    let options = args.options(settings);
    let place = match args.place(settings) {
        Ok(place) => place,
        Err(error) => return refuse(&error),
    };
    let verified = match &place {
        Place::DataDir(dir) => verify_data_dir(dir, &options, show()).await,
        Place::Backup(dir) => verify_backup(dir, &options, show()).await,
        Place::Database(database) => verify_database(database, &options, show()).await,
        Place::Url(url) => verify_service(url, settings, &options).await,
    };
    match verified {
        Ok(report) => {
            eprintln!("{place} is right: {}", summary(&report));
            ExitCode::SUCCESS
        }
        Err(error) => fail(&place, &error),
    }
}

async fn verify_service(
    url: &str,
    settings: &VacancySettings,
    options: &VerifyOptions,
) -> Result<Report, VerifyError> {
    let mut feed = HttpFeed::open(url, settings.admin_token.as_ref(), None).await?;
    let views = feed.views();
    let mut auditor = Auditor::new(options);
    audit(&mut feed, &mut auditor, |auditor, _| views.check(auditor), show()).await?;
    let ledgers = auditor.finish()?;
    views.check_seen(ledgers.events())?;
    Ok(Report { rows: views.rows(), ..ledgers.report().clone() })
}

fn summary(report: &Report) -> String {
    let Report { records, events, holds, keyed, live_holds, sold, keys_forgotten_early, rows } =
        report;
    let forgotten = match keys_forgotten_early {
        0 => String::new(),
        early => format!(
            "; {early} keys were used anew before their time, as there were more than are kept"
        ),
    };
    format!(
        "{records} records of {events} events, {holds} holds and sales ({live_holds} held now), {sold} tickets sold, {keyed} effects of keys; \
         {rows} stored counts and rows agree{forgotten}"
    )
}

fn refuse(error: &UrlError) -> ExitCode {
    eprintln!("--store-url: {error}");
    ExitCode::from(UNREADABLE)
}

fn fail(place: &Place, error: &VerifyError) -> ExitCode {
    eprintln!("{place}: {error}");
    ExitCode::from(if matches!(error, VerifyError::Violation(_)) { VIOLATED } else { UNREADABLE })
}
