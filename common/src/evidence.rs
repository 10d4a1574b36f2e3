//! Placeholder text follows with its issue stage.
