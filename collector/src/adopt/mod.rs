//! Adopting what vendors send by portal and disc: what a person states of it (`sheet`),
//! and what is checked of it (`checksum`, `openpgp`, `minisign`, `apt`). Nothing here reads
//! a clock or a file; the command `release adopt` does.

pub mod apt;
pub mod checksum;
pub mod minisign;
pub mod openpgp;
pub mod sheet;
