//! How much mailboxes send, what limits they reached, which profiles they had.

use axum::Json;
use axum::extract::{Path, State};
use schemars::JsonSchema;
use serde::Deserialize;
use sigillo_accounts::{Act, Limits, Profile};
use sigillo_admin::api;
use sigillo_base::{MailboxId, Timestamp};
use sigillo_engine::{Overrun, ProfileSince};

use super::{At, Fail, Reply, alive, mailbox, not_among, work};
use crate::http::extract::Params;
use crate::http::table::{Need, On, Row, get};
use crate::provider::House;

const READ: (Act, On) = (Act::MailboxRead, On::Address);

pub(super) fn rows() -> Vec<Row> {
    vec![
        get("/v1/mailboxes/{address}/usage", READ, "how a mailbox stands to its limits", usage),
        get("/v1/mailboxes/{address}/history", READ, "the profiles that a mailbox had", history),
        get(api::PROFILES, Need::Known, "what the profiles of mailboxes allow", profiles),
        get(api::BLOCKED_BOXES, (Act::ServiceRead, On::Service), "the limits that were reached on a day", blocked),
    ]
}

/// The report of blocked boxes of a legal day (REP-07).
pub fn blocked_boxes(engine: &House, day: &str) -> Result<api::BlockedBoxes, sigillo_engine::Error> {
    let mut overruns = Vec::new();
    for overrun in engine.overruns(day)? {
        let row = engine.mailbox(overrun.mailbox)?;
        overruns.push(shown(&row.map_or_else(|| overrun.mailbox.0.to_string(), |row| row.address), overrun));
    }
    Ok(api::BlockedBoxes { day: day.to_owned(), overruns })
}

async fn usage(State(provider): At, Path(address): Path<String>) -> Reply<api::Usage> {
    let provider = alive(&provider)?;
    let now = provider.clock.now();
    let read = move |engine: &House| {
        let row = mailbox(engine, &address)?;
        let r = engine.rates(&row, api::USAGE_DAYS, now)?;
        let (limits, s) = (r.limits, r.standing);
        let ends = |at: Timestamp| at.to_string();
        Ok(api::Usage {
            minute: api::Counted { sent: s.minute, limit: limits.per_minute, ends: s.minute_ends.map(ends) },
            day: api::Counted { sent: s.day, limit: limits.per_day, ends: Some(ends(s.day_ends)) },
            box_bytes: r.held.0,
            box_messages: r.held.1,
            box_limit: limits.box_bytes,
            max_message: limits.max_message,
            max_recipients: limits.max_recipients,
            blocked_until: r.blocked.map(|b| ends(b.until)),
            days: r.days.into_iter().map(|(day, sent)| api::SentDay { day, sent }).collect(),
            overruns: r.overruns.into_iter().map(|o| shown(&row.address, o)).collect(),
            profile: row.profile.name().to_owned(),
            address: row.address,
        })
    };
    Ok(Json(work(&provider, read).await?))
}

async fn history(State(provider): At, Path(address): Path<String>) -> Reply<api::History> {
    let read = move |engine: &House| {
        let row = mailbox(engine, &address)?;
        let found = engine.profile_history(MailboxId(row.id))?;
        let ends = found.iter().skip(1).map(|next| Some(next.at.to_string())).chain([None]);
        let period = |(ProfileSince { at, profile }, to): (&ProfileSince, Option<String>)| api::ProfilePeriod {
            profile: profile.clone(),
            from: at.to_string(),
            to,
        };
        Ok(api::History { profiles: found.iter().zip(ends).map(period).collect(), address: row.address })
    };
    Ok(Json(work(&*alive(&provider)?, read).await?))
}

async fn profiles(State(provider): At) -> Reply<api::Profiles> {
    let of = |(name, base, limits): (&str, Profile, Limits)| api::Profile {
        name: name.to_owned(),
        base: base.name().to_owned(),
        box_bytes: limits.box_bytes,
        per_minute: limits.per_minute,
        per_day: limits.per_day,
        max_message: limits.max_message,
        max_recipients: limits.max_recipients,
    };
    let read = move |engine: &House| Ok(api::Profiles { profiles: engine.profiles().all().map(of).collect() });
    Ok(Json(work(&*alive(&provider)?, read).await?))
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Day {
    day: String,
}

async fn blocked(State(provider): At, Params(Day { day }): Params<Day>) -> Reply<api::BlockedBoxes> {
    if Timestamp::legal_day(&day).is_none() {
        return Err(Fail::field("day", not_among(&day, "un giorno AAAA-MM-GG", "a day YYYY-MM-DD")));
    }
    Ok(Json(work(&*alive(&provider)?, move |engine| Ok(blocked_boxes(engine, &day)?)).await?))
}

fn shown(address: &str, o: Overrun) -> api::Overrun {
    api::Overrun {
        address: address.to_owned(),
        profile: o.profile,
        window: o.window.name().to_owned(),
        limit: o.limit,
        sent: o.value,
        at: o.at.to_string(),
        last: o.last.to_string(),
        unblocked: o.unblocked.to_string(),
        refused: o.refused,
    }
}
