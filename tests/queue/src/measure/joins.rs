//! Joins a second, beside durable reservations a second.

use std::{
    io,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use rand::{SeedableRng, rngs::StdRng};
use tokio::task::JoinSet;

use super::{
    args::MeasureArgs,
    connection::{Connection, address_of, post},
    room::{EVENT, put_event},
};
use crate::{error::Error, http::Http, report::Report, system::System, target::Target};

/// Tickets, which are not to run out.
const STOCK: &str = "1000000000";
/// Joins per reservation, at least.
const GOAL: f64 = 0.6;

/// Where to, and what to send; each request has a key of its own when `is_keyed`.
struct Load {
    name: &'static str,
    address: SocketAddr,
    path: String,
    body: &'static str,
    is_keyed: bool,
}

pub async fn measure(args: &MeasureArgs, report: &mut Report) -> Result<(), Error> {
    for target in [Target::Monolith, Target::Services] {
        let folder = args.places.folder()?;
        let env = [
            ("INITIAL_STOCK", STOCK),
            ("MAX_CAPACITY", STOCK),
            ("MAX_LIVE_HOLDS", "100000000"),
            ("QUEUE_PLACES_MAX", "100000000"),
        ];
        let mut random = StdRng::seed_from_u64(1);
        let mut system =
            System::start(target, &args.places, folder.path(), &mut random, &env).await?;
        put_event(&Http::new(&system.admin)?).await?;
        report.figure(
            "==",
            format_args!(
                "{target:?}: {} connections, {} s a round",
                args.connections, args.seconds
            ),
        );
        let loads = loads(target, &system)?;
        let mut rates = vec![Vec::new(); loads.len()];
        for round in 0..=args.rounds {
            for (load, rates) in loads.iter().zip(&mut rates) {
                let rate = rate(load, args, round).await?;
                // The first round warms up.
                if round > 0 {
                    rates.push(rate);
                }
            }
        }
        for (load, rates) in loads.iter().zip(&rates) {
            let each: Vec<_> = rates.iter().map(|rate| format!("{rate:.0}")).collect();
            report.figure(load.name, format_args!("{:.0}/s ({})", median(rates), each.join(", ")));
        }
        let ratio = median(&rates[0]) / median(&rates[1]);
        let what = format!("joins per reservation, {target:?} (goal {GOAL})");
        match target {
            Target::Monolith => report.check(&what, ratio >= GOAL, format_args!("{ratio:.2}")),
            Target::Services => report.figure(&what, format_args!("{ratio:.2}")),
        }
        report.none("complaints in logs", &system.stop().await?);
    }
    Ok(())
}

/// Joins first, then what they are compared with.
fn loads(target: Target, system: &System) -> io::Result<Vec<Load>> {
    let (public, admin) = (address_of(&system.public)?, address_of(&system.admin)?);
    let join = format!("/api/v1/events/{EVENT}/queue");
    let load = |name, address, path: &str, is_keyed| Load {
        name,
        address,
        path: path.to_owned(),
        body: if path == join { "" } else { r#"{"qty": 1}"# },
        is_keyed,
    };
    let mut loads = vec![
        load("joins", public, &join, true),
        load("durable reservations", admin, "/api/v1/reserve", false),
        load("durable reservations with keys", admin, "/api/v1/reserve", true),
    ];
    if target == Target::Services {
        loads.push(load("durable purchases through ticket", public, "/api/v1/purchase", false));
    }
    Ok(loads)
}

/// Requests a second; a response that is no success ends the measurement.
async fn rate(load: &Load, args: &MeasureArgs, round: u32) -> Result<f64, Error> {
    let since = Instant::now();
    let until = since + Duration::from_secs_f64(args.seconds);
    let (path, body): (Arc<str>, _) = (load.path.as_str().into(), load.body);
    let (address, is_keyed) = (load.address, load.is_keyed);
    let mut connections = JoinSet::new();
    for number in 0..args.connections {
        let path = path.clone();
        connections.spawn(async move {
            let mut connection = Connection::open(address).await?;
            let mut done = 0_u64;
            while Instant::now() < until {
                let key =
                    if is_keyed { format!("k-{round}-{number}-{done}") } else { String::new() };
                match connection.ask(&post(&path, &key, body)).await? {
                    200..300 => done += 1,
                    status => return Err(io::Error::other(format!("{path}: status {status}"))),
                }
            }
            Ok(done)
        });
    }
    let mut done = 0;
    while let Some(ended) = connections.join_next().await {
        done += ended.map_err(io::Error::other)??;
    }
    Ok(done as f64 / since.elapsed().as_secs_f64())
}

fn median(rates: &[f64]) -> f64 {
    let mut sorted = rates.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}
