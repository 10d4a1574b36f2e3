//! Carrying: orders and journal between collector and installer, and jobs along.

use super::TurnError;
use crate::config::Settings;
use crate::installer::Installer;
use crate::link::Link;
use crate::state::StateError;
use patchward_common::id::MachineId;
use patchward_common::time::UtcMs;
use patchward_common::wire::local::Status;
use patchward_common::wire::machine::{HelloAnswer, ShortDigest};

/// What is carried.
pub(super) struct Carrier {}

impl Carrier {
    pub(super) fn new(_settings: &Settings) -> Result<Self, StateError> {
        Ok(Self {})
    }

    pub(super) fn orders(&self) -> ShortDigest {
        ShortDigest::default()
    }

    pub(super) async fn turn(
        &mut self,
        _link: &Link,
        _installer: &Installer,
        _machine: MachineId,
        _answer: &HelloAnswer,
        _now: UtcMs,
    ) -> Result<Option<u64>, TurnError> {
        Ok(None)
    }

    pub(super) async fn errands(
        &mut self,
        _link: &Link,
        _installer: &Installer,
        _now: UtcMs,
    ) -> Result<(), TurnError> {
        Ok(())
    }
}

impl super::Driver {
    pub(super) async fn journal(
        &mut self,
        _link: &Link,
        _status: Option<&Status>,
        _answer: &HelloAnswer,
    ) -> Result<(), TurnError> {
        Ok(())
    }
}
