use crate::kind::Kind;

/// Most fields named in one message.
const FIELDS_MAX: usize = 4;

/// One write to one child.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub kind: Kind,
    pub name: String,
    pub did: Did,
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Did {
    Create,
    /// The spec, a Secret or the operator asks for something else now; the fields that differed.
    Update(Vec<String>),
    /// Somebody changed what the operator owns; the fields put right.
    Correct(Vec<String>),
    Delete,
}

impl Did {
    /// A stable word for metrics and events.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Create => "Created",
            Self::Update(_) => "Updated",
            Self::Correct(_) => "DriftCorrected",
            Self::Delete => "Pruned",
        }
    }
}

impl std::fmt::Display for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { kind, name, did } = self;
        write!(f, "{kind} {name}")?;
        let (Did::Update(fields) | Did::Correct(fields)) = did else { return Ok(()) };
        if fields.is_empty() {
            return Ok(());
        }
        let shown =
            fields.iter().take(FIELDS_MAX).map(String::as_str).collect::<Vec<_>>().join(", ");
        let more = fields.len().saturating_sub(FIELDS_MAX);
        if more == 0 { write!(f, " ({shown})") } else { write!(f, " ({shown} and {more} more)") }
    }
}
