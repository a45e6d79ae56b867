//! Disks that fail, are full, or return damaged bytes.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use fault_tests::{Tracer, require};
use inventory_audit::verify::{VerifyOptions, verify_data_dir};
use inventory_embedded::{EmbeddedOptions, EmbeddedStore};
use inventory_store::{OwnedStore, Store};
use system_tests::Process;

use crate::support::{Buyers, every};

#[tokio::test(flavor = "multi_thread")]
async fn failed_write_or_sync_ends_the_process_unacknowledged() {
    require("strace", "strace");
    let mut ended = 0;
    for (call, error) in [
        ("fdatasync", "EIO"),
        ("fdatasync", "ENOSPC"),
        ("write", "EIO"),
        ("write", "ENOSPC"),
        ("pwrite64", "EIO"),
    ] {
        // Once, and permanently.
        for when in ["3", "3+", "17"] {
            let home = tempfile::tempdir().unwrap();
            let data = home.path().join("data");
            let vacancy = Process::vacancy(&data, &[("INITIAL_STOCK", "1000000")]).await;
            let fault = format!("inject={call}:error={error}:when={when}");
            // Only on the files of the store: the process also writes to sockets and its log.
            let store: Vec<_> = files(&data, &data.join("db"))
                .into_iter()
                .map(|file| data.join(file.path))
                .collect();
            let mut strace = vec!["-e", &fault];
            for path in &store {
                strace.extend(["-P", path.to_str().unwrap()]);
            }
            let tracer = Tracer::attach(vacancy.pid(), &home.path().join("trace"), &strace).await;
            let buyers = Buyers::default();
            buyers.rush(&vacancy.client(), "/api/v1/reserve", 4, 100).await;
            let code = vacancy.ended().await;
            tracer.ended().await;
            assert!(
                code.is_some_and(|code| code != 0),
                "{call} {error} at {when}: it went on, or ended with success: {code:?}"
            );
            let (checked, _) = buyers.check_data_dir(&data).await;
            assert!(
                checked.unknown > 0 && checked.acknowledged > 0,
                "{call} {error} at {when}: {checked:?}"
            );
            ended += 1;
        }
    }
    println!(
        "{ended} failed writes and syncs, once and from then on: no acknowledgement, the process ended each time"
    );
}

/// A small file system; unmounted when dropped.
struct Small(tempfile::TempDir);

