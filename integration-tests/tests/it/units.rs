//! The units as they are shipped: how much each may, whether systemd takes them, and
//! whether they agree with one another and with the settings; which systemd knows what they
//! say; and what the programs tell systemd.

mod agree;
mod analysed;
mod file;
mod since;
mod told;
