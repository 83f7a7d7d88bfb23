//! Who may send for a domain: SPF, DKIM, ARC and DMARC by `mail-auth`, translated into the engine's words.

use std::time::Duration;

use hickory_resolver::TokioResolver;
use mail_auth::common::crypto::Algorithm;
use mail_auth::dmarc::{Policy, verify::DmarcParameters};
use mail_auth::spf::verify::SpfParameters;
use mail_auth::{
    AuthenticatedMessage, DkimOutput, DkimResult, DmarcOutput, DmarcResult, Error, MessageAuthenticator, SpfOutput,
    SpfResult, arc, dkim::DkimError,
};
use sigillo_base::Address;
use sigillo_engine::{Arrived, Checked, Outcome, Screening};
use tokio::time::{Instant, timeout_at};

/// Signatures of a message that are looked at: each costs a look-up and a computation.
const SIGNATURES: usize = 8;
/// Fields that one signature may cover, and fields of a header in which they are searched: the product costs.
const SIGNED_FIELDS: usize = 200;
const FIELDS: usize = 2_000;

/// Checks senders by the DNS.
pub(super) struct Authentication {
    names: Option<MessageAuthenticator>,
    host: String,
    limit: Duration,
}

/// What stands where nothing was found out in time.
fn unknown(result: Outcome) -> Checked {
    Checked { result, about: Vec::new() }
}

impl Authentication {
    /// `host` is our own name; `limit` holds for all of a message.
    pub(super) fn new(resolver: Option<TokioResolver>, host: &str, limit: Duration) -> Self {
        Self { names: resolver.map(MessageAuthenticator), host: host.to_owned(), limit }
    }

    /// What is found out about the sender; lists and antispam are left open.
    pub(super) async fn check(&self, mail: &Arrived) -> Screening {
        let Some(names) = &self.names else { return nothing(Outcome::TempError) };
        let Some(mut message) = AuthenticatedMessage::parse(&mail.bytes) else { return nothing(Outcome::PermError) };
        let measured = bound(&mut message);
        let ends = Instant::now() + self.limit;
        let (spf, dkim, arc) = tokio::join!(
            timeout_at(ends, names.verify_spf(self.spf_question(mail))),
            timeout_at(ends, names.verify_dkim(&message)),
            timeout_at(ends, names.verify_arc(&message)),
        );
        let identity = match &mail.from {
            Some(from) => ("smtp.mailfrom", from.to_string()),
            None => ("smtp.helo", mail.ehlo.clone()),
        };
        let spf = spf.unwrap_or_else(|_| SpfOutput::default().with_result(SpfResult::TempError));
        let domain = mail.from.as_ref().map_or(mail.ehlo.as_str(), |from| from.domain().as_str());
        let late_dkim = dkim.is_err();
        let dkim = dkim.unwrap_or_default();
        let question = DmarcParameters::new(&message, &dkim, domain, &spf);
        let dmarc = timeout_at(ends, names.verify_dmarc(question)).await.ok();
        let unsure = late_dkim
            || spf.result() == SpfResult::TempError
            || dkim.iter().any(|d| matches!(d.result(), DkimResult::TempError(_)));
        let arc = arc.map_or(Outcome::TempError, |arc| of_dkim(arc.result()));
        Screening {
            spf: Some(Checked { result: of_spf(spf.result()), about: vec![identity] }),
            dkim: match late_dkim {
                true => vec![unknown(Outcome::TempError)],
                false => signatures(&dkim),
            },
            arc: Some(unknown(if measured { arc } else { Outcome::PermError })),
            dmarc_reject: dmarc.as_ref().is_some_and(|d| d.policy() == Policy::Reject),
            dmarc: Some(dmarc.map_or(unknown(Outcome::TempError), |d| of_author(&d, &message, unsure))),
            ..Screening::default()
        }
    }

    fn spf_question<'q>(&'q self, mail: &'q Arrived) -> SpfParameters<'q> {
        let (ip, helo, host) = (mail.peer.ip.to_canonical(), mail.ehlo.as_str(), self.host.as_str());
        match mail.from.as_ref().map(Address::as_str) {
            Some(from) => SpfParameters::verify_mail_from(ip, helo, host, from),
            None => SpfParameters::verify_ehlo(ip, helo, host),
        }
    }
}

fn nothing(result: Outcome) -> Screening {
    let all = || Some(unknown(result));
    Screening { spf: all(), dkim: vec![unknown(result)], arc: all(), dmarc: all(), ..Screening::default() }
}

