//! The antivirus: clamd of ClamAV behind the engine's port (pec rule 7; `clamd(8)`, "COMMANDS").
//!
//! One time limit holds for a whole scan: waiting for a turn, connecting, sending, clamd's work, its reply. Nothing is
//! clean but by clamd's exact `stream: OK`; whatever else happens is [`Unavailable`]. Calls block.

mod clean;
mod endpoint;
mod reply;
#[cfg(test)]
mod tests;
mod wire;

use std::io::{self, BufWriter, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use sigillo_engine::{Antivirus, Unavailable, Verdict};

use crate::gate::Gate;
use clean::Clean;
pub use endpoint::Endpoint;
use wire::Wire;

/// How much of a message goes in one piece of INSTREAM.
const PIECE: usize = 64 * 1024;

/// How long a sign of life may take, for those who only ask how it is.
const SIGN_OF_LIFE: Duration = Duration::from_secs(3);

/// A client of one clamd.
#[derive(Debug)]
pub struct Clamd {
    at: Endpoint,
    limit: Duration,
    gate: Arc<Gate>,
    clean: Mutex<Clean>,
}

impl Clamd {
    /// A client that scans `concurrency` messages at once (clamd's own limit is `MaxThreads`) and waits `limit` for a
    /// verdict. Nothing is connected yet.
    pub fn new(at: Endpoint, concurrency: usize, limit: Duration) -> Self {
        Self { at, limit, gate: Gate::new(concurrency), clean: Mutex::default() }
    }

    /// Where clamd is.
    pub fn endpoint(&self) -> &Endpoint {
        &self.at
    }

    /// A sign of life: name and version of clamd and of its signatures (`ClamAV 1.0.7/27500`). Blocks three seconds at
    /// the most. VERSION and not PING: the same answer proves as much and says more.
    ///
    /// # Errors
    /// [`Unavailable`] when it does not come.
    pub fn version(&self) -> Result<String, Unavailable> {
        let version = self.ask_version(Instant::now() + SIGN_OF_LIFE.min(self.limit))?;
        Ok(reply::engine(&version))
    }

    /// The whole of what it says about itself, with the date of its signatures where they are ClamAV's own:
    /// `ClamAV 1.0.7/27500/Sat Dec 14 09:43:26 2024`. Blocks as [`version`](Self::version) does.
    ///
    /// # Errors
    /// [`Unavailable`] when it does not come.
    pub fn full_version(&self) -> Result<String, Unavailable> {
        self.ask_version(Instant::now() + SIGN_OF_LIFE.min(self.limit))
    }

    /// The whole version, with the date of the signatures.
    fn ask_version(&self, ends: Instant) -> Result<String, Unavailable> {
        let ask = || {
            let mut wire = Wire::connect(&self.at, ends)?;
            wire.write_all(b"zVERSION\0")?;
            reply::read(&mut wire)
        };
        let reply = ask().map_err(|e| self.unavailable(&e))?;
        reply::version(&reply).map_err(|e| self.unavailable(&e))
    }

    /// Hands the message over and gives clamd's reply.
    fn stream(&self, message: &[u8], ends: Instant) -> io::Result<Vec<u8>> {
        let mut wire = Wire::connect(&self.at, ends)?;
        let sent = send(&mut wire, message);
        match (sent, reply::read(&mut wire)) {
            (Ok(()), reply) => reply,
            // clamd hung up before the end: it may say why, but what it has not read it has not scanned.
            (Err(_), Ok(reply)) if reply::is_error(&reply) => Ok(reply),
            (Err(error), _) => Err(error),
        }
    }

    fn unavailable(&self, why: &dyn std::fmt::Display) -> Unavailable {
        Unavailable(format!("clamd {}: {why}", self.at))
    }
}

/// How long a message waits for its turn: waiting takes a thread that mailboxes and deadlines want too, and the peer comes
/// again anyway.
const TURN: Duration = Duration::from_secs(5);

impl Antivirus for Clamd {
    fn scan(&self, message: &[u8]) -> Result<Verdict, Unavailable> {
        let ends = Instant::now() + self.limit;
        let Some(_turn) = self.gate.enter(self.limit.min(TURN)) else {
            return Err(
                self.unavailable(&"troppi messaggi in attesa di controllo; rimedio: alzare antivirus.concurrency")
            );
        };
        // Asked before the scan: were the signatures changed between the two, the verdict counts as one of the old.
        let version = self.ask_version(ends)?;
        let hash = sigillo_smime::sha256(message);
        if self.clean.lock().has(&hash, &version, Instant::now()) {
            return Ok(Verdict::Clean);
        }
        let reply = self.stream(message, ends).map_err(|e| self.unavailable(&e))?;
        match reply::malware(&reply).map_err(|e| self.unavailable(&e))? {
            Some(malware) => Ok(Verdict::Infected { malware, engine: reply::engine(&version) }),
            None => {
                self.clean.lock().add(hash, &version, Instant::now());
                Ok(Verdict::Clean)
            }
        }
    }
}

fn send(wire: &mut Wire, message: &[u8]) -> io::Result<()> {
    // One write for a small message, and never a small write that waits for an acknowledgement.
    let mut out = BufWriter::with_capacity(PIECE + 64, wire);
    out.write_all(b"zINSTREAM\0")?;
    for piece in message.chunks(PIECE) {
        let length = u32::try_from(piece.len()).map_err(io::Error::other)?;
        out.write_all(&length.to_be_bytes())?;
        out.write_all(piece)?;
    }
    out.write_all(&0_u32.to_be_bytes())?;
    out.flush()
}
