//! On whose request something is done, beside the request itself: in headers, so that every path takes them alike (BOX-12,
//! WEB-03). Who was let in is who confirms it, unless he says by which ticket somebody did who may do it himself; what he says of
//! who asked, when and why is written down as his word.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use sigillo_accounts::{Executed, Request, Way};
use sigillo_admin::api;
use sigillo_base::{Lang, Timestamp, said};

use super::{Fail, instant};
use crate::http::actor::Actor;
use crate::http::language;

/// What somebody has confirmed it by who was not let in himself.
const TICKET: &str = "ticket";

/// What a request says of itself.
#[derive(Debug, Clone)]
pub(in crate::http) struct Asking {
    by: Option<Actor>,
    headers: HeaderMap,
}

impl<S: Sync> FromRequestParts<S> for Asking {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self { by: parts.extensions.get::<Actor>().cloned(), headers: parts.headers.clone() })
    }
}

impl Asking {
    /// In which language its answer is wanted.
    pub(super) fn lang(&self) -> Lang {
        language::wanted(&self.headers)
    }

    /// The request as it is written down, done now.
    pub(super) fn request(&self, now: Timestamp) -> Result<Request, Fail> {
        self.asked(None, None, now)
    }

    /// The same, with what a line of a file says for itself.
    pub(super) fn asked(&self, ticket: Option<&str>, at: Option<&str>, now: Timestamp) -> Result<Request, Fail> {
        let own = Request::own(now);
        let (mut confirmed_by, mut how) =
            self.by.as_ref().map_or((own.confirmed_by, "service"), |actor| (actor.name(), actor.proof()));
        let header = |name: &'static str| -> Result<Option<String>, Fail> {
            let Some(value) = self.headers.get(name) else { return Ok(None) };
            let text = std::str::from_utf8(value.as_bytes())
                .map_err(|_| Fail::bad(said!("{name}: non è UTF-8", "{name}: not UTF-8")))?;
            Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty()))
        };
        let at = match at {
            Some(at) => Some(at.to_owned()),
            None => header(api::REQUESTED_AT)?,
        };
        let executed = match (header(api::CONFIRMED_BY)?, header(api::CONFIRMED_AT)?) {
            (None, None) => None,
            (Some(by), Some(at)) => {
                let confirmed = instant(&at)?.as_millis();
                let done_by = std::mem::replace(&mut confirmed_by, by);
                Some(Executed { confirmed, by: done_by, how: std::mem::replace(&mut how, TICKET).to_owned() })
            }
            _ => {
                return Err(Fail::bad(said!(
                    "confirmed_by, confirmed_at: vanno detti insieme",
                    "confirmed_by, confirmed_at: are said together"
                )));
            }
        };
        let channel = header(api::CHANNEL)?;
        let unknown = || {
            Fail::bad(said!("channel: non è console, file, phone o api", "channel: is not console, file, phone or api"))
        };
        let request = Request {
            asked: at.as_deref().map(instant).transpose()?.unwrap_or(now).as_millis(),
            asked_by: header(api::REQUESTED_BY)?.unwrap_or_else(|| confirmed_by.clone()),
            done: now.as_millis(),
            confirmed_by,
            confirmed_how: how.to_owned(),
            ticket: ticket.map(str::to_owned).or(header(api::TICKET)?).unwrap_or_default(),
            executed,
            channel: channel.map_or(Ok(Way::Api), |name| Way::parse(&name).ok_or_else(unknown))?,
        };
        match request.fault() {
            Some((field, why)) => Err(Fail::bad(why.about(field))),
            None => Ok(request),
        }
    }
}
