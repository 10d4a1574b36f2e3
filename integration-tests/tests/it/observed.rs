//! What those who watch a collector rely on: rules of alerts, and lines of the log.

mod logs;
mod rules;
