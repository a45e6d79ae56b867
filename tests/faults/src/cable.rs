//! A cable between two network namespaces. Its ends are TUN devices, so that every packet passes
//! through this process, which loses, delays, doubles and reorders them, or cuts the cable. (The
//! kernel's own `netem` does the same, and is not in every kernel.)

use std::{
    io,
    process::Command,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use rand::{RngExt, SeedableRng, rngs::StdRng};
use tokio_tun::Tun;

const PACKET_MAX: usize = 65_536;

/// What happens to packets.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Weather {
    /// Part of them that is lost.
    pub loss: f64,
    /// Part that comes twice.
    pub twice: f64,
    /// Part that comes up to 50 ms later than those behind it.
    pub late: f64,
    /// The longest delay of each, and half of that the shortest, milliseconds.
    pub delay_ms: u64,
    /// Nothing goes from the near end to the far one.
    pub cut_there: bool,
    /// Nothing comes back.
    pub cut_back: bool,
}

/// What happened to packets.
#[derive(Debug, Default)]
pub struct Packets {
    /// All.
    pub all: AtomicU64,
    /// Lost, or cut off.
    pub lost: AtomicU64,
    /// Delivered twice.
    pub twice: AtomicU64,
    /// Overtaken by others.
    pub late: AtomicU64,
}

/// Two namespaces, `near` and `far`, that reach each other over the cable, and this process each of
/// them on a way of its own.
pub struct Cable {
    near: String,
    far: String,
    weather: Arc<Mutex<Weather>>,
    /// What happened to packets.
    pub packets: Arc<Packets>,
    tasks: Vec<tokio::task::JoinHandle<io::Result<()>>>,
}

impl Cable {
    /// Of the near end, as the far one sees it.
    pub const NEAR: &str = "198.18.0.1";
    /// Of the far end, as the near one sees it.
    pub const FAR: &str = "198.18.0.2";
    /// Of the near namespace, as this process sees it.
    pub const NEAR_FROM_HERE: &str = "198.18.1.2";
    /// Of the far namespace, as this process sees it.
    pub const FAR_FROM_HERE: &str = "198.18.2.2";

    /// Lays it; what happens to which packet follows from `seed`.
    ///
    /// # Panics
    /// When namespaces or devices cannot be made.
    pub async fn lay(seed: u64) -> Self {
        let pid = std::process::id();
        let (near, far) = (format!("near-{pid}"), format!("far-{pid}"));
        let mut ends = Vec::new();
        for (number, (name, own, other)) in
            [(&near, Self::NEAR, Self::FAR), (&far, Self::FAR, Self::NEAR)].into_iter().enumerate()
        {
            ip(&format!("netns add {name}"));
            ip(&format!("-n {name} link set lo up"));
            // The cable's end.
            let device = format!("cable{number}-{pid}");
            let tun = Tun::builder()
                .name(&device)
                .build()
                .expect("a TUN device cannot be made: these tests need /dev/net/tun");
            ip(&format!("link set {device} netns {name}"));
            ip(&format!("-n {name} addr add {own} peer {other} dev {device}"));
            ip(&format!("-n {name} link set {device} up"));
            ends.extend(tun);
            // This process's own way to the namespace, on which nothing happens.
            let (here, there, net) =
                (format!("way{number}-{pid}"), format!("in{number}-{pid}"), number + 1);
            ip(&format!("link add {here} type veth peer name {there} netns {name}"));
            ip(&format!("addr add 198.18.{net}.1/30 dev {here}"));
            ip(&format!("link set {here} up"));
            ip(&format!("-n {name} addr add 198.18.{net}.2/30 dev {there}"));
            ip(&format!("-n {name} link set {there} up"));
        }
        let (weather, packets) =
            (Arc::new(Mutex::new(Weather::default())), Arc::new(Packets::default()));
        let [one, other] =
            <[Tun; 2]>::try_from(ends).ok().expect("a cable has two ends").map(Arc::new);
        let carry = |from: &Arc<Tun>, to: &Arc<Tun>, there: bool| {
            let rng = StdRng::seed_from_u64(seed.wrapping_mul(2) + u64::from(there));
            tokio::spawn(carry(
                from.clone(),
                to.clone(),
                there,
                weather.clone(),
                packets.clone(),
                rng,
            ))
        };
        let tasks = vec![carry(&one, &other, true), carry(&other, &one, false)];
        Self { near, far, weather, packets, tasks }
    }

    /// What has to stand before a command for it to run at the near end.
    #[must_use]
    pub fn at_near(&self) -> [&str; 4] {
        ["ip", "netns", "exec", &self.near]
    }

    /// And at the far end.
    #[must_use]
    pub fn at_far(&self) -> [&str; 4] {
        ["ip", "netns", "exec", &self.far]
    }

    /// From now on packets fare like this.
    pub fn set(&self, weather: Weather) {
        *locked(&self.weather) = weather;
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        self.tasks.iter().for_each(tokio::task::JoinHandle::abort);
        for name in [&self.near, &self.far] {
            let _ = Command::new("ip").args(["netns", "del", name]).status();
        }
    }
}

fn ip(arguments: &str) {
    let output = Command::new("ip")
        .args(arguments.split(' '))
        .output()
        .expect("ip is missing: install it, such as 'apt-get install iproute2'");
    assert!(output.status.success(), "ip {arguments}: {}", String::from_utf8_lossy(&output.stderr));
}

fn locked(weather: &Mutex<Weather>) -> MutexGuard<'_, Weather> {
    weather.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn carry(
    from: Arc<Tun>,
    to: Arc<Tun>,
    there: bool,
    weather: Arc<Mutex<Weather>>,
    packets: Arc<Packets>,
    mut rng: StdRng,
) -> io::Result<()> {
    let mut packet = vec![0; PACKET_MAX];
    loop {
        let len = from.recv(&mut packet).await?;
        let now = *locked(&weather);
        packets.all.fetch_add(1, Ordering::Relaxed);
        if (if there { now.cut_there } else { now.cut_back }) || rng.random_bool(now.loss) {
            packets.lost.fetch_add(1, Ordering::Relaxed);
            continue;
        }
        let mut delay_ms =
            if now.delay_ms > 0 { rng.random_range(now.delay_ms / 2..=now.delay_ms) } else { 0 };
        if rng.random_bool(now.late) {
            packets.late.fetch_add(1, Ordering::Relaxed);
            delay_ms += rng.random_range(1..50);
        }
        let copies = if rng.random_bool(now.twice) { 2 } else { 1 };
        packets.twice.fetch_add(copies - 1, Ordering::Relaxed);
        if delay_ms == 0 {
            for _ in 0..copies {
                to.send(&packet[..len]).await?;
            }
            continue;
        }
        let (to, packet) = (to.clone(), packet[..len].to_vec());
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(delay_ms)).await;
            for _ in 0..copies {
                let _ = to.send(&packet).await;
            }
        });
    }
}
