//! The build script of all three programs: the relocations of a static, position-independent binary
//! take half a megabyte unless they are packed, and musl unpacks them since 1.2.4.
#![allow(clippy::print_stdout)] // so a build script speaks to cargo

fn main() {
    if std::env::var("CARGO_CFG_TARGET_ENV").is_ok_and(|env| env == "musl") {
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
    // Nothing else it depends on.
    println!("cargo::rerun-if-env-changed=CARGO_CFG_TARGET_ENV");
}
