//! The page of a collector in this process, asked as browsers ask: who gets in, what each of its
//! forms refuses, what it draws, and what it hands out. And its API, as programs ask it.

mod browsing;
mod edits;
mod every_call;
mod every_form;
mod file_key;
mod fitting;
mod foreign;
mod foreseen;
mod pictures;
mod programs;
mod signing_in;
mod strangers;
mod ways;
