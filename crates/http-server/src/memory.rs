//! Memory use of the process.

/// Disables huge pages of 2 MiB for this process. An allocator with a heap for each thread touches
/// many of them a little: at rest they make three quarters of the heap. Call it before anything
/// else. Failure only costs memory.
pub fn use_small_pages() {
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::disable_transparent_huge_pages(true);
}
