//! What a message proves and what not, in both languages: a court reads this, so it claims no more than the rules give
//! (RFC 6109 §1.2.3, §2.1.1, §3; DPR 68/2005 art. 3, 6).

use sigillo_base::{Address, Said, Timestamp, said};
use sigillo_smime::PathError;

use super::{Check, Nature, Report};
use crate::texts::{line, odd};
use crate::{Certification, Kind, ReceiptKind, RecipientClass, Tipo};

/// How many recipients a sentence names; the certification data list them all.
const NAMED: usize = 3;

/// Characters of a foreign text in a sentence; the certification data have it whole.
const QUOTED: usize = 200;

/// Several, with `between` in between.
fn join<'t>(texts: impl Iterator<Item = &'t Said>, between: &str) -> Said {
    let (it, en): (Vec<&str>, Vec<&str>) = texts.map(|t| (t.it.as_str(), t.en.as_str())).unzip();
    Said::new(it.join(between), en.join(between))
}

// Why a check did not pass.

pub(super) fn unsigned() -> Said {
    Said::new(odd::UNSIGNED, "no S/MIME signature")
}
pub(super) fn unreadable_signature() -> Said {
    Said::new(odd::SIGNATURE_FORM, "the S/MIME signature cannot be read")
}
pub(super) fn no_signer() -> Said {
    Said::new(odd::NO_SIGNER, "the signer's certificate is missing")
}
pub(super) fn altered() -> Said {
    Said::new(odd::BROKEN, "the signature does not match: the message was altered")
}
pub(super) fn no_certificate() -> Said {
    said!("nessun certificato di firma da controllare", "no signing certificate to be checked")
}
pub(super) fn no_index() -> Said {
    said!("serve l'indice dei gestori", "the directory of providers is needed")
}
pub(super) fn not_listed() -> Said {
    Said::new(odd::UNKNOWN_SIGNER, "the signing certificate is not in the directory of providers")
}
pub(super) fn listed_then() -> Said {
    said!(
        "il certificato di firma non è nell'indice dei gestori usato, che non è del suo tempo: serve l'indice di allora",
        "the signing certificate is not in the directory of providers used, which is not of its time: the directory of \
         that time is needed"
    )
}
pub(super) fn no_authority() -> Said {
    said!("servono i certificati dell'autorità (CA)", "the certificates of the authority (CA) are needed")
}
pub(super) fn no_instant() -> Said {
    said!(
        "la firma non dice quando è stata apposta: serve l'istante a cui giudicare il certificato",
        "the signature does not say when it was made: the instant at which to judge the certificate is needed"
    )
}
pub(super) fn path(error: &PathError) -> Said {
    match error {
        PathError::Expired => Said::new(odd::EXPIRED, "the signing certificate had expired"),
        PathError::NotYetValid => Said::new(odd::NOT_YET, "the signing certificate was not valid yet"),
        PathError::Revoked => Said::new(odd::REVOKED, "the signing certificate is revoked"),
        PathError::NoCrl => Said::new(odd::NO_CRL, "no current revocation list"),
        _ => Said::new(odd::UNTRUSTED, "the signing certificate was not issued by a known authority"),
    }
}
pub(super) fn no_message() -> Said {
    Said::new(odd::UNREADABLE, "no message by RFC 5322")
}
pub(super) fn unreadable(error: &sigillo_mime::Error) -> Said {
    Said::new(format!("{}: {error}", odd::UNREADABLE), format!("no message by RFC 5322 ({error})"))
}
/// The incoming point's reason, which is Italian.
pub(super) fn form(reason: &str) -> Said {
    let reason = quotable(reason);
    let en = format!("not in the form of its kind ({reason})");
    Said::new(reason, en)
}
pub(super) const ANOMALY_PARTS: &str = "parti in più in una busta di anomalia";

// What has to be known besides.

