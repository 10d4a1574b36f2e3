//! Attacks on the whole system: real processes, and a collector that misbehaves with the
//! real one's database and keys. In each of them an honest job works afterwards.

mod enrolment;
mod groups;
mod hours;
mod keys;
mod rollback;
mod scene;
mod software;
