//! SCRAM-SHA-256 and SCRAM-SHA-256-PLUS (RFC 5802, 7677): the client proves that it knows the password, the server that it
//! knows the user, and neither says it.

use data_encoding::BASE64;

use super::{Binding, Claim, Query, SaslError, ScramKeys, Step};

/// The server's side of one exchange.
#[derive(Debug)]
pub(super) struct Scram {
    binding: Binding,
    plus: bool,
    state: State,
}

#[derive(Debug)]
enum State {
    /// For client-first.
    First,
    /// For the keys.
    Keys(Greeted),
    /// For client-final.
    Proof {
        greeted: Greeted,
        keys: ScramKeys,
        server_first: String,
        nonce: String,
    },
    /// For the empty response after our own proof.
    Proven {
        user: String,
        keys: ScramKeys,
    },
    Over,
}

/// What client-first said.
#[derive(Debug)]
struct Greeted {
    user: String,
    /// gs2-header and channel-binding data, as client-final must repeat them.
    bound: Vec<u8>,
    bare: String,
    nonce: String,
}

impl Scram {
    pub(super) fn new(binding: Binding, plus: bool) -> Self {
        Self { binding, plus, state: State::First }
    }

    pub(super) fn respond(&mut self, text: &str) -> Result<Step, SaslError> {
        match std::mem::replace(&mut self.state, State::Over) {
            State::First => {
                let greeted = self.greeted(text)?;
                let user = greeted.user.clone();
                self.state = State::Keys(greeted);
                Ok(Step::Ask(Query::Keys(user)))
            }
            State::Proof { greeted, keys, server_first, nonce } => {
                let (said, proof) = text.rsplit_once(",p=").ok_or(SaslError::Malformed)?;
                let proof = BASE64.decode(proof.as_bytes()).ok().and_then(|p| <[u8; 32]>::try_from(p).ok());
                let proof = proof.ok_or(SaslError::Malformed)?;
                let message = format!("{},{server_first},{said}", greeted.bare);
                let bound = says(said, &greeted.bound, &nonce)?;
                if !(keys.proves(&proof, message.as_bytes()) && bound) {
                    return Ok(Step::Done(Claim::Refuted(greeted.user)));
                }
                let signature = BASE64.encode(&keys.signature(message.as_bytes()));
                self.state = State::Proven { user: greeted.user, keys };
                Ok(Step::Challenge(BASE64.encode(format!("v={signature}").as_bytes())))
            }
            State::Proven { user, keys } if text.is_empty() => Ok(Step::Done(Claim::Proven(user, keys))),
            _ => Err(SaslError::Malformed),
        }
    }

    pub(super) fn keys(&mut self, keys: ScramKeys, nonce: &str) -> Result<Step, SaslError> {
        let State::Keys(greeted) = std::mem::replace(&mut self.state, State::Over) else {
            return Err(SaslError::Malformed);
        };
        let nonce = format!("{}{nonce}", greeted.nonce);
        let server_first = format!("r={nonce},s={},i={}", BASE64.encode(&keys.salt), keys.iterations);
        let challenge = BASE64.encode(server_first.as_bytes());
        self.state = State::Proof { greeted, keys, server_first, nonce };
        Ok(Step::Challenge(challenge))
    }

    /// client-first: `gs2-header n=user,r=nonce`.
    fn greeted(&self, text: &str) -> Result<Greeted, SaslError> {
        let mut parts = text.splitn(3, ',');
        let (Some(flag), Some(authorization), Some(bare)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(SaslError::Malformed);
        };
        let data = match (flag, flag.strip_prefix("p=")) {
            (_, Some(kind)) if self.plus => self.binding.of(kind).ok_or(SaslError::Binding)?,
            ("n", _) if !self.plus => &[],
            // "You do not offer it": not true where we do, so somebody between us took it out (RFC 5802 §6).
            ("y", _) if !self.plus && self.binding.is_empty() => &[],
            ("n" | "y", _) | (_, Some(_)) => return Err(SaslError::Binding),
            _ => return Err(SaslError::Malformed),
        };
        let mut fields = bare.split(',');
        let user = fields.next().and_then(|f| f.strip_prefix("n=")).ok_or(SaslError::Malformed)?;
        let nonce = fields.next().and_then(|f| f.strip_prefix("r=")).ok_or(SaslError::Malformed)?;
        if nonce.is_empty() || !nonce.bytes().all(|b| (0x21..0x7f).contains(&b)) {
            return Err(SaslError::Malformed);
        }
        let user = name(user)?;
        if !authorization.is_empty() {
            let wanted = name(authorization.strip_prefix("a=").ok_or(SaslError::Malformed)?)?;
            if !wanted.eq_ignore_ascii_case(&user) {
                return Err(SaslError::Authorization);
            }
        }
        let bound = [format!("{flag},{authorization},").as_bytes(), data].concat();
        Ok(Greeted { user, bound, bare: bare.into(), nonce: nonce.into() })
    }
}

/// Whether client-final without its proof, `c=…,r=…`, repeats the binding and the nonce.
fn says(said: &str, bound: &[u8], nonce: &str) -> Result<bool, SaslError> {
    let mut fields = said.split(',');
    let binding = fields.next().and_then(|f| f.strip_prefix("c=")).ok_or(SaslError::Malformed)?;
    let repeated = fields.next().and_then(|f| f.strip_prefix("r=")).ok_or(SaslError::Malformed)?;
    let binding = BASE64.decode(binding.as_bytes()).map_err(|_| SaslError::Malformed)?;
    Ok(binding == bound && repeated == nonce)
}

/// A saslname: `=2C` and `=3D` for comma and equals sign, prepared (RFC 4013).
pub(super) fn name(text: &str) -> Result<String, SaslError> {
    let mut out = String::new();
    let mut parts = text.split('=');
    out.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let (sign, rest) = match part.get(..2) {
            Some("2C") => (',', &part[2..]),
            Some("3D") => ('=', &part[2..]),
            _ => return Err(SaslError::Malformed),
        };
        out.push(sign);
        out.push_str(rest);
    }
    let name = stringprep::saslprep(&out).map_err(|_| SaslError::Malformed)?;
    if name.is_empty() { Err(SaslError::Malformed) } else { Ok(name.into_owned()) }
}
