//! The page of a collector in this process, asked as browsers ask: who gets in, what each of its
//! forms refuses, what it draws, and what it hands out.

mod browsing;
mod edits;
mod every_form;
mod file_key;
mod foreseen;
mod pictures;
mod signing_in;
mod ways;
