//! Transcripts of the session over a toy, a file for each topic.

mod append;
mod binary;
mod capabilities;
mod compress;
mod condstore;
mod convergence;
mod copy;
mod custody;
mod cuts;
mod fetch;
mod folders;
mod grammar;
mod hostile;
mod idle;
mod list;
mod login;
mod notify;
mod objectid;
mod preview;
mod qresync;
mod replace;
mod rev2;
mod search;
mod select;
mod session;
mod sort;
mod store;
mod thread;
mod toy;
mod utf8;
mod witness;

use super::*;
use crate::System;
use toy::{Client, Toy};

const PLAIN: &[u8] = b"From: a@x\r\nSubject: Uno\r\n\r\nciao\r\n";
const SECOND: &[u8] = b"From: b@y\r\nSubject: =?utf-8?Q?Perch=C3=A9?=\r\nDate: Tue, 3 Mar 2026 10:00:00 +0100\r\n\
Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\nUGVyY2jDqSBubw==\r\n";

fn two() -> Client {
    let mut toy = Toy::new();
    toy.deliver("INBOX", PLAIN);
    toy.deliver("INBOX", SECOND);
    Client::inside(toy)
}

fn selected() -> Client {
    let mut client = two();
    client.ask("s SELECT INBOX");
    client
}