impl Small {
    fn mount(size: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"])
            .arg(dir.path())
            .status();
        assert!(
            mounted.unwrap().success(),
            "a tmpfs cannot be mounted: these tests need CAP_SYS_ADMIN"
        );
        Self(dir)
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn full_disk_acknowledges_nothing_until_there_is_room() {
    require("mount", "mount");
    let small = Small::mount("100m");
    let data = small.0.path().join("data");
    let vacancy = Process::vacancy(&data, &[("INITIAL_STOCK", "1000000")]).await;
    let buyers = Buyers::default();
    buyers.rush(&vacancy.client(), "/api/v1/reserve", 4, 50).await;
    // Fill the disk, so that not even sparse pages of the journal can be written.
    let filler = small.0.path().join("filler");
    let _ = Command::new("dd")
        .args(["if=/dev/zero", "bs=64k"])
        .arg(format!("of={}", filler.display()))
        .output();
    buyers.rush(&vacancy.client(), "/api/v1/reserve", 4, 20_000).await;
    let code = vacancy.ended().await;
    assert!(code.is_some_and(|code| code != 0), "{code:?}");
    fs::remove_file(filler).unwrap();
    let (checked, started_in) = buyers.check_data_dir(&data).await;
    assert!(checked.unknown > 0 && checked.acknowledged > 0);
    println!("full disk: {checked:?}; started again in {} ms", started_in.as_millis());
}

/// A file of a store: its path, its bytes up to the last one that is not zero, and its length.
/// Journals are mostly holes.
struct Kept {
    path: PathBuf,
    used: Vec<u8>,
    len: u64,
}

fn files(data: &Path, dir: &Path) -> Vec<Kept> {
    let mut all = Vec::new();
    for entry in fs::read_dir(dir).unwrap().flatten() {
        if entry.path().is_dir() {
            all.extend(files(data, &entry.path()));
        } else if entry.path().is_file() {
            let mut used = fs::read(entry.path()).unwrap();
            let len = used.len() as u64;
            used.truncate(used.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1));
            all.push(Kept { path: entry.path().strip_prefix(data).unwrap().to_owned(), used, len });
        }
    }
    all.sort_by(|one, other| one.path.cmp(&other.path));
    all
}

/// Writes the files in this process: a fork for `cp` would keep the locks of other stores.
fn write(all: &[Kept], dir: &Path) {
    for one in all {
        let path = dir.join(&one.path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &one.used).unwrap();
        fs::OpenOptions::new().write(true).open(path).unwrap().set_len(one.len).unwrap();
    }
}

/// Opens the store as a service would, on a thread of its own. Returns the newest sequence numbers,
/// or `None` when the store refuses to open.
fn reopened(data: &Path) -> Option<Vec<(inventory::EventName, u64)>> {
    let data = data.to_owned();
    let opened = std::thread::spawn(move || {
        let store = EmbeddedStore::open(data, &EmbeddedOptions::default()).ok()?;
        drop(store.reader());
        Some(store.views().into_iter().map(|view| (view.event.name, view.event.seq)).collect())
    });
    opened.join().ok().flatten()
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_files_are_recovered_or_refused() {
    const SALES: usize = 160;
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    let vacancy = Process::vacancy(&data, &[("INITIAL_STOCK", "1000000")]).await;
    let buyers = Buyers::default();
    buyers.rush(&vacancy.client(), "/api/v1/reserve", 4, SALES / 4).await;
    vacancy.kill().await;
    let whole = 1 + SALES as u64;
    let all = files(&data, &data);
    let (mut tried, mut refused, mut reported, mut unharmed) = (0, 0, 0, 0);
    let copy = home.path().join("copy");
    write(&all, &copy);
    let found =
        reopened(&copy).expect("a copy without damage opens, or a refusal would show nothing");
    assert_eq!(found.iter().map(|(_, seq)| *seq).sum::<u64>(), whole);
    fs::remove_dir_all(&copy).unwrap();
    // Beside the store lie only the files of its lock and its socket.
    for file in all.iter().filter(|file| file.path.starts_with("db")) {
        let places = (0..file.used.len()).step_by(every((file.used.len() / 5).max(1)));
        for (place, cut) in places.flat_map(|place| [(place, false), (place, true)]) {
            write(&all, &copy);
            let target = copy.join(&file.path);
            if cut {
                fs::OpenOptions::new()
                    .write(true)
                    .open(&target)
                    .unwrap()
                    .set_len(place as u64)
                    .unwrap();
            } else {
                let mut damaged = file.used.clone();
                damaged[place] ^= 1 << (place % 8);
                fs::write(&target, damaged).unwrap();
                fs::OpenOptions::new()
                    .write(true)
                    .open(&target)
                    .unwrap()
                    .set_len(file.len)
                    .unwrap();
            }
            tried += 1;
            match reopened(&copy) {
                None => refused += 1,
                Some(found) => {
                    let verified = verify_data_dir(&copy, &VerifyOptions::default(), |_| {}).await;
                    let is_whole = found.iter().map(|(_, seq)| *seq).sum::<u64>() == whole;
                    // All records are there, or verify reports the damage.
                    assert!(
                        is_whole || verified.is_err(),
                        "{} at {place}, cut {cut}: opened with {found:?}, silently",
                        file.path.display()
                    );
                    if verified.is_ok() { unharmed += 1 } else { reported += 1 }
                }
            }
            fs::remove_dir_all(&copy).unwrap();
        }
    }
    println!(
        "{tried} damages to files: {refused} refused at the start, {reported} opened and reported by verify, {unharmed} with every record"
    );
    assert!(tried > 20 && refused > 0 && unharmed > 0 && refused + reported + unharmed == tried);
}
