//! The memory of streams, and the time until a frame has reached all of them.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use rand::{SeedableRng, rngs::StdRng};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::Semaphore,
    task::JoinSet,
    time::{Instant, sleep},
};

use super::{
    args::MeasureArgs,
    connection::address_of,
    room::{EVENT, put_event},
};
use crate::{
    error::Error,
    http::{Call, Http},
    report::Report,
    system::{Process, System},
    target::Target,
};

const BYTES_MAX: u64 = 16 * 1_024;
const MEMORY_MAX: u64 = 200 * 1_000_000;
const REACH_MAX: Duration = Duration::from_secs(1);
/// Connections that are being opened at once.
const OPENING: usize = 64;
const FRAMES: u64 = 6;
const WAIT_MAX: Duration = Duration::from_secs(20);

/// What all streams share.
struct Crowd {
    began: Instant,
    /// Places in the frame that is awaited.
    awaited: AtomicU64,
    /// Streams that have it.
    reached: AtomicUsize,
    /// When the last one got it, microseconds since `began`.
    last_us: AtomicU64,
    open: AtomicUsize,
}

pub async fn measure(args: &MeasureArgs, report: &mut Report) -> Result<(), Error> {
    let folder = args.places.folder()?;
    let max = (args.streams + 500).to_string();
    let env = [("MAX_STREAMS", max.as_str()), ("MAX_CONNECTIONS", &max)];
    let mut random = StdRng::seed_from_u64(1);
    let target = Target::Services;
    let mut system = System::start(target, &args.places, folder.path(), &mut random, &env).await?;
    put_event(&Http::new(&system.admin)?).await?;
    let people = Http::new(&system.public)?;
    report.figure("==", format_args!("{} streams of one waiting room", args.streams));
    // The first place, and connections for the joins.
    join(&people, 0).await?;
    let ticket = system.processes.iter().find(|process| process.name == "ticket");
    let id = ticket.and_then(Process::id).ok_or_else(|| io::Error::other("ended"))?;
    sleep(Duration::from_secs(1)).await;
    let before = memory(id)?;

    let crowd = Arc::new(Crowd {
        began: Instant::now(),
        awaited: AtomicU64::new(u64::MAX),
        reached: AtomicUsize::new(0),
        last_us: AtomicU64::new(0),
        open: AtomicUsize::new(0),
    });
    let (mut streams, opening) = (JoinSet::new(), Arc::new(Semaphore::new(OPENING)));
    let address = address_of(&system.public)?;
    for _ in 0..args.streams {
        let (crowd, opening) = (crowd.clone(), opening.clone());
        streams.spawn(async move { watch(address, &crowd, &opening).await });
    }
    let opened = until(|| crowd.open.load(SeqCst) == args.streams).await;
    let figure = format!("{} in {:.1?}", crowd.open.load(SeqCst), crowd.began.elapsed());
    report.check("streams open", opened, figure);
    sleep(Duration::from_secs(2)).await;
    let open = memory(id)?;
    let each = open.saturating_sub(before) / args.streams as u64;
    let figure = format!("{each} bytes (goal {BYTES_MAX})");
    report.check("memory of ticket per stream", each <= BYTES_MAX, figure);

    let mut times = Vec::new();
    for number in 1..=FRAMES {
        crowd.reached.store(0, SeqCst);
        crowd.awaited.store(number + 1, SeqCst);
        join(&people, number).await?;
        let since = crowd.began.elapsed();
        let reached = until(|| crowd.reached.load(SeqCst) >= args.streams).await;
        let last = Duration::from_micros(crowd.last_us.load(SeqCst));
        times.push(if reached { last.saturating_sub(since) } else { WAIT_MAX });
        sleep(Duration::from_millis(1_700)).await;
    }
    times.sort_unstable();
    let (median, slowest) = (times[times.len() / 2], times[times.len() - 1]);
    let figure = format!("{slowest:.0?}, median {median:.0?}, of {FRAMES} frames (goal 1 s)");
    report.check("from the join to the frame on the last stream", slowest <= REACH_MAX, figure);
    let all = memory(id)?;
    let figure = format!("{:.0} MB, {:.0} MB before (goal 200 MB)", mb(all), mb(before));
    report.check("memory of ticket with all streams", all < MEMORY_MAX, figure);
    streams.abort_all();
    report.none("complaints in logs", &system.stop().await?);
    Ok(())
}

async fn join(people: &Http, number: u64) -> Result<(), Error> {
    let call = Call::post(format!("/api/v1/events/{EVENT}/queue"));
    people.expect(201, &call.header("idempotency-key", &format!("place-{number}"))).await?;
    Ok(())
}

async fn until(is_so: impl Fn() -> bool) -> bool {
    let since = Instant::now();
    while since.elapsed() < WAIT_MAX {
        if is_so() {
            return true;
        }
        sleep(Duration::from_millis(5)).await;
    }
    false
}

/// Follows the waiting room until the connection ends.
async fn watch(address: SocketAddr, crowd: &Crowd, opening: &Semaphore) -> io::Result<()> {
    let slot = opening.acquire().await;
    let mut stream = TcpStream::connect(address).await?;
    let request =
        format!("GET /api/v1/events/{EVENT}/queue/stream HTTP/1.1\r\nhost: proof\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let (mut text, mut known) = (Vec::with_capacity(512), None);
    let mut slot = Some(slot);
    while stream.read_buf(&mut text).await? > 0 {
        let Some(end) = memchr::memmem::rfind(&text, b"\n\n") else { continue };
        let Some(waiting) = waiting(&text[..end]) else { continue };
        text.drain(..end + 2);
        if slot.take().is_some() {
            crowd.open.fetch_add(1, SeqCst);
        }
        let awaited = crowd.awaited.load(SeqCst);
        if waiting >= awaited && known != Some(awaited) {
            known = Some(awaited);
            let now_us = crowd.began.elapsed().as_micros() as u64;
            crowd.last_us.fetch_max(now_us, SeqCst);
            crowd.reached.fetch_add(1, SeqCst);
        }
    }
    Err(io::ErrorKind::UnexpectedEof.into())
}

/// The number in the last frame of `text`.
fn waiting(text: &[u8]) -> Option<u64> {
    const NAME: &[u8] = b"\"waiting\":";
    let at = memchr::memmem::rfind(text, NAME)? + NAME.len();
    let digits = text[at..].iter().take_while(|byte| byte.is_ascii_digit());
    Some(digits.fold(0, |number, digit| number * 10 + u64::from(digit - b'0')))
}

/// VmRSS, bytes.
fn memory(id: u32) -> io::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kb = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kb.map(|kb| kb * 1_024).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

fn mb(bytes: u64) -> f64 {
    bytes as f64 / 1_000_000.0
}
