//! The change from the signing certificate in use to the next one (RFC 6109 §4.5): both are in the index before, so that
//! nobody refuses what either of them signed.

use std::sync::Arc;

use sigillo_base::{Said, said};
use sigillo_smime::{Certificate, PathError};

use super::{Provider, Shown};
use crate::certificates::Around;
use crate::config::{Config, Problem, Problems};
use crate::init::deviates;
use crate::material::{Rolled, Successor, successor};

/// What is signed to see that a key signs.
const PROBE: &[u8] = b"sigillo";

/// A change that could be made.
pub struct Plan {
    /// The certificate in use.
    pub from: Certificate,
    /// The pair that follows, if there is one that can sign.
    pub to: Option<Successor>,
    /// Everything that stands in the way.
    pub missing: Vec<Problem>,
}

impl Provider {
    /// Looks at the next pair as it lies in its files now.
    pub async fn plan_roll(&self) -> Plan {
        let (config, gate, now) = (self.config(), Arc::clone(&self.gate), self.clock.now());
        let (from, trust, index) = (self.engine.identity().certificate, self.engine.trust(), self.engine.index());
        let leaf = from.clone();
        let plan = move || {
            let found = successor(&config, &from, &gate, now);
            let (to, mut missing) = match found {
                Ok(to) => (Some(to), Vec::new()),
                Err(Problems(problems)) => (None, problems),
            };
            if let Some(to) = &to {
                let around = Around { name: &config.name.value, index: &index, trust: &trust, now };
                missing.extend(hindrances(&config, to, &around));
            }
            Plan { from, to, missing }
        };
        self.pool.run(plan).await.unwrap_or_else(|| Plan {
            from: leaf,
            to: None,
            missing: vec![broken(&self.config())],
        })
    }

    /// Signs with the next pair from now on, also after a restart. Messages in work keep the old one.
    ///
    /// # Errors
    /// Everything that stands in the way; nothing is changed then.
    pub async fn roll(&self) -> Result<Plan, Problems> {
        // A reload reads which pair signs, and would bring the old one back.
        let _turn = self.updater.turn().await;
        let plan = self.plan_roll().await;
        let Some(to) = plan.to.as_ref().filter(|_| plan.missing.is_empty()) else {
            return Err(Problems(plan.missing));
        };
        let config = self.config();
        let order = Rolled {
            taken: to.identity.certificate.sha256_hex(),
            left: plan.from.sha256_hex(),
            since: self.clock.now().to_string(),
        };
        let (identity, at) = (to.identity.clone(), Arc::clone(&config));
        let written = self.pool.run(move || order.write(&at).map(|()| Shown::of(&at, &identity))).await;
        let shown = written.ok_or_else(|| Problems(vec![broken(&config)]))?.map_err(|error| {
            let text = error.to_string();
            let remedy = said!("controllare il disco e i permessi", "check disk and permissions");
            Problems(vec![config.store.problem(&config.file, Said::verbatim(text), remedy)])
        })?;
        self.engine.replace_identity(to.identity.clone(), self.signing.of(Arc::clone(&to.signer)));
        self.shown.store(Arc::new(shown));
        self.tell_certificates().await;
        let (from, to) = (plan.from.sha1_hex(), to.identity.certificate.sha1_hex());
        tracing::warn!(from, to, "signs with the next certificate from now on");
        Ok(plan)
    }
}

/// Why others would not believe what this pair signs, or we could not sign.
fn hindrances(config: &Config, to: &Successor, around: &Around<'_>) -> Vec<Problem> {
    let Some(at) = &config.next_certificate else { return Vec::new() };
    let (leaf, mut found) = (&to.identity.certificate, Vec::new());
    let mut tell = |what: Said, remedy: Said| found.push(at.problem(&config.file, what, remedy));
    for deviation in leaf.deviations() {
        let remedy = said!("chiederne uno nel profilo di RFC 6109, 5.5", "get one of the profile of RFC 6109, 5.5");
        tell(deviates(deviation), remedy);
    }
    let publish = said!(
        "`sigillo index publish`, attendere che l'indice lo riporti, `sigillo index update`",
        "`sigillo index publish`, wait until the index holds it, `sigillo index update`"
    );
    let (hash, name) = (leaf.sha1_hex(), around.name);
    if !around.lists(leaf) {
        let signed = around.index.signed_at().map(|at| at.to_string()).unwrap_or_default();
        let what = said!(
            "l'indice in uso (firmato {signed}) non ha il certificato {hash} sotto «{name}»: gli altri non crederebbero alle nostre firme",
            "the index in use (signed {signed}) does not hold the certificate {hash} as of “{name}”: others would not believe our signatures"
        );
        tell(what, publish);
    } else if let Some(domain) = config.domains.iter().find(|domain| !around.index.serves(leaf, domain)) {
        let what = said!(
            "nell'indice in uso il certificato {hash} non è del record che ha il dominio {domain}",
            "in the index in use the certificate {hash} is not in the record that has the domain {domain}"
        );
        tell(what, publish);
    }
    match around.trust.verify(leaf, &to.identity.chain, around.now) {
        Ok(()) => {}
        Err(PathError::NoCrl) => tell(
            said!("nessuna lista di revoca attuale del suo emittente", "no current revocation list of its issuer"),
            said!("rinnovare trust.crls, o scrivere trust.crl_urls", "renew trust.crls, or write trust.crl_urls"),
        ),
        Err(error) => tell(
            Said::new(error.to_string(), format!("leads to no root of trust.anchors: {error}")),
            said!(
                "mettere gli intermedi nel file del certificato e la radice in trust.anchors",
                "put the intermediates into the certificate's file and the root into trust.anchors"
            ),
        ),
    }
    if let Err(error) = to.signer.sign(PROBE) {
        tell(
            said!("la chiave non firma: {error}", "the key does not sign: {error}"),
            said!("controllare signing.next_key", "check signing.next_key"),
        );
    }
    found
}

fn broken(config: &Config) -> Problem {
    let what = said!("il lavoro si è interrotto", "the work broke off");
    config.signing_certificate.problem(&config.file, what, said!("riprovare", "try again"))
}
