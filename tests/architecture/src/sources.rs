//! The sources of the repository: where they are, how long they are, how they begin.

use std::path::{Path, PathBuf};

/// Folders with sources, below the root of the repository.
const FOLDERS: [&str; 6] = ["crates", "services", "operator", "tests", "fuzz", "scripts"];
/// Lines a file may have without a reason.
pub const LINES_MAX: usize = 400;

/// The root of the repository.
#[must_use]
pub fn root() -> PathBuf {
    let this = Path::new(env!("CARGO_MANIFEST_DIR"));
    this.ancestors().nth(2).map_or_else(PathBuf::new, Path::to_path_buf)
}

/// A file with its path below the root and its text.
pub struct SourceFile {
    /// The path below the root.
    pub path: String,
    /// All of the file.
    pub text: String,
}

/// All Rust, Python, JavaScript and shell sources below the root, in the order of their paths.
///
/// # Errors
/// When a folder or file cannot be read.
pub fn all(root: &Path) -> std::io::Result<Vec<SourceFile>> {
    let mut files = Vec::new();
    for folder in FOLDERS {
        collect(root, &root.join(folder), &mut files)?;
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

fn collect(root: &Path, folder: &Path, into: &mut Vec<SourceFile>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let (path, name) = (entry.path(), entry.file_name());
        let name = name.to_string_lossy();
        let hidden = name.starts_with('.') || name == "target" || name == "node_modules";
        if entry.file_type()?.is_dir() {
            if !hidden {
                collect(root, &path, into)?;
            }
        } else if let Ok(text) = std::fs::read_to_string(&path)
            && is_source(&path, &text)
        {
            let path = path.strip_prefix(root).unwrap_or(&path).display().to_string();
            into.push(SourceFile { path, text });
        }
    }
    Ok(())
}

fn is_source(path: &Path, text: &str) -> bool {
    match path.extension().and_then(std::ffi::OsStr::to_str) {
        Some(extension) => ["rs", "py", "js", "sh"].contains(&extension),
        None => text.starts_with("#!"),
    }
}

/// Files over [`LINES_MAX`] that `reasons` does not list, and entries of `reasons` that are not
/// needed any more.
#[must_use]
pub fn too_long(files: &[SourceFile], reasons: &[(&str, &str)]) -> Vec<String> {
    let long = |file: &&SourceFile| file.text.lines().count() > LINES_MAX;
    let listed = |path: &str| reasons.iter().any(|(listed, _)| *listed == path);
    let unlisted = files.iter().filter(long).filter(|file| !listed(&file.path)).map(|file| {
        format!("{} has {} lines, over {LINES_MAX}", file.path, file.text.lines().count())
    });
    let stale = reasons
        .iter()
        .filter(|(path, _)| !files.iter().filter(long).any(|file| file.path == *path))
        .map(|(path, _)| format!("{path} is listed as long and is not: remove it from the list"));
    unlisted.chain(stale).collect()
}

/// Rust files outside the folders `left` that do not begin with a module doc, `//!`, and folders
/// of `left` in which all do.
#[must_use]
pub fn without_module_doc(files: &[SourceFile], left: &[&str]) -> Vec<String> {
    let starts = |file: &SourceFile| file.text.starts_with("//!");
    let missing: Vec<&str> = files
        .iter()
        .filter(|file| file.path.ends_with(".rs") && !starts(file))
        .map(|file| file.path.as_str())
        .collect();
    let stale = left
        .iter()
        .filter(|folder| !missing.iter().any(|path| path.starts_with(**folder)))
        .map(|folder| format!("every file in {folder} has a module doc: remove it from the list"));
    let undone = missing
        .iter()
        .filter(|path| !left.iter().any(|folder| path.starts_with(folder)))
        .map(|path| format!("{path} does not begin with a module doc, `//!`"));
    undone.chain(stale).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: impl Into<String>) -> SourceFile {
        SourceFile { path: path.to_owned(), text: text.into() }
    }

    #[test]
    fn long_file_is_found_unless_listed() {
        let files = [file("a.rs", "x\n".repeat(401)), file("b.rs", "x\n".repeat(400))];
        assert_eq!(too_long(&files, &[]), ["a.rs has 401 lines, over 400"]);
        assert!(too_long(&files, &[("a.rs", "a table")]).is_empty());
    }

    #[test]
    fn stale_entry_of_the_list_is_found() {
        let files = [file("a.rs", "x\n")];
        assert_eq!(too_long(&files, &[("a.rs", "a table"), ("gone.rs", "a table")]).len(), 2);
    }

    #[test]
    fn missing_module_doc_is_found() {
        let files = [file("a.rs", "//! Doc.\n"), file("b.rs", "// x\n"), file("c.py", "import os")];
        let found = without_module_doc(&files, &[]);
        assert_eq!(found, ["b.rs does not begin with a module doc, `//!`"]);
        assert!(without_module_doc(&files, &["b"]).is_empty());
        assert_eq!(without_module_doc(&files, &["b", "other/"]).len(), 1);
    }

    #[test]
    fn folders_of_builds_are_skipped() {
        let root = tempfile::tempdir().unwrap();
        for folder in FOLDERS {
            std::fs::create_dir_all(root.path().join(folder).join("target")).unwrap();
            std::fs::write(root.path().join(folder).join("target/a.rs"), "//!").unwrap();
        }
        std::fs::write(root.path().join("scripts/run"), "#!/bin/sh\n").unwrap();
        std::fs::write(root.path().join("scripts/notes"), "text\n").unwrap();
        let found: Vec<_> = all(root.path()).unwrap().into_iter().map(|file| file.path).collect();
        assert_eq!(found, ["scripts/run"]);
    }
}
