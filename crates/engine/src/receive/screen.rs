//! What is made of ordinary mail once it is known what speaks against it: taken, marked, refused, or asked to come again;
//! and the count of it (SEC-02, REP-02.12). Certified mail never comes here.

use sigillo_base::Timestamp;
use sigillo_store::{KeyBuilder, KeyReader, Store, tag, transact};

use super::Handed;
use crate::rows::{decode, encode};
use crate::screening::{Advice, Outcome, Screening, Spam};
use crate::{ATTEMPTS, Engine, Error, OrdinaryRules, Rejected};

/// What became of a message of ordinary mail that was screened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// Taken, and nothing spoke against it that the antispam would tell.
    Taken,
    /// Taken, and marked as spam.
    Marked,
    /// Asked to come again.
    Deferred,
    /// Refused: the sender's domain excludes the client.
    Spf,
    /// Refused: the author's domain does not stand behind it.
    Dmarc,
    /// Refused: the client is on a list.
    Listed,
    /// Refused: spam.
    Spam,
}

impl Fate {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Taken, Self::Marked, Self::Deferred, Self::Spf, Self::Dmarc, Self::Listed, Self::Spam];

    /// The word in rows and in the administrative interface.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Taken => "taken",
            Self::Marked => "marked",
            Self::Deferred => "deferred",
            Self::Spf => "refused-spf",
            Self::Dmarc => "refused-dmarc",
            Self::Listed => "refused-listed",
            Self::Spam => "refused-spam",
        }
    }

    /// Of a message that was taken.
    pub(super) fn of_taken(screening: &Screening) -> Self {
        match &screening.spam {
            Spam::Judged { advice, .. } if *advice >= Advice::Mark => Self::Marked,
            _ => Self::Taken,
        }
    }
}

/// How many messages of ordinary mail had this fate on a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Screened {
    /// The legal day, `2026-03-12`.
    pub day: String,
    /// What became of them.
    pub fate: Fate,
    /// How many.
    pub count: u64,
}

fn day(at: Timestamp) -> KeyBuilder {
    KeyBuilder::new(tag::SCREENED).text(&at.legal().iso_day)
}

impl<S: Store> Engine<S> {
    /// What is known about a message of ordinary mail. A message that its recipients wait for (`awaited`: the bounces of
    /// what they sent to external recipients, pec rule 6) is only looked at; so is none of our own.
    ///
    /// # Errors
    /// 550 or 451 with the reason, by the [`OrdinaryRules`]; 451 while too much is being asked.
    pub(super) fn screen(&self, handed: Handed<'_>, awaited: bool) -> Result<Option<Screening>, Rejected> {
        let Some(screener) = self.screener.as_ref().filter(|_| handed.stored.is_none()) else { return Ok(None) };
        let (mail, now) = (handed.mail, handed.now);
        let Some(screening) = screener.screen(mail) else {
            tracing::warn!(peer = %mail.peer.ip, "too much ordinary mail at once, asked to come again");
            self.count(Fate::Deferred, now);
            return Err(Rejected::refused(451, (4, 3, 2), "Troppa posta non certificata in esame, riprovare"));
        };
        let sentence = sentence(&screening, &self.rules.ordinary).filter(|_| !awaited);
        let fate = sentence.as_ref().map_or(Fate::of_taken(&screening), |(fate, _)| *fate);
        let (peer, from) = (mail.peer.ip, mail.from.as_ref().map(ToString::to_string).unwrap_or_default());
        tracing::info!(%peer, from, fate = fate.as_str(), results = screening.summary(), "ordinary mail screened");
        if let Spam::Unavailable(why) = &screening.spam {
            tracing::error!(why, "no verdict of the antispam");
        }
        let Some((fate, refusal)) = sentence else { return Ok(Some(screening)) };
        self.count(fate, now);
        Err(refusal)
    }

