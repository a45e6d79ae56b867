//! Requirements on the machine. No test is skipped: a missing program is an error that names the
//! package.

/// Checks for root and for `tool`.
///
/// # Panics
/// When the process is not root, or `tool` is missing.
pub fn require(tool: &str, package: &str) {
    let id = std::process::Command::new("id").arg("-u").output().unwrap();
    assert_eq!(
        String::from_utf8_lossy(&id.stdout).trim(),
        "0",
        "these tests need root: they trace processes and mount file systems"
    );
    let found = std::process::Command::new("sh")
        .args(["-c", &format!("command -v {tool}")])
        .output()
        .unwrap()
        .status
        .success();
    assert!(found, "{tool} is missing: install it, for example with 'apt-get install {package}'");
}
