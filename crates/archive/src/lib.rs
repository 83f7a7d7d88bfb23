//! Mailboxes as files: mbox and Maildir++, read and written (MIG-01, MIG-10).
//!
//! Knows: where a message begins and ends in an mbox, what is quoted in it, and what the names of files and folders of a
//! Maildir++ say.
//! Must never know: files and folders of a disk, clocks, stores. Bytes come from a reader, names as text, times as
//! arguments.
//! Entry points: [`mbox::Reader`] and [`mbox::write`], [`maildir`], [`message`].
//! Sources: RFC 4155 (mbox; its appendix A does not quote, here `mboxrd` does), the Maildir++ description of Courier, the
//! keywords file of Dovecot.
//! Invariants:
//! - what is written to an mbox is read back to the byte, with its date and flags (`mbox::tests`);
//! - no bytes make the reader panic, and it holds no more than one message (`mbox::tests`);
//! - names of folders and flags come back from the names of files (`maildir::tests`).

pub mod maildir;
pub mod mbox;
pub mod message;
