//! Writes to children, as events, logs and metrics show them.

use crate::kind::Kind;

/// Most fields listed in one message.
const FIELDS_MAX: usize = 4;

/// One write to one child.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub kind: Kind,
    pub name: String,
    pub action: Action,
}

/// The kind of a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    Create,
    /// The desired state changed, by the spec, a Secret or a new operator; with the fields that
    /// differed.
    Update(Vec<String>),
    /// Another field manager changed fields of the operator; with the fields that were reset.
    CorrectDrift(Vec<String>),
    Prune,
}

impl Action {
    /// The label of metrics and the reason of events.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Create => "Created",
            Self::Update(_) => "Updated",
            Self::CorrectDrift(_) => "DriftCorrected",
            Self::Prune => "Pruned",
        }
    }
}

impl std::fmt::Display for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { kind, name, action } = self;
        write!(f, "{kind} {name}")?;
        let (Action::Update(fields) | Action::CorrectDrift(fields)) = action else { return Ok(()) };
        if fields.is_empty() {
            return Ok(());
        }
        let listed =
            fields.iter().take(FIELDS_MAX).map(String::as_str).collect::<Vec<_>>().join(", ");
        let more = fields.len().saturating_sub(FIELDS_MAX);
        if more == 0 { write!(f, " ({listed})") } else { write!(f, " ({listed} and {more} more)") }
    }
}
