//! The least cost of a durable response: the same handlers, and one thread that appends a record
//! for each sale to a preallocated file, with one sync for all sales since the last one. Without an
//! engine, tables and keys: no safe ticket system costs less.

use std::{fs::File, io, os::unix::fs::FileExt, path::Path};

use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    routing::{get, post},
};
use tokio::sync::{mpsc, oneshot, watch};

use crate::wire::{Available, ReserveAnswer, ReserveBody};

/// The bytes of a sale's record and rows in the journal of the store.
const RECORD_BYTES: usize = 512;
const BATCH_MAX: usize = 1_024;
/// The file is a ring.
const FILE_BYTES: u64 = 64 << 20;

struct Job {
    qty: u64,
    answer: oneshot::Sender<(u64, u64)>,
}

#[derive(Clone)]
struct Shared {
    jobs: mpsc::UnboundedSender<Job>,
    left: watch::Receiver<u64>,
}

/// Handlers over a file in `dir`.
pub fn router(capacity: u64, dir: &Path) -> io::Result<Router> {
    let file = File::create(dir.join("sales"))?;
    for at in (0..FILE_BYTES).step_by(1 << 20) {
        file.write_all_at(&vec![0; 1 << 20], at)?;
    }
    file.sync_all()?;
    let (jobs, waiting) = mpsc::unbounded_channel();
    let (tell, left) = watch::channel(capacity);
    std::thread::Builder::new()
        .name("writer".into())
        .spawn(move || write(&file, waiting, &tell))?;
    let shared = Shared { jobs, left };
    let router = Router::new()
        .route("/api/v1/available", get(available))
        .route("/api/v1/reserve", post(reserve));
    Ok(router.route("/api/v1/purchase", post(reserve)).with_state(shared))
}

fn write(file: &File, mut waiting: mpsc::UnboundedReceiver<Job>, left: &watch::Sender<u64>) {
    let (mut jobs, mut seq, mut at) = (Vec::new(), 0, 0);
    while waiting.blocking_recv_many(&mut jobs, BATCH_MAX) > 0 {
        let records = vec![b'x'; jobs.len() * RECORD_BYTES];
        if at + records.len() as u64 > FILE_BYTES {
            at = 0;
        }
        if let Err(error) = file.write_all_at(&records, at).and_then(|()| file.sync_data()) {
            // The waiting handlers see the end of their senders.
            complain(&error);
            return;
        }
        at += records.len() as u64;
        for Job { qty, answer } in jobs.drain(..) {
            seq += 1;
            left.send_modify(|left| *left = left.saturating_sub(qty));
            // The client may have hung up.
            let _ = answer.send((*left.borrow(), seq));
        }
    }
}

#[allow(clippy::print_stderr)] // a bare program without a log
fn complain(error: &io::Error) {
    eprintln!("baseline: the file cannot be written: {error}");
}

async fn available(State(shared): State<Shared>) -> Json<Available> {
    let qty = *shared.left.borrow();
    Json(Available { qty })
}

async fn reserve(
    State(shared): State<Shared>,
    Json(body): Json<ReserveBody>,
) -> Result<Json<ReserveAnswer>, StatusCode> {
    let (answer, told) = oneshot::channel();
    let lost = StatusCode::SERVICE_UNAVAILABLE;
    shared.jobs.send(Job { qty: body.qty, answer }).map_err(|_| lost)?;
    let (remaining, seq) = told.await.map_err(|_| lost)?;
    let id = uuid::Builder::from_random_bytes(rand::random()).into_uuid();
    let message = format!("Reserved {} tickets", body.qty);
    Ok(Json(ReserveAnswer {
        success: true,
        remaining,
        message,
        reservation_id: Some(id.to_string()),
        seq,
    }))
}
