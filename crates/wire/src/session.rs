//! The shape of every protocol session: no socket, no clock, no thread.

/// Real time of the connection, in milliseconds from an arbitrary start. It drives socket deadlines and login
/// delays only; legal time is [`sigillo_base::Timestamp`] and never meets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Tick(pub u64);

impl Tick {
    /// `ms` milliseconds later.
    pub const fn plus_ms(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms))
    }
}

/// A protocol session as a pure machine. The driver repeats: feed what the socket gave ([`Session::input`]), then
/// take actions ([`Session::poll`]) and carry each out until there is none; wait for more input, for the answer to
/// an action that asks one, or for [`Session::deadline`].
///
/// Invariant of every session, kept by a property test beside it: fed at once, byte by byte or in random cuts, the
/// same bytes give the same actions.
pub trait Session {
    /// What the driver must do next: write, ask the engine, start TLS, close.
    type Action;

    /// Takes bytes from the peer. The session keeps what it cannot use yet, within its limits. While an action waits
    /// for its answer the driver should not read more (back-pressure); what it feeds anyway is kept for later.
    fn input(&mut self, now: Tick, bytes: &[u8]);

    /// The peer closed its side.
    fn end_of_input(&mut self, now: Tick);

    /// Tells that the time of [`Session::deadline`] has come.
    fn timeout(&mut self, now: Tick);

    /// The next action, in order; `None` when the session waits.
    fn poll(&mut self) -> Option<Self::Action>;

    /// When [`Session::timeout`] wants to be called, if nothing else happens before.
    fn deadline(&self) -> Option<Tick>;
}
