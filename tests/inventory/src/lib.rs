//! Tests of the engine on every store; see `tests/it`.
