//! A network of two namespaces whose packets this process drops, delays, duplicates and reorders.
//!
//! The ends are TUN devices, so every packet passes through this process. The kernel's own `netem`
//! does the same, but not every kernel has it.

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

/// What happens to packets from now on.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Impairment {
    /// Share of packets that is lost, 0 to 1.
    pub loss: f64,
    /// Share that is delivered twice.
    pub duplicate: f64,
    /// Share that is delivered up to 50 ms late, after later packets.
    pub reorder: f64,
    /// The longest delay, milliseconds; the shortest is half of it.
    pub delay_ms: u64,
    /// Every packet from the near end to the far end is lost.
    pub drop_forward: bool,
    /// Every packet from the far end to the near end is lost.
    pub drop_backward: bool,
}

/// Counts of packets.
#[derive(Debug, Default)]
pub struct Packets {
    /// All.
    pub all: AtomicU64,
    /// Lost.
    pub lost: AtomicU64,
    /// Delivered twice.
    pub duplicated: AtomicU64,
    /// Delivered after later packets.
    pub reordered: AtomicU64,
}

/// Two namespaces, `near` and `far`. They reach each other through this process; this process
/// reaches each of them over an unimpaired interface of its own.
pub struct Netem {
    near: String,
    far: String,
    impairment: Arc<Mutex<Impairment>>,
    /// Counts of packets.
    pub packets: Arc<Packets>,
    tasks: Vec<tokio::task::JoinHandle<io::Result<()>>>,
}

impl Netem {
    /// Address of the near end, for the far end.
    pub const NEAR: &str = "198.18.0.1";
    /// Address of the far end, for the near end.
    pub const FAR: &str = "198.18.0.2";
    /// Address of the near namespace, for this process.
    pub const NEAR_FROM_HERE: &str = "198.18.1.2";
    /// Address of the far namespace, for this process.
    pub const FAR_FROM_HERE: &str = "198.18.2.2";

    /// Creates the namespaces. `seed` decides what happens to each packet.
    ///
    /// # Panics
    /// When namespaces or devices cannot be made.
    pub async fn start(seed: u64) -> Self {
        let pid = std::process::id();
        let (near, far) = (format!("near-{pid}"), format!("far-{pid}"));
        let mut ends = Vec::new();
        for (number, (name, own, other)) in
            [(&near, Self::NEAR, Self::FAR), (&far, Self::FAR, Self::NEAR)].into_iter().enumerate()
        {
            ip(&format!("netns add {name}"));
            ip(&format!("-n {name} link set lo up"));
            let device = format!("tun{number}-{pid}");
            let tun = Tun::builder()
                .name(&device)
                .build()
                .expect("a TUN device cannot be made: these tests need /dev/net/tun");
            ip(&format!("link set {device} netns {name}"));
            ip(&format!("-n {name} addr add {own} peer {other} dev {device}"));
            ip(&format!("-n {name} link set {device} up"));
            ends.extend(tun);
            // The interface for this process, unimpaired.
            let (here, there, net) =
                (format!("out{number}-{pid}"), format!("in{number}-{pid}"), number + 1);
            ip(&format!("link add {here} type veth peer name {there} netns {name}"));
            ip(&format!("addr add 198.18.{net}.1/30 dev {here}"));
            ip(&format!("link set {here} up"));
            ip(&format!("-n {name} addr add 198.18.{net}.2/30 dev {there}"));
            ip(&format!("-n {name} link set {there} up"));
        }
        let (impairment, packets) =
            (Arc::new(Mutex::new(Impairment::default())), Arc::new(Packets::default()));
        let [one, other] =
            <[Tun; 2]>::try_from(ends).ok().expect("there are two ends").map(Arc::new);
        let carry = |from: &Arc<Tun>, to: &Arc<Tun>, forward: bool| {
            let rng = StdRng::seed_from_u64(seed.wrapping_mul(2) + u64::from(forward));
            tokio::spawn(carry(
                from.clone(),
                to.clone(),
                forward,
                impairment.clone(),
                packets.clone(),
                rng,
            ))
        };
        let tasks = vec![carry(&one, &other, true), carry(&other, &one, false)];
        Self { near, far, impairment, packets, tasks }
    }

    /// The prefix of a command that runs in the near namespace.
    #[must_use]
    pub fn at_near(&self) -> [&str; 4] {
        ["ip", "netns", "exec", &self.near]
    }

    /// The prefix of a command that runs in the far namespace.
    #[must_use]
    pub fn at_far(&self) -> [&str; 4] {
        ["ip", "netns", "exec", &self.far]
    }

    /// Applies `impairment` to packets from now on.
    pub fn set(&self, impairment: Impairment) {
        *locked(&self.impairment) = impairment;
    }
}

impl Drop for Netem {
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
        .expect("ip is missing: install it, for example with 'apt-get install iproute2'");
    assert!(output.status.success(), "ip {arguments}: {}", String::from_utf8_lossy(&output.stderr));
}

fn locked(impairment: &Mutex<Impairment>) -> MutexGuard<'_, Impairment> {
    impairment.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn carry(
    from: Arc<Tun>,
    to: Arc<Tun>,
    forward: bool,
    impairment: Arc<Mutex<Impairment>>,
    packets: Arc<Packets>,
    mut rng: StdRng,
) -> io::Result<()> {
    let mut packet = vec![0; PACKET_MAX];
    loop {
        let len = from.recv(&mut packet).await?;
        let now = *locked(&impairment);
        packets.all.fetch_add(1, Ordering::Relaxed);
        if (if forward { now.drop_forward } else { now.drop_backward }) || rng.random_bool(now.loss)
        {
            packets.lost.fetch_add(1, Ordering::Relaxed);
            continue;
        }
        let mut delay_ms =
            if now.delay_ms > 0 { rng.random_range(now.delay_ms / 2..=now.delay_ms) } else { 0 };
        if rng.random_bool(now.reorder) {
            packets.reordered.fetch_add(1, Ordering::Relaxed);
            delay_ms += rng.random_range(1..50);
        }
        let copies = if rng.random_bool(now.duplicate) { 2 } else { 1 };
        packets.duplicated.fetch_add(copies - 1, Ordering::Relaxed);
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