    /// Counts a message. Not synced: a power cut may take the last ones, and no message waits or fails for its count.
    pub(super) fn count(&self, fate: Fate, now: Timestamp) {
        let key = day(now).text(fate.as_str());
        let counted = transact(&self.store, ATTEMPTS, |tx| {
            tx.later();
            let before = tx.get(&key)?.map(|value| decode::<u64>(&key, &value)).transpose()?;
            tx.put(&key, encode(&before.unwrap_or_default().saturating_add(1)));
            Ok::<_, sigillo_store::Error>(())
        });
        if let Err(error) = counted {
            tracing::error!(%error, fate = fate.as_str(), "a message of ordinary mail is not counted");
        }
    }

    /// What became of ordinary mail from the legal day of `from` to that of `to`, both included: spam among the rest
    /// (REP-02.12). Days and fates without a message are left out.
    ///
    /// # Errors
    /// The store's fault.
    pub fn screened(&self, from: Timestamp, to: Timestamp) -> Result<Vec<Screened>, Error> {
        let mut found = Vec::new();
        let (mut next, end) = (day(from).done(), day(to).range().1);
        loop {
            let rows = self.store.scan(&next, &end, PAGE)?;
            let Some((last, _)) = rows.last() else { return Ok(found) };
            next = sigillo_store::key::successor(last);
            for (key, value) in rows {
                let mut reader = KeyReader::new(&key, tag::SCREENED)?;
                let (day, word) = (reader.text()?, reader.text()?);
                let fate = Fate::ALL.into_iter().find(|fate| fate.as_str() == word);
                let fate = fate.ok_or_else(|| sigillo_store::Error::corrupt(&key, format!("no fate: {word}")))?;
                found.push(Screened { day, fate, count: decode(&key, &value)? });
            }
        }
    }
}

/// Rows of the count that are read at once.
const PAGE: usize = 256;

/// What the rules make of the findings; `None` takes the message. What cannot be known never refuses: a domain whose name
/// servers are down would lose its mail.
fn sentence(s: &Screening, rules: &OrdinaryRules) -> Option<(Fate, Rejected)> {
    let is = |checked: &Option<crate::Checked>, result| checked.as_ref().is_some_and(|c| c.result == result);
    let refuse = |fate, enhanced, text: String| Some((fate, Rejected::refused(550, enhanced, text)));
    if rules.refuse_dmarc && s.dmarc_reject && is(&s.dmarc, Outcome::Fail) {
        let text = "Messaggio rifiutato: il dominio del mittente (From) chiede di rifiutare ciò che non è suo (DMARC)";
        return refuse(Fate::Dmarc, (5, 7, 26), text.into());
    }
    // Who forwards is excluded by the sender's domain, and its signature still vouches for the message.
    if rules.refuse_spf && is(&s.spf, Outcome::Fail) && !is(&s.dmarc, Outcome::Pass) {
        let text = "Messaggio rifiutato: il dominio del mittente non autorizza questo server (SPF)";
        return refuse(Fate::Spf, (5, 7, 23), text.into());
    }
    let listed = s.lists.iter().find(|list| list.result == Outcome::Fail);
    if let Some(list) = listed.filter(|_| rules.refuse_listed) {
        let zone = list.about.first().map_or("DNSBL", |(_, zone)| zone);
        return refuse(Fate::Listed, (5, 7, 1), format!("Messaggio rifiutato: indirizzo del server in {zone}"));
    }
    let defer = |text: &str| Some((Fate::Deferred, Rejected::refused(451, (4, 7, 1), text)));
    match &s.spam {
        Spam::Judged { advice: Advice::Refuse, .. } if rules.refuse_spam => {
            refuse(Fate::Spam, (5, 7, 1), "Messaggio rifiutato: posta indesiderata".into())
        }
        Spam::Judged { advice: Advice::Defer, .. } if rules.defer_suspects => {
            defer("Messaggio sospetto, riprovare più tardi")
        }
        Spam::Unavailable(_) if rules.defer_unjudged => {
            defer("Controllo della posta indesiderata non disponibile ora, riprovare")
        }
        _ => None,
    }
}
