//! Every notice and envelope, one file per kind, and the delivery status notification of ordinary mail. All are pure: the
//! same arguments give the same bytes.
//!
//! `at` is the transaction's one time (RFC 6109 §4.1) and `message_id` the notice's own fresh identifier. The result
//! is a [`Draft`](crate::Draft) (of a notification, which nobody signs, a [`Dsn`]); drafts that carry an original refer to ranges of the `source` they were given.

mod acceptance;
mod anomaly_envelope;
mod brief;
mod delivery;
mod dsn;
mod frame;
mod non_acceptance;
mod non_acceptance_virus;
mod non_delivery;
mod non_delivery_virus;
mod overdue;
mod readable;
mod take_charge;
mod transport_envelope;
mod virus_detection;

#[cfg(test)]
mod tests;

pub use acceptance::acceptance;
pub use anomaly_envelope::anomaly_envelope;
pub use delivery::delivery;
pub use dsn::{Action, Dsn, Fate, Report, Returned, dsn};
pub use non_acceptance::non_acceptance;
pub use non_acceptance_virus::non_acceptance_virus;
pub use non_delivery::{NonDelivery, non_delivery};
pub use non_delivery_virus::non_delivery_virus;
pub use overdue::overdue;
pub use take_charge::take_charge;
pub use transport_envelope::transport_envelope;
pub use virus_detection::virus_detection;

pub use crate::deadline::Overdue;
