//! Who may cause what: signed documents, what a machine keeps of them, vendors'
//! repositories, the watermark and the eleven checks.

pub mod approval;
pub mod assignment;
pub mod charter;
pub mod check;
pub mod custodian;
pub mod go;
pub mod origin;
pub mod papers;
pub mod placement;
pub mod release;
pub mod roster;
pub mod sign;
pub mod stones;
pub mod stop;
pub mod tuf_author;
pub mod vendor;
pub mod watermark;
