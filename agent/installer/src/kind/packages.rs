//! stub
use super::{Kind, Part, Site};
use patchward_common::trust::release::{Packages, ReleaseDescription};
pub(super) struct Set;
impl Set {
    pub(super) fn new(
        _: &Site<'_>,
        _: &Packages,
        _: &ReleaseDescription,
        _: Option<&ReleaseDescription>,
    ) -> Result<Self, String> {
        Err("packages are not built in yet".to_owned())
    }
}
impl Kind for Set {
    fn version(&self) -> Result<String, String> {
        Err(String::new())
    }
    fn simulate(&self) -> Result<(), String> {
        Ok(())
    }
    fn steps(&self) -> Vec<Part> {
        Vec::new()
    }
    fn back(&self, _: &str) -> Vec<Part> {
        Vec::new()
    }
}
