//! The built program from the outside: real sockets, TLS, files and signals, mail clients that are not ours (curl,
//! swaks, msmtp, mbsync, Thunderbird, Python's smtplib, imaplib and IMAPClient), openssl and xmllint as judges. Needs `cargo build --bin sigillo`.

#![allow(clippy::expect_used, reason = "a test: what cannot be done is a failure")]

#[path = "e2e/acme.rs"]
mod acme;
#[path = "e2e/address_book.rs"]
mod address_book;
#[path = "e2e/administration.rs"]
mod administration;
#[path = "e2e/antivirus.rs"]
mod antivirus;
#[path = "e2e/api.rs"]
mod api;
#[path = "e2e/audit.rs"]
mod audit;
#[path = "e2e/backup.rs"]
mod backup;
#[path = "e2e/bad_input.rs"]
mod bad_input;
#[path = "e2e/both.rs"]
mod both;
#[path = "e2e/bulk.rs"]
mod bulk;
#[path = "e2e/certificates.rs"]
mod certificates;
#[path = "e2e/clients.rs"]
mod clients;
#[path = "e2e/clock.rs"]
mod clock;
#[path = "e2e/command.rs"]
mod command;
#[path = "e2e/deadlines.rs"]
mod deadlines;
#[path = "e2e/doctor.rs"]
mod doctor;
#[path = "e2e/doors.rs"]
mod doors;
#[path = "e2e/durable.rs"]
mod durable;
#[path = "e2e/extracts.rs"]
mod extracts;
#[path = "e2e/fetched.rs"]
mod fetched;
#[path = "e2e/full_disk.rs"]
mod full_disk;
#[path = "e2e/hashes.rs"]
mod hashes;
#[path = "e2e/imap.rs"]
mod imap;
#[path = "e2e/imapclient.rs"]
mod imapclient;
#[path = "e2e/inspect.rs"]
mod inspect;
#[path = "e2e/isolation.rs"]
mod isolation;
#[path = "e2e/isolation_mail.rs"]
mod isolation_mail;
#[path = "e2e/judges.rs"]
mod judges;
#[path = "e2e/kill9.rs"]
mod kill9;
#[path = "e2e/ldap.rs"]
mod ldap;
#[path = "e2e/log.rs"]
mod log;
#[path = "e2e/logins.rs"]
mod logins;
#[path = "e2e/manual.rs"]
mod manual;
#[path = "e2e/metrics.rs"]
mod metrics;
#[path = "e2e/notices.rs"]
mod notices;
#[path = "e2e/oidc.rs"]
mod oidc;
#[path = "e2e/once.rs"]
mod once;
#[path = "e2e/operations.rs"]
mod operations;
#[path = "e2e/operator.rs"]
mod operator;
#[path = "e2e/ordinary.rs"]
mod ordinary;
#[path = "e2e/package.rs"]
mod package;
#[path = "e2e/passwords.rs"]
mod passwords;
#[path = "e2e/person_factor.rs"]
mod person_factor;
#[path = "e2e/persons.rs"]
mod persons;
#[path = "e2e/pkcs11.rs"]
mod pkcs11;
#[path = "e2e/pop3.rs"]
mod pop3;
#[path = "e2e/postfix.rs"]
mod postfix;
#[path = "e2e/queue.rs"]
mod queue;
#[path = "e2e/rates.rs"]
mod rates;
#[path = "e2e/readers.rs"]
mod readers;
#[path = "e2e/refusals.rs"]
mod refusals;
#[path = "e2e/relay_dns.rs"]
mod relay_dns;
#[path = "e2e/relay_peers.rs"]
mod relay_peers;
#[path = "e2e/restart.rs"]
mod restart;
#[path = "e2e/rollover.rs"]
mod rollover;
#[path = "e2e/serve.rs"]
mod serve;
#[path = "e2e/slow_readers.rs"]
mod slow_readers;
#[path = "e2e/store.rs"]
mod store;
#[path = "e2e/systemd.rs"]
mod systemd;
#[path = "e2e/thunderbird.rs"]
mod thunderbird;
#[path = "e2e/tls_reports.rs"]
mod tls_reports;
#[path = "e2e/totp.rs"]
mod totp;
#[path = "e2e/transfer.rs"]
mod transfer;
#[path = "e2e/transfer_remote.rs"]
mod transfer_remote;
#[path = "e2e/transport.rs"]
mod transport;
#[path = "e2e/trial.rs"]
mod trial;
#[path = "e2e/virus.rs"]
mod virus;
