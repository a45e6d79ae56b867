//! What these tests need of the machine. Nothing is skipped: what is missing is an error that says
//! what to install.

/// Panics when something is missing.
///
/// # Panics
/// When not root, or when `tool` is not there.
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
    assert!(found, "{tool} is missing: install it, such as 'apt-get install {package}'");
}
