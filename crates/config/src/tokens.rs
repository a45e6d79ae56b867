//! Bearer tokens: several may be valid at once, and a file may change while the process runs.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

use arc_swap::ArcSwapOption;

use crate::{Secret, accept::Accept};

/// The fewest characters of a token.
const LEN_MIN: usize = 16;
/// The most tokens of one setting. Each costs every call two hashes.
const COUNT_MAX: usize = 16;
/// The longest file that is read, bytes.
const FILE_BYTES_MAX: u64 = 65_536;

/// One or more tokens, any of which is accepted.
#[derive(Clone, Debug)]
pub struct Tokens(Arc<[Secret]>);

impl Tokens {
    /// Reads tokens separated by commas. `None` unless there are 1 to 16 of them, each without
    /// spaces and of at least 16 characters.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        Self::of(entries.collect())
    }

    fn of(entries: Vec<&str>) -> Option<Self> {
        let is_token =
            |entry: &&str| entry.len() >= LEN_MIN && !entry.contains(char::is_whitespace);
        let accepted = (1..=COUNT_MAX).contains(&entries.len()) && entries.iter().all(is_token);
        accepted.then(|| Self(entries.into_iter().map(Secret::new).collect()))
    }

    /// Whether `candidate` is one of them. It compares with all of them, so that timing does not
    /// reveal which one it is.
    #[must_use]
    pub fn matches(&self, candidate: &[u8]) -> bool {
        self.0.iter().fold(false, |found, token| found | token.matches(candidate))
    }

    /// The first one, to send.
    #[must_use]
    pub fn first(&self) -> Option<&Secret> {
        self.0.first()
    }

    /// The number of tokens.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.len()
    }

    fn with(&self, others: &Self) -> Self {
        Self(self.0.iter().chain(others.0.iter()).cloned().collect())
    }

    fn is_same(&self, other: &Self) -> bool {
        self.0.len() == other.0.len()
            && self.0.iter().zip(other.0.iter()).all(|(one, two)| one.expose() == two.expose())
    }
}

/// A value parser of [`Tokens`].
#[must_use]
pub fn tokens() -> Accept<Tokens> {
    let words = "text without spaces, at least 16 characters; several are separated by commas";
    Accept::new(words, Tokens::parse)
}

/// The reason why a file has no tokens. It shows nothing of the content.
#[derive(Debug, thiserror::Error)]
pub enum TokenFileError {
    /// It cannot be read.
    #[error("{} cannot be read: {source}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// It has no token.
    #[error("{} is empty", .0.display())]
    Empty(PathBuf),
    /// Its content is something else.
    #[error(
        "the content of {} (hidden) is not accepted; expected tokens without spaces, at least 16 \
         characters each, separated by commas or line breaks",
        .0.display()
    )]
    Invalid(PathBuf),
}

/// What a reload found.
#[derive(Debug)]
pub enum Reload {
    /// The same as before, or there is no file.
    Unchanged,
    /// Other tokens, which are valid from now on.
    Changed {
        /// The number of tokens of the file.
        count: usize,
    },
    /// Nothing usable: the last tokens stay valid.
    Kept(TokenFileError),
}

/// The tokens that are valid at the moment; clones share them.
#[derive(Clone, Debug, Default)]
pub struct LiveTokens(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    fixed: Option<Tokens>,
    file: Option<PathBuf>,
    current: ArcSwapOption<Tokens>,
}

impl LiveTokens {
    /// Takes `fixed` tokens and those in `file`. All of them are valid.
    ///
    /// # Errors
    /// When the file has no tokens.
    pub fn new(fixed: Option<Tokens>, file: Option<PathBuf>) -> Result<Self, TokenFileError> {
        let read = file.as_deref().map(read_file).transpose()?;
        let current = ArcSwapOption::from_pointee(join(fixed.as_ref(), read.as_ref()));
        Ok(Self(Arc::new(Inner { fixed, file, current })))
    }

    /// The valid tokens, if any are configured.
    #[must_use]
    pub fn current(&self) -> Option<Arc<Tokens>> {
        self.0.current.load_full()
    }

    /// Whether they come from a file, which may change.
    #[must_use]
    pub fn has_file(&self) -> bool {
        self.0.file.is_some()
    }

    /// Reads the file again. It is opened by its path, so a symbolic link that leads elsewhere
    /// counts as a change.
    pub fn reload(&self) -> Reload {
        let Some(path) = &self.0.file else { return Reload::Unchanged };
        let read = match read_file(path) {
            Ok(read) => read,
            Err(error) => return Reload::Kept(error),
        };
        let count = read.count();
        let next = join(self.0.fixed.as_ref(), Some(&read));
        let is_same = match (self.current(), &next) {
            (Some(current), Some(next)) => current.is_same(next),
            (current, next) => current.is_none() && next.is_none(),
        };
        if is_same {
            return Reload::Unchanged;
        }
        self.0.current.store(next.map(Arc::new));
        Reload::Changed { count }
    }
}

fn join(fixed: Option<&Tokens>, read: Option<&Tokens>) -> Option<Tokens> {
    match (fixed, read) {
        (Some(fixed), Some(read)) => Some(fixed.with(read)),
        (one, other) => one.or(other).cloned(),
    }
}

fn read_file(path: &Path) -> Result<Tokens, TokenFileError> {
    let unreadable = |source| TokenFileError::Unreadable { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    let invalid = || TokenFileError::Invalid(path.to_owned());
    let text = String::from_utf8(bytes).map_err(|_| invalid())?;
    let entries: Vec<_> =
        text.split([',', '\n', '\r']).map(str::trim).filter(|entry| !entry.is_empty()).collect();
    if entries.is_empty() {
        return Err(TokenFileError::Empty(path.to_owned()));
    }
    Tokens::of(entries).ok_or_else(invalid)
}
