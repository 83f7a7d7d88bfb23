//! Sockets, TLS, DNS, configuration, the demo: what the program `sigillo` is made of besides the rules.
//!
//! Knows: tokio, files, processes, wall clocks; how one provider is wired together out of store, engine, listeners,
//! relay and administration.
//! Must never know: rules of any kind. What a message means, who may send it and what is signed is asked of the
//! engine.
//! Entry point: [`cli::main`]. RFCs: 5321 §5 (finding the host), 7505 (null MX), 7672 (DANE), 3207, 9457, 9110 (fetching), 3161 §3.4, 6186 and 8314 §5.1 (records for mail programs).
//! Invariants: service time never goes backwards (`clock::tests`); nothing is read while work is outstanding and a
//! panic closes only its own connection (`net::tests`); a configuration error names file, line, key and remedy
//! (`config::tests`); a static route goes before the DNS (`relay::route::tests`); no message is clean but by clamd's
//! exact word, in time (`antivirus::tests`); a right clock is never called off, and one found off stays so until it is
//! found right (`ntp::tests`); index and revocation lists give way only to what is signed, valid and newer
//! (`update::tests`); what is fetched is bounded in bytes and time (`fetch::tests`); no answer of rspamd is a verdict that
//! is not wholly one (`screening::rspamd::reply::tests`); every figure that is shown is documented, and every documented one
//! shown (`metrics::tests`); what `init` finds it never replaces, and what does not fit gets no place (`init::tests`).

mod acme;
mod allocator;
pub mod antivirus;
mod bell;
mod certificates;
pub mod cli;
pub mod clock;
mod complaint;
pub mod config;
mod demo;
pub mod dkim;
pub mod dns;
mod doctor;
pub mod fetch;
mod files;
mod gate;
mod ground;
mod herald;
mod host_port;
pub mod housekeeping;
mod http;
mod identity;
mod ids;
mod init;
mod journal;
mod ldap;
mod legal_log;
mod logging;
mod material;
pub mod metrics;
pub mod net;
mod ntp;
mod oidc;
mod out;
pub mod pkcs11;
mod provider;
mod published;
pub mod relay;
mod reports;
pub mod screening;
mod service;
mod signer;
mod sms;
mod spool;
mod store_check;
mod store_work;
mod systemd;
pub mod tls;
pub mod tls_reports;
pub mod trial;
pub mod tsa;
mod update;
mod worker;
