//! The part of the configuration about profiles of the provider's own.

use std::str::FromStr;

use sigillo_accounts::{BadProfile, Custom, Limits, Profile, Profiles};
use sigillo_base::limits::MB;
use sigillo_base::{Said, said};

use super::located::Reader;
use super::raw;

/// The profiles, one after the other, so that an error names the line of the one that it is about.
pub(super) fn read(raw: Vec<raw::Profile>, r: &mut Reader<'_>) -> Option<Profiles> {
    let mut all = Vec::new();
    for one in raw {
        let base = match Profile::from_str(one.base.get_ref()) {
            Ok(base) => base,
            Err(unknown) => {
                let what = Said::new(unknown.to_string(), format!("{:?} is not a profile", one.base.get_ref()));
                let remedy = said!("scrivere il profilo da cui nasce", "write the profile it is made from");
                return r.wrong("profile.base", &one.base, what, remedy);
            }
        };
        let known = base.limits();
        let limits = Limits {
            box_bytes: one.box_gb.map_or(known.box_bytes, |gb| gb.saturating_mul(1024 * MB)),
            per_minute: one.per_minute.unwrap_or(known.per_minute),
            per_day: one.per_day.unwrap_or(known.per_day),
            max_message: one.max_message_mb.map_or(known.max_message, |mb| mb.saturating_mul(MB)),
            max_recipients: one.max_recipients.unwrap_or(known.max_recipients),
        };
        all.push(Custom { name: one.name.get_ref().clone(), base, limits });
        if let Err(bad) = Profiles::new(all.clone()) {
            let (what, remedy) = said(&bad);
            return r.wrong("profile.name", &one.name, what, remedy);
        }
    }
    Profiles::new(all).ok()
}

fn said(bad: &BadProfile) -> (Said, Said) {
    let (english, remedy) = match bad {
        BadProfile::Name(name) => (
            format!("{name:?} cannot name a profile, or is another's name"),
            said!("dargli un altro nome", "give it another name"),
        ),
        BadProfile::Service(name) => (
            format!("the profile {name:?} cannot be made from service"),
            said!("partire da un altro profilo", "begin with another profile"),
        ),
        BadProfile::Figure(name, figure) => (
            format!("the profile {name:?} has a figure out of range: {figure}"),
            said!("correggere il limite", "correct the figure"),
        ),
    };
    (Said::new(bad.to_string(), english), remedy)
}
