//! What the tests of the whole share: fixed identities, a reader of evidence, a simulated world.

pub mod evidence;
pub mod fixtures;
pub mod house;
pub mod street;
pub mod world;
