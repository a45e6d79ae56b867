//! How the process uses memory.

/// Keeps the kernel from backing memory with pages of 2 MiB, of which an allocator with a heap for
/// each thread touches many a little: at rest that is three quarters of the heap. To be called
/// first of all. Where it is not possible, memory is larger, and that is all.
pub fn use_small_pages() {
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::disable_transparent_huge_pages(true);
}
