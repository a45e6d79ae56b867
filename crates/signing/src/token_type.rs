//! What a token is for.

use std::fmt;

/// What a token is for: the member `typ` of its header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TokenType {
    /// A place in a queue: [`PlaceClaims`](crate::PlaceClaims).
    Place,
    /// A pass for a sale: [`PassClaims`](crate::PassClaims).
    Pass,
}

impl TokenType {
    /// All of them, in the order of their declaration.
    pub(crate) const ALL: [Self; 2] = [Self::Place, Self::Pass];

    /// The text in the header.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Place => "place",
            Self::Pass => "pass",
        }
    }
}

impl fmt::Display for TokenType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}
