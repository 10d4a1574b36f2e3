//! The agent: inventory, download, carrying documents and events. It never executes what
//! it downloaded.

pub mod apart;
pub mod cli;
pub mod config;
pub mod credentials;
pub mod device;
pub mod download;
pub mod driver;
pub mod enrol;
pub mod fingerprint;
pub mod heads;
pub mod installer;
pub mod inventory;
pub mod job;
pub mod link;
pub mod netlink;
pub mod outbox;
pub mod probe;
pub mod root;
pub mod state;
pub mod tls_key;
