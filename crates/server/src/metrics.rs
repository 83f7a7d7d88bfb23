//! Figures for operators: every family of them is a line of the table below, and `docs/metrics.md` explains each.
//!
//! Counting is an addition to an atomic. What has to be looked up (queue, store, clock, certificates) is read from time
//! to time by [`sample`], never by who asks for the figures. Labels are words of closed lists, so that neither a peer
//! nor a user can make a series, and no address ever becomes one. Each provider has its own table: nothing is global.

mod family;
mod measured;
mod process;
mod sample;
#[cfg(test)]
mod tests;
mod web;
mod words;

use family::{Counter, Family, Histogram, Journeys, Level, Moments, Reading, show};
use sigillo_engine::Obstacle;
use sigillo_engine::meter::{
    HandOver, Limit, LoginResult, Medium, Nature, Part, Reception, Standing, Submission, Task, Telling, Way,
};
use sigillo_pec::Kind;

use crate::config::Role;
use crate::net::Full;
pub use family::Word;
pub use measured::{Measured, Signing};
pub use sample::sample;
pub use web::serve;
pub use words::{Attempt, Condition, ReportEnd};
use words::{ClockState, Purpose, Scan, Signature, StoreState, Version};

/// Declares the families: field, type, name, sentence.
macro_rules! families {
    ($($field:ident: $family:ty = $name:literal, $help:literal;)*) => {
        /// The figures of one provider.
        pub struct Metrics {
            $(#[doc = $help] pub $field: $family,)*
        }

        impl Default for Metrics {
            fn default() -> Self {
                Self { $($field: <$family>::new($name, $help),)* }
            }
        }

        impl Metrics {
            fn families(&self) -> Vec<&dyn Family> {
                vec![$(&self.$field),*]
            }
        }
    };
}

families! {
    // Connections
    sessions_open: Level<Role> = "sigillo_sessions_open", "Connections that are open.";
    sessions: Counter<Role> = "sigillo_sessions_accepted_total", "Connections that were let in.";
    sessions_refused: Counter<(Role, Full)> = "sigillo_sessions_refused_total", "Connections refused over a limit of connections.";
    work: Histogram<Task, Moments> = "sigillo_session_work_seconds", "From the end of what a client asks to the answer, waiting for a thread included.";
    logins: Counter<LoginResult> = "sigillo_logins_total", "Log-ins by SMTP, IMAP and POP3.";
    limits: Counter<Limit> = "sigillo_box_limits_hit_total", "Messages refused because a box was over its limit.";

    // Messages
    submissions: Counter<Submission> = "sigillo_submissions_total", "Messages that users handed to the access point, by the answer.";
    receptions: Counter<Reception> = "sigillo_receptions_total", "Messages that came to the incoming point, from others or from ourselves, by the answer.";
    judged: Counter<Nature> = "sigillo_messages_judged_total", "Messages that came to the incoming point, by what they were found to be.";
    came: Counter<Kind> = "sigillo_messages_received_total", "Certified messages taken at the incoming point, each once.";
    issued: Counter<Kind> = "sigillo_messages_issued_total", "Envelopes, receipts and notices signed and stored.";
    handed: Counter<(Way, HandOver)> = "sigillo_handover_recipients_total", "Recipients of hand-overs, by what became of them.";
    delivery: Histogram<(), Journeys> = "sigillo_delivery_seconds", "From taking charge of a message to its delivery or the notice that it cannot be.";
    confirmation: Histogram<(), Journeys> = "sigillo_confirmation_seconds", "From accepting a message to the receipt of its delivery, for each recipient.";

    // Relay
    attempts: Counter<(Way, Attempt)> = "sigillo_relay_attempts_total", "Attempts to hand a message over to another server.";
    attempts_open: Level<()> = "sigillo_relay_attempts_open", "Attempts under way.";
    tls_failures: Counter<Way> = "sigillo_relay_tls_failures_total", "Connections to other servers without the TLS that was wanted: not offered, or the handshake failed.";

    tls_reports: Counter<ReportEnd> = "sigillo_tls_reports_total", "Reports about TLS to domains that ask for them, each place of a domain by itself.";

    // Notices to people
    told: Counter<(Medium, Telling)> = "sigillo_notices_total", "Notices to people, each attempt by what became of it.";

    // Signatures, antivirus
    signatures: Counter<Signature> = "sigillo_signatures_total", "Signatures that were asked for.";
    signing: Histogram<(), Moments> = "sigillo_signature_seconds", "Time of a signature, its wait for a turn included.";
    signatures_pending: Level<()> = "sigillo_signatures_pending", "Signatures asked for and not made yet: under way or waiting for a turn.";
    scans: Counter<Scan> = "sigillo_antivirus_scans_total", "Scans, by verdict.";
    scanning: Histogram<(), Moments> = "sigillo_antivirus_scan_seconds", "Time of a scan, its wait for a turn included.";
    antivirus_up: Reading<()> = "sigillo_antivirus_up", "Whether the antivirus answers; absent without one.";

    // Queue
    queue_items: Reading<(Part, Standing)> = "sigillo_queue_items", "Items in the queue at the last whole count.";
    queue_oldest: Reading<(Part, Standing)> = "sigillo_queue_oldest_seconds", "Age of the oldest item at the last whole count; zero without one.";
    queue_late: Reading<()> = "sigillo_queue_late_seconds", "How long the item or deadline that is due first has been due.";

    // Store
    store_state: Reading<StoreState> = "sigillo_store_state", "Whether the store is in this state.";
    store_free: Reading<()> = "sigillo_store_free_bytes", "Bytes free on the disk of the store.";
    store_reserve: Reading<()> = "sigillo_store_reserve_bytes", "Bytes that must stay free for mail to be accepted.";
    store_free_inodes: Reading<()> = "sigillo_store_free_inodes", "Inodes free there; absent where they are not counted.";
    store_reserve_inodes: Reading<()> = "sigillo_store_reserve_inodes", "Inodes that must stay free.";
    store_commits: Reading<()> = "sigillo_store_commits_total", "Commits that wrote something.";
    store_refused: Reading<()> = "sigillo_store_refused_commits_total", "Commits that the disk or a stall refused.";
    store_background: Reading<()> = "sigillo_store_background_errors_total", "Flushes and compactions that failed.";
    store_stopped: Reading<()> = "sigillo_store_write_stopped", "Whether writes stand still until compactions catch up.";
    store_pending: Reading<()> = "sigillo_store_pending_compaction_bytes", "Bytes that compactions have still to work through.";
    store_tables: Reading<()> = "sigillo_store_table_bytes", "Bytes of tables.";
    store_blobs: Reading<()> = "sigillo_store_blob_bytes", "Bytes of blob files (bodies of messages).";
    store_garbage: Reading<()> = "sigillo_store_blob_garbage_bytes", "Bytes of blob files that nothing refers to any more.";
    store_buffers: Reading<()> = "sigillo_store_buffer_bytes", "Bytes in write buffers.";
    store_cache: Reading<()> = "sigillo_store_cache_bytes", "Bytes in the cache, buffers among them.";
    store_damaged: Reading<()> = "sigillo_store_damaged_rows", "Damaged rows passed over since the start.";

    // What the service stands on
    ready: Reading<()> = "sigillo_ready", "Whether mail is accepted: every condition holds.";
    conditions: Reading<Condition> = "sigillo_condition", "Whether this condition of accepting mail holds.";
    obstacles: Reading<Obstacle> = "sigillo_obstacle", "Whether this keeps mail from being accepted.";
    clock_offset: Reading<()> = "sigillo_clock_offset_seconds", "What must be added to the clock to get UTC; absent when it is not known.";
    clock_state: Reading<ClockState> = "sigillo_clock_state", "Whether the clock is in this state.";
    index_signed: Reading<()> = "sigillo_index_signed_timestamp_seconds", "When the provider index in use was signed.";
    index_stale: Reading<()> = "sigillo_index_stale", "Whether the provider index is older than index.stale_h allows.";
    index_failures: Reading<()> = "sigillo_index_failures", "Failures in a row to get a newer provider index.";
    crl_ends: Reading<()> = "sigillo_crl_next_update_timestamp_seconds", "When the first authority's revocation lists will all have expired.";
    certificate_ends: Reading<Purpose> = "sigillo_certificate_not_after_timestamp_seconds", "When a certificate of ours ends.";
    acme_failures: Reading<()> = "sigillo_acme_failures", "Failures in a row to renew the certificate of the doors by ACME; absent without [tls.acme].";
    log_waiting: Reading<()> = "sigillo_legal_log_waiting_seconds", "How long the oldest line of the legal log has been waiting for its place in the chain.";
    log_unstamped: Reading<()> = "sigillo_legal_log_unstamped_segments", "Closed segments of the legal log without a time stamp, sixteen and more as sixteen; absent without an authority.";

    // Process
    memory: Reading<()> = "process_resident_memory_bytes", "Memory in use.";
    cpu: Reading<()> = "process_cpu_seconds_total", "Processor time.";
    files: Reading<()> = "process_open_fds", "Open files, connections among them.";
    files_limit: Reading<()> = "process_max_fds", "How many may be open.";
    started: Reading<()> = "process_start_time_seconds", "When the service started.";
    version: Reading<Version> = "sigillo_build_info", "The version of the program; always 1.";
}

impl Metrics {
    /// Everything in the text format of Prometheus (version 0.0.4).
    pub fn text(&self) -> String {
        let mut out = String::with_capacity(64 * 1024);
        self.families().into_iter().for_each(|family| show(family, &mut out));
        out
    }

    /// The name, kind and sentence of every family, in order.
    pub fn catalogue(&self) -> Vec<(&'static str, &'static str, &'static str)> {
        let about = |family: &dyn Family| (family.about().name, family.kind(), family.about().help);
        self.families().into_iter().map(about).collect()
    }
}
