//! Standard output and error for people. Who reads them may be gone: that ends no service.

use std::fmt::Display;
use std::io::{self, Write};

/// A line on standard output, pushed out at once.
pub fn say(text: impl Display) {
    let mut out = io::stdout().lock();
    drop(writeln!(out, "{text}").and_then(|()| out.flush()));
}

/// How far something is, on a line of standard error that whatever comes next replaces.
pub fn progress(percent: u8) {
    let mut error = io::stderr().lock();
    drop(write!(error, "\r{percent:3} %\r").and_then(|()| error.flush()));
}

/// A line on standard error, for who reads what is on standard output.
pub fn note(text: impl Display) {
    drop(writeln!(io::stderr().lock(), "{text}"));
}

/// A line on standard error, with the program's name before it.
pub fn complain(text: impl Display) {
    drop(writeln!(io::stderr().lock(), "sigillo: {text}"));
}