pub(super) fn line_ends() -> Said {
    said!(
        "La copia era salvata con fine riga LF: per la verifica è stato ripristinato CRLF.",
        "The copy was stored with LF line ends: CRLF was restored to verify it."
    )
}
pub(super) fn from_lines() -> Said {
    said!(
        "La copia viene da un file mbox: per la verifica le righe «>From » sono tornate «From ».",
        "The copy comes from an mbox file: lines that begin with “>From ” were made “From ” again to verify it."
    )
}
pub(super) fn plain_index() -> Said {
    said!(
        "L'indice dei gestori usato non è firmato o non è stato verificato: l'origine vale quanto quel file.",
        "The directory of providers used is not signed or was not verified: the origin is as good as that file."
    )
}
pub(super) fn revocation_unchecked() -> Said {
    said!(
        "La revoca del certificato non è stata controllata, perché manca una lista di revoca (CRL) adatta.",
        "Revocation of the certificate was not checked, for want of a suitable revocation list (CRL)."
    )
}
pub(super) fn revoked_later(since: Timestamp) -> Said {
    let l = since.legal();
    said!(
        "Il certificato, o quello di chi lo ha emesso, è stato revocato il {} alle ore {}, dopo la data di firma: la prova regge se quella data è \
             certa, per esempio dal log del gestore.",
        "The certificate, or its issuer's, was revoked on {} at {}, after the stated time of signing: the proof holds if that time \
             is certain, by the provider's log for instance.",
        l.day,
        l.time
    )
}

// What it is and what it proves.

/// The kind's name.
pub(super) fn label(report: &Report) -> Said {
    let kind = match (report.nature, &report.certification) {
        (Nature::Ordinary, _) => return said!("Posta ordinaria", "Ordinary mail"),
        (Nature::Anomaly, _) => Kind::AnomalyEnvelope,
        (_, Some(certification)) => Kind::of(certification),
        (Nature::Certified(tipo), None) => of_tipo(tipo),
    };
    let en = match kind {
        Kind::Acceptance => "Acceptance receipt",
        Kind::NonAcceptance => "Notice of non-acceptance",
        Kind::NonAcceptanceVirus => "Notice of non-acceptance because of malware",
        Kind::TransportEnvelope => "Transport envelope",
        Kind::TakeCharge => "Take-charge receipt",
        Kind::Delivery => "Delivery receipt",
        Kind::NonDelivery => "Notice of non-delivery",
        Kind::NonDeliveryVirus => "Notice of non-delivery because of malware",
        Kind::Overdue12h => "Overdue notice (12 hours)",
        Kind::Overdue24h => "Overdue notice (24 hours)",
        Kind::VirusDetection => "Notice of malware",
        Kind::AnomalyEnvelope => "Anomaly envelope",
    };
    Said::new(kind.label_it(), en)
}

/// The plainest kind of a `tipo`.
fn of_tipo(tipo: Tipo) -> Kind {
    Kind::ALL.into_iter().find(|kind| kind.tipo() == Some(tipo)).unwrap_or(Kind::TransportEnvelope)
}

/// All of it, notes included.
pub(super) fn sentence(report: &Report) -> Said {
    let verdict = if report.genuine() { proves(report) } else { doubts(report) };
    join(std::iter::once(&verdict).chain(&report.notes), " ")
}

/// Of a message that is not genuine, or not known to be: why, and that it proves nothing.
fn doubts(report: &Report) -> Said {
    let all = report.checks.all();
    let failed: Vec<&Said> = all.iter().filter(|c| matches!(c, Check::Fail(_))).filter_map(|c| c.why()).collect();
    let mut unknown: Vec<&Said> = all.iter().filter_map(|c| c.why()).filter(|why| !failed.contains(why)).collect();
    unknown.dedup();
    let label = label(report);
    if failed.is_empty() {
        let missing = join(unknown.into_iter(), "; ");
        return Said::new(
            format!(
                "La firma è integra, ma non si può dire se il messaggio è autentico: {}. Finché non è verificato, \
                 non prova nulla.",
                missing.it
            ),
            format!(
                "The signature is intact, but whether the message is genuine cannot be told: {}. Until it is \
                 verified, it proves nothing.",
                missing.en
            ),
        );
    }
    let wrong = join(failed.into_iter(), "; ");
    if report.nature == Nature::Ordinary {
        return Said::new(
            format!("Non è un messaggio di posta certificata: {}. Non prova nulla.", wrong.it),
            format!("It is no certified message: {}. It proves nothing.", wrong.en),
        );
    }
    Said::new(
        format!("NON è autentico. Si presenta come «{}», ma: {}. Non prova nulla.", label.it, wrong.it),
        format!("It is NOT genuine. It says it is “{}”, but: {}. It proves nothing.", label.en, wrong.en),
    )
}

