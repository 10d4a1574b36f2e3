//! Pictures that are drawn out of a thousand rows and more.

use super::Kept;
use crate::account::role::Reach;
use crate::app::App;
use crate::control::Failure;
use crate::snapshot::{By, Look};
use crate::web::page::drawn;
use std::sync::Arc;

/// A picture as SVG; none where there is nothing to draw.
pub type Svg = Option<String>;

impl Kept<Svg> {
    /// The slots of a plan's machines that lie within reach, as they are now or were a moment ago.
    ///
    /// # Errors
    /// Where there is no such plan, or it cannot be read.
    pub async fn slots(
        &self,
        app: &Arc<App>,
        look: Look,
        plan: &str,
        reach: Reach,
    ) -> Result<Arc<Svg>, Failure> {
        let (key, plan) = (format!("{plan} {reach:?}"), plan.to_owned());
        let draw = async move |app: Arc<App>| drawn::timeline(&app, &plan, &reach).await;
        self.get(&key, look, By(app.clone(), draw)).await
    }
}
