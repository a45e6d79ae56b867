//! `verify`: auditing ledgers.

use std::process::ExitCode;

use inventory_audit::verify::{
    Auditor, Report, VerifyError, VerifyOptions, audit, verify_backup, verify_data_dir,
    verify_database,
};
use telemetry::console::print_message;
use vacancy_service::VacancySettings;

use super::{
    exit::{failed, unusable_url},
    http::HttpFeed,
    source::{LedgerLocation, SourceArgs},
};
use crate::progress::show;

/// Verifies what `args` names and tells on standard error; exits with 1 at the first violation,
/// with 2 when it cannot be told.
pub async fn run_verify(args: &SourceArgs, settings: &VacancySettings) -> ExitCode {
    let options = args.options(settings);
    let place = match args.place(settings) {
        Ok(place) => place,
        Err(error) => return unusable_url(&error),
    };
    let verified = match &place {
        LedgerLocation::DataDir(dir) => verify_data_dir(dir, &options, show()).await,
        LedgerLocation::Backup(dir) => verify_backup(dir, &options, show()).await,
        LedgerLocation::Database(database) => verify_database(database, &options, show()).await,
        LedgerLocation::Url(url) => verify_service(url, settings, &options).await,
    };
    match verified {
        Ok(report) => {
            print_message(&format_args!("{place} OK: {}", summary(&report)));
            ExitCode::SUCCESS
        }
        Err(error) => failed(&place, &error),
    }
}

async fn verify_service(
    url: &str,
    settings: &VacancySettings,
    options: &VerifyOptions,
) -> Result<Report, VerifyError> {
    let mut feed = HttpFeed::open(url, settings.tokens.admin.current().as_deref(), None).await?;
    let views = feed.views();
    let mut auditor = Auditor::new(options);
    audit(&mut feed, &mut auditor, |auditor, _| views.check(auditor), show()).await?;
    let ledgers = auditor.finish()?;
    views.check_seen(ledgers.events())?;
    Ok(Report { rows: views.rows(), ..ledgers.report().clone() })
}

fn summary(report: &Report) -> String {
    let Report {
        records,
        events,
        holds,
        places,
        keyed,
        live_holds,
        sold,
        keys_forgotten_early,
        rows,
    } = report;
    let places = match places {
        0 => String::new(),
        places => format!(" {places} places in waiting rooms,"),
    };
    let forgotten = match keys_forgotten_early {
        0 => String::new(),
        early => format!(
            "; {early} keys were reused before they expired (IDEMPOTENCY_KEYS_MAX exceeded)"
        ),
    };
    format!(
        "{records} records of {events} events, {holds} holds and sales ({live_holds} held now), {sold} tickets sold,{places} {keyed} effects of keys; \
         {rows} stored counts and rows agree{forgotten}"
    )
}