/// Leaves out what would cost too much, as if it were not there, and SHA-1, which proves nothing (RFC 8301 §3.1); whether
/// the chain of forwarders stays.
fn bound(message: &mut AuthenticatedMessage<'_>) -> bool {
    let small = message.headers.len() <= FIELDS;
    let sound = |a: Algorithm| !matches!(a, Algorithm::RsaSha1);
    message.dkim_headers.retain(|s| small && s.header.h.len() <= SIGNED_FIELDS && sound(s.header.a));
    message.dkim_headers.truncate(SIGNATURES);
    let fine = |s: &arc::Signature| s.h.len() <= SIGNED_FIELDS && sound(s.a);
    let chain = small && message.ams_headers.iter().all(|s| fine(&s.header));
    if !chain {
        message.ams_headers.clear();
    }
    chain
}

fn signatures(all: &[DkimOutput<'_>]) -> Vec<Checked> {
    if all.is_empty() {
        return vec![unknown(Outcome::None)];
    }
    let checked = |output: &DkimOutput<'_>| {
        let about = output.signature().map(|s| vec![("header.d", s.d.clone()), ("header.s", s.s.clone())]);
        Checked { result: of_dkim(output.result()), about: about.unwrap_or_default() }
    };
    all.iter().take(SIGNATURES).map(checked).collect()
}

/// Whether the author's domain stands behind the message. Not when it says nothing about such mail; and while a check is
/// not done that might still have shown it, that it does not is not known (`unsure`).
fn of_author(output: &DmarcOutput, message: &AuthenticatedMessage<'_>, unsure: bool) -> Checked {
    let results = [output.spf_result(), output.dkim_result()];
    let any = |is: fn(&DmarcResult) -> bool| results.iter().any(|r| is(r));
    let result = if any(|r| matches!(r, DmarcResult::Pass)) {
        Outcome::Pass
    } else if output.dmarc_record().is_some() {
        if unsure { Outcome::TempError } else { Outcome::Fail }
    } else if any(|r| matches!(r, DmarcResult::TempError(_))) {
        Outcome::TempError
    } else if any(|r| matches!(r, DmarcResult::PermError(_))) || output.domain().is_empty() && !message.from.is_empty()
    {
        // No domain: there are authors of several, which the standard leaves out.
        Outcome::PermError
    } else {
        Outcome::None
    };
    let mut about = Vec::new();
    if !output.domain().is_empty() {
        about.push(("header.from", output.domain().to_owned()));
    }
    if output.dmarc_record().is_some() {
        about.push(("policy.dmarc", output.policy().to_string()));
    }
    Checked { result, about }
}

fn of_spf(result: SpfResult) -> Outcome {
    match result {
        SpfResult::Pass => Outcome::Pass,
        SpfResult::Fail => Outcome::Fail,
        SpfResult::SoftFail => Outcome::SoftFail,
        SpfResult::Neutral => Outcome::Neutral,
        SpfResult::TempError => Outcome::TempError,
        SpfResult::PermError => Outcome::PermError,
        SpfResult::None => Outcome::None,
    }
}

fn of_dkim(result: &DkimResult) -> Outcome {
    match result {
        DkimResult::Pass => Outcome::Pass,
        // A body that was altered fails (RFC 8601 §2.7.1); for `mail-auth` it proves nothing either way.
        DkimResult::Fail(_) | DkimResult::Neutral(Error::Dkim(DkimError::FailedBodyHashMatch)) => Outcome::Fail,
        DkimResult::Neutral(_) => Outcome::Neutral,
        DkimResult::TempError(_) => Outcome::TempError,
        DkimResult::PermError(_) => Outcome::PermError,
        DkimResult::None => Outcome::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whoever writes the message writes these fields, and a library reads them.
    #[test]
    fn no_signature_field_however_bent_breaks_the_reader() {
        let fields = "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/simple; d=posta.example; s=uno; t=1795900775;\r\n \
            x=1795990775; h=from:to:subject; i=@posta.example; l=10; bh=Ha/k7VRTdWomhqf7LNtOKlFG7JGyVEt7hDJ0ug+aMdI=;\r\n \
            b=kOJf+OAVguoWWBfDoWSiKTpfYBQgn/JDBz3WoIqqE9CgGYEs58dyPOGD\r\n\
            ARC-Seal: i=1; cv=none; a=rsa-sha256; d=terzi.example; s=due; t=1795900807; b=CNHU2mUQp21x01g7\r\n\
            ARC-Message-Signature: i=1; a=rsa-sha256; c=relaxed/relaxed; d=terzi.example; s=due; h=from:to; bh=Ha/k; b=R3qD\r\n\
            ARC-Authentication-Results: i=1; mx.terzi.example; spf=pass smtp.mailfrom=posta.example\r\n\
            From: Dora <dora@posta.example>, \"x\" <x@mite.example>\r\n\r\nCiao.\r\n";
        for at in 0..fields.len() {
            for byte in [0, b';', b'=', b':', b'\n', b'9', 0xff] {
                let mut bent = fields.as_bytes().to_vec();
                bent[at] = byte;
                if let Some(mut message) = AuthenticatedMessage::parse(&bent) {
                    bound(&mut message);
                }
                bent.truncate(at);
                drop(AuthenticatedMessage::parse(&bent));
            }
        }
    }
}
