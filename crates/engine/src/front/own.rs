//! What a holder does with his own password, whatever carries it: he is let in, counted, held back and written down as by the
//! protocols of mail, and gives himself another password behind that door and no other.

use std::sync::Arc;

use sigillo_base::{Secret, Timestamp};
use sigillo_store::Store;
use sigillo_wire::Tick;

use super::Peer;
use super::login::{Entrance, Refused};
use crate::{Engine, Error, Login};

/// As the accesses of a mailbox and the lines about failed logins call this door.
const DOOR: &str = "self";

/// Who says he is somebody.
#[derive(Debug, Clone)]
pub struct Claimant {
    /// The mailbox, or one of its persons: what a mail program calls the user.
    pub user: String,
    /// What he proves it with.
    pub proof: OwnProof,
    /// Where he is.
    pub peer: Peer,
}

/// What somebody proves himself with at the door of the holder.
#[derive(Debug, Clone)]
pub enum OwnProof {
    /// His present password, and a code where he has a second factor.
    Password(Secret, Option<Secret>),
    /// A one-time secret that was sent to him: good for a new password and nothing else.
    Secret(Secret),
}

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum Turned {
    /// He was not let in. He is to hear it at that time and no sooner, so that guessing is slow, and the time of an answer
    /// says nothing.
    #[error("not let in")]
    Away(Refused, Tick),
    /// What he wanted could not be done.
    #[error(transparent)]
    Engine(#[from] Error),
}

/// Does something for who proves himself by his password, also when that is to be changed first.
///
/// # Errors
/// See [`Turned`].
pub fn own<S: Store, T>(
    engine: &Arc<Engine<S>>,
    claimant: &Claimant,
    (now, tick): (Timestamp, Tick),
    then: impl FnOnce(&Engine<S>, &Login) -> Result<T, Error>,
) -> Result<T, Turned> {
    let mut entrance = Entrance::new(Arc::clone(engine), claimant.peer, DOOR);
    let (user, by) = (claimant.user.as_str(), claimant.peer.ip.to_string());
    let check = |engine: &Engine<S>| match &claimant.proof {
        OwnProof::Password(password, code) => {
            let login = engine.prove_own(user, password, now)?;
            engine.check_factor(&login, code.as_ref(), &by, (now, tick))?;
            Ok(login)
        }
        OwnProof::Secret(secret) => engine.prove_reset(user, secret, &by, now),
    };
    match entrance.enter(user, (now, tick), check) {
        Some(login) => Ok(then(engine, &login)?),
        None => {
            let until = entrance.deadline().unwrap_or(tick);
            Err(Turned::Away(entrance.due(until).unwrap_or(Refused::Fault), until))
        }
    }
}
