//! Providers at work on memory stores, without sockets: what each party holds in its hands after every turn that an
//! exchange of certified mail can take.

#![allow(clippy::expect_used, reason = "a test: what cannot be read is a failure")]

mod exchange {
    pub mod access;
    pub mod accesses;
    pub mod address_book;
    pub mod alerts;
    pub mod annotations;
    pub mod chain;
    pub mod check;
    pub mod credentials;
    pub mod crowd;
    pub mod deadlines;
    pub mod delivery;
    pub mod disk;
    pub mod doors;
    pub mod elsewhere;
    pub mod expiry;
    pub mod extensions;
    pub mod factors;
    pub mod faults;
    pub mod figures;
    pub mod filing;
    pub mod hashes;
    pub mod imap;
    pub mod keepers;
    pub mod life;
    pub mod lists;
    pub mod log;
    pub mod log_faults;
    pub mod log_segments;
    pub mod log_stamps;
    pub mod log_tampering;
    pub mod mailboxes;
    pub mod metadata;
    pub mod notices;
    pub mod notify;
    pub mod parts;
    pub mod passage;
    pub mod passwords;
    pub mod person_factors;
    pub mod policy;
    pub mod pop3;
    pub mod proofs;
    pub mod queue;
    pub mod queue_orders;
    pub mod rates;
    pub mod reception;
    pub mod recipients;
    pub mod resets;
    pub mod rights;
    pub mod rows;
    pub mod screening;
    pub mod search;
    pub mod smtp;
    pub mod sync;
    pub mod tenants;
    pub mod time;
    pub mod tls_results;
    pub mod track;
    pub mod upgrade;
    pub mod virus;
}
