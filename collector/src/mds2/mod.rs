//! What vendors answer on the security of their devices (MDS2, ANSI/NEMA HN 1-2019), and
//! what follows from it: whether we may install, only bring, only report, or need the
//! vendor, for each class of components, with the question that says so.
//!
//! What is not answered counts as the strictest. Questions are named by their numbers;
//! the words beside them are ours.

pub mod age;
pub mod answer;
pub mod contradiction;
pub mod date;
pub mod file;
pub mod policy;
pub mod question;
pub mod support;
pub mod verdict;

pub use answer::{Answer, Answers, Given};
pub use policy::Policy;
pub use question::Class;
pub use support::{Bearing, with_support};
pub use verdict::Verdict;
