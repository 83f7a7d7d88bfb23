//! What the tests of the whole share: fixed identities, a reader of evidence, a simulated world, a time-stamp authority.

#![allow(clippy::expect_used, reason = "support of tests: what cannot be made is a failure")]

pub mod clamd;
pub mod demo;
pub mod dovecot;
pub mod evidence;
pub mod figures;
pub mod fixtures;
pub mod hostile;
pub mod house;
pub mod knot;
pub mod log;
pub mod observed;
pub mod pebble;
pub mod postfix;
pub mod power;
pub mod rspamd;
pub mod siege;
pub mod slapd;
pub mod street;
pub mod tsa;
pub mod whole;
pub mod wire;
pub mod world;
