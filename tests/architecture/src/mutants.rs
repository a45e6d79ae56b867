//! The planted bugs of `tests/mutants`: every patch applies and is listed in `expectations`.

use std::{collections::BTreeSet, io, path::Path, process::Command};

/// Patches in `folder` that do not apply to the files below `root`, are not listed in
/// `expectations`, or are listed and missing.
///
/// # Errors
/// When the folder cannot be read or git is missing.
pub fn stale(root: &Path, folder: &Path) -> io::Result<Vec<String>> {
    let text = std::fs::read_to_string(folder.join("expectations"))?;
    let listed: BTreeSet<&str> = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    let mut found = Vec::new();
    for name in &listed {
        if !folder.join(format!("{name}.patch")).is_file() {
            found.push(format!("{name} is listed and has no patch"));
        }
    }
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let Some(name) = path.to_str().and_then(|path| path.strip_suffix(".patch")) else {
            continue;
        };
        let name = name.rsplit('/').next().unwrap_or(name);
        if !listed.contains(name) {
            found.push(format!("{name}.patch is not listed in expectations"));
        }
        let mut git = Command::new("git");
        let output = git.current_dir(root).args(["apply", "--check"]).arg(&path).output()?;
        if !output.status.success() {
            let reason = String::from_utf8_lossy(&output.stderr);
            found.push(format!("{name}.patch does not apply: {}", reason.trim_end()));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stale_unlisted_and_missing_patches_are_found() {
        let root = tempfile::tempdir().unwrap();
        let patch = |from: &str| {
            format!("A bug.\n\n--- a/a.rs\n+++ b/a.rs\n@@ -1 +1 @@\n-{from}\n+fn other() {{}}\n")
        };
        std::fs::write(root.path().join("a.rs"), "fn this() {}\n").unwrap();
        std::fs::write(root.path().join("good.patch"), patch("fn this() {}")).unwrap();
        std::fs::write(root.path().join("expectations"), "# name\ngood soak\n").unwrap();
        assert_eq!(stale(root.path(), root.path()).unwrap(), [""; 0]);
        std::fs::write(root.path().join("old.patch"), patch("fn gone() {}")).unwrap();
        std::fs::write(root.path().join("expectations"), "good soak\nlost soak\n").unwrap();
        let found = stale(root.path(), root.path()).unwrap();
        assert_eq!(found.len(), 3, "{found:?}");
    }
}