/// Of a genuine message.
fn proves(report: &Report) -> Said {
    let provider = quotable(report.provider().unwrap_or_default());
    match &report.certification {
        Some(certification) => Case { provider, c: certification, encloses: report.encloses }.proves(),
        None => said!(
            "Prova soltanto che il gestore {provider} ha imbustato e firmato un messaggio che non ha potuto \
                 certificare, qui allegato. Non prova chi lo ha spedito, né quando, né che sia integro.",
            "It only proves that the provider {provider} wrapped and signed a message that it could not certify, \
                 enclosed here. It does not prove who sent that, nor when, nor that it is intact."
        ),
    }
}

/// What the sentences are made of.
struct Case<'r> {
    provider: String,
    c: &'r Certification,
    encloses: bool,
}

impl Case<'_> {
    fn proves(&self) -> Said {
        match Kind::of(self.c) {
            Kind::Acceptance => self.acceptance(),
            Kind::NonAcceptance | Kind::NonAcceptanceVirus => self.non_acceptance(),
            // Without certification data there is no anomaly envelope here.
            Kind::TransportEnvelope | Kind::AnomalyEnvelope => self.envelope(),
            Kind::TakeCharge => self.take_charge(),
            Kind::Delivery => self.delivery(),
            Kind::NonDelivery | Kind::NonDeliveryVirus => self.non_delivery(),
            Kind::Overdue12h => self.overdue_12h(),
            Kind::Overdue24h => self.overdue_24h(),
            Kind::VirusDetection => self.virus_detection(),
        }
    }

    fn acceptance(&self) -> Said {
        let (when, what, to) = (self.when(), self.what(), self.recipients());
        let mut text = Said::new(
            format!(
                "Prova che {} il gestore {} ha accettato {}, indirizzato a {}. Non prova che sia stato consegnato, né \
                 quale ne fosse il contenuto.",
                when.it, self.provider, what.it, to.it
            ),
            format!(
                "It proves that {} the provider {} accepted {}, addressed to {}. It does not prove that it was \
                 delivered, nor what its content was.",
                when.en, self.provider, what.en, to.en
            ),
        );
        if self.c.facts.recipients.iter().any(|r| r.class == RecipientClass::External) {
            text.it += " Per i destinatari di posta ordinaria non è prevista alcuna ricevuta di consegna.";
            text.en += " For recipients of ordinary mail there is no delivery receipt.";
        }
        text
    }

    fn non_acceptance(&self) -> Said {
        let (when, what, to, why) = (self.when(), self.what(), self.recipients(), self.error());
        Said::new(
            format!(
                "Prova che {} il gestore {} ha rifiutato {}, indirizzato a {}{}. Il messaggio non risulta inviato. \
                 Non prova quale ne fosse il contenuto.",
                when.it, self.provider, what.it, to.it, why
            ),
            format!(
                "It proves that {} the provider {} refused {}, addressed to {}{}. The message does not count as sent. \
                 It does not prove what its content was.",
                when.en, self.provider, what.en, to.en, why
            ),
        )
    }

    fn envelope(&self) -> Said {
        let (when, what, to) = (self.when(), self.what(), self.recipients());
        Said::new(
            format!(
                "Prova che {} il gestore {} ha accettato {}, indirizzato a {}, e che il messaggio allegato \
                 (postacert.eml) è quello accettato. Non prova che sia stato consegnato: lo prova la ricevuta di \
                 avvenuta consegna. Non prova quale persona ha usato la casella del mittente.",
                when.it, self.provider, what.it, to.it
            ),
            format!(
                "It proves that {} the provider {} accepted {}, addressed to {}, and that the enclosed message \
                 (postacert.eml) is the accepted one. It does not prove that it was delivered: the delivery receipt \
                 does. It does not prove which person used the sender's mailbox.",
                when.en, self.provider, what.en, to.en
            ),
        )
    }

    fn take_charge(&self) -> Said {
        let (when, what, to) = (self.when(), self.what(), named(&self.c.taken));
        Said::new(
            format!(
                "Prova che {} il gestore {} ha preso in carico {}, per {}. È una ricevuta fra gestori: non prova la \
                 consegna.",
                when.it, self.provider, what.it, to.it
            ),
            format!(
                "It proves that {} the provider {} took charge of {}, for {}. It is a receipt between providers: it \
                 does not prove the delivery.",
                when.en, self.provider, what.en, to.en
            ),
        )
    }

    /// What was issued shows by what is enclosed: a copy recipient's receipt may name the kind that was asked for.
    fn delivery(&self) -> Said {
        let (when, what, to) = (self.when(), self.what(), self.about());
        let limits = match (self.encloses, self.c.receipt) {
            (false, _) => said!(
                "Non contiene il messaggio, e non ne prova il contenuto. Non prova che sia stato letto.",
                "It does not hold the message, and does not prove its content. It does not prove that it was read."
            ),
            (true, Some(ReceiptKind::Brief)) => said!(
                "Il contenuto è quello allegato (postacert.eml), in cui ogni allegato è sostituito dalla sua impronta \
                 (SHA-1): un allegato è provato solo insieme al file originale che dà quell'impronta. Non prova che \
                 sia stato letto.",
                "Its content is the enclosed one (postacert.eml), with each attachment replaced by its hash (SHA-1): an \
                 attachment is proved only together with the original file that gives this hash. It does not prove \
                 that it was read."
            ),
            (true, _) => said!(
                "Il contenuto è quello allegato (postacert.eml). Non prova che sia stato letto.",
                "Its content is the enclosed one (postacert.eml). It does not prove that it was read."
            ),
        };
        Said::new(
            format!(
                "Prova che {} il gestore {} ha reso disponibile nella casella di {to} {}. {}",
                when.it, self.provider, what.it, limits.it
            ),
            format!(
                "It proves that {} the provider {} made available in the mailbox of {to} {}. {}",
                when.en, self.provider, what.en, limits.en
            ),
        )
    }

    fn non_delivery(&self) -> Said {
        let (when, what, to, why) = (self.when(), self.what(), self.about(), self.error());
        Said::new(
            format!(
                "Prova che {} il gestore {} ha dichiarato non consegnato a {to} {}{why}. Non dice nulla di altri \
                 destinatari.",
                when.it, self.provider, what.it
            ),
            format!(
                "It proves that {} the provider {} declared not delivered to {to} {}{why}. It says nothing of other \
                 recipients.",
                when.en, self.provider, what.en
            ),
        )
    }

    fn overdue_12h(&self) -> Said {
        let (when, what, to) = (self.when(), self.what(), self.about());
        Said::new(
            format!(
                "Prova che {}, dodici ore dopo l'invio, al gestore {} non risultava ancora consegnato a {to} {}. Non \
                 è ancora una mancata consegna: la consegna può ancora avvenire.",
                when.it, self.provider, what.it
            ),
            format!(
                "It proves that {}, twelve hours after the sending, the provider {} did not yet know as delivered to \
                 {to} {}. It is not a failure yet: the delivery can still happen.",
                when.en, self.provider, what.en
            ),
        )
    }

    fn overdue_24h(&self) -> Said {
        let (when, what, to) = (self.when(), self.what(), self.about());
        Said::new(
            format!(
                "Prova che {}, allo scadere delle ventiquattro ore dall'invio, al gestore {} non risultava consegnato \
                 a {to} {}: la spedizione si considera non andata a buon fine. Non esclude una consegna successiva, \
                 che solo una ricevuta di avvenuta consegna proverebbe.",
                when.it, self.provider, what.it
            ),
            format!(
                "It proves that {}, at the end of the twenty-four hours after the sending, the provider {} did not \
                 know as delivered to {to} {}: the sending counts as failed. It does not rule out a later delivery, \
                 which only a delivery receipt would prove.",
                when.en, self.provider, what.en
            ),
        )
    }

    fn virus_detection(&self) -> Said {
        let (when, what, to, why) = (self.when(), self.what(), self.about(), self.error());
        Said::new(
            format!(
                "Prova che {} il gestore {} ha rilevato un virus informatico in {}, destinato a {to}{why}. È un avviso \
                 fra gestori: non prova chi abbia introdotto il virus.",
                when.it, self.provider, what.it
            ),
            format!(
                "It proves that {} the provider {} found malware in {}, meant for {to}{why}. It is a notice between \
                 providers: it does not prove who put the malware there.",
                when.en, self.provider, what.en
            ),
        )
    }

    /// `il 12/03/2026 alle ore 10:15:01 (+0100)`
    fn when(&self) -> Said {
        let t = &self.c.time;
        let (day, time, zone) = (&t.day, &t.time, &t.zone);
        said!("il {day} alle ore {time} ({zone})", "on {day} at {time} ({zone})")
    }

    /// The message that this is about.
    fn what(&self) -> Said {
        let facts = &self.c.facts;
        let (sender, id) = (&facts.sender, &facts.id);
        match facts.subject.as_deref().map(quotable).filter(|s| !s.trim().is_empty()) {
            Some(subject) => said!(
                "il messaggio «{subject}» della casella {sender} (identificativo {id})",
                "the message “{subject}” of the mailbox {sender} (identificativo {id})"
            ),
            None => said!(
                "il messaggio senza oggetto della casella {sender} (identificativo {id})",
                "the message without subject of the mailbox {sender} (identificativo {id})"
            ),
        }
    }

    fn recipients(&self) -> Said {
        named(self.c.facts.recipients.iter().map(|r| &r.address))
    }

    /// The one recipient that this is about; an older engine wrote it in `ricezione`.
    fn about(&self) -> String {
        self.c.delivered.iter().chain(&self.c.taken).next().map(Address::to_string).unwrap_or_default()
    }

    /// `: «errore»`, as the provider wrote it; nothing when it gave no reason.
    fn error(&self) -> String {
        let given = self.c.extended_error.as_deref().map(quotable).filter(|text| !text.trim().is_empty());
        given.map(|text| format!(": «{}»", text.trim())).unwrap_or_default()
    }
}

/// What a stranger wrote, so that it cannot pass for words of ours: on one line, without our quotation marks and without
/// characters that turn the direction of what follows, and cut.
fn quotable(text: &str) -> String {
    let shown = |c: char| match c {
        '«' | '»' | '“' | '”' => Some('"'),
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => None,
        c => Some(c),
    };
    let text: String = line(text).chars().filter_map(shown).collect();
    match text.char_indices().nth(QUOTED) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// The first few addresses, and how many more there are.
fn named<'a>(addresses: impl IntoIterator<Item = &'a Address>) -> Said {
    let all: Vec<String> = addresses.into_iter().map(Address::to_string).collect();
    let first = all.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    match all.len().saturating_sub(NAMED) {
        0 => Said::verbatim(first),
        1 => said!("{first} e un altro", "{first} and one other"),
        more => said!("{first} e altri {more}", "{first} and {more} others"),
    }
}

#[cfg(test)]
pub(super) fn proves_of(c: &Certification) -> String {
    Case { provider: c.issuer.clone(), c, encloses: false }.proves().it
}
