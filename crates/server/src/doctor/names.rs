//! The DNS, as the world sees it: what others need to find us and to believe our mail.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use mail_auth::spf::verify::SpfParameters;
use mail_auth::{MessageAuthenticator, SpfResult};
use sigillo_base::{Domain, said};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use super::{Case, Finding, plain};
use crate::dns::{Dns, Fault};
use crate::fetch::Fetch;
use crate::relay::sts;
use crate::{dkim, material};

/// The port of MTA-STS policies.
const HTTPS: u16 = 443;
/// How long all of it may take: what is not known by then is told, domain by domain.
pub(super) const LIMIT: Duration = Duration::from_secs(90);
/// Domains that are asked about at once: a provider may have thousands.
const AT_ONCE: usize = 32;

pub(super) async fn look(case: Arc<Case>) -> Vec<Finding> {
    let ends = Instant::now() + LIMIT;
    let host = host(&case).await;
    let addresses = host.as_ref().cloned().unwrap_or_default();
    let mut found: Vec<Finding> = host.err().into_iter().collect();
    let (turns, world) = (Arc::new(Semaphore::new(AT_ONCE)), Arc::new(World::of(Arc::clone(&case), addresses)));
    let mut domains = tokio::task::JoinSet::new();
    for (place, domain) in case.config.domains.iter().cloned().enumerate() {
        let (turns, world) = (Arc::clone(&turns), Arc::clone(&world));
        domains.spawn(async move {
            let asked = Asked { domain: domain.clone(), world };
            let look = async {
                // It is never closed; and without a turn more are asked about at once, no more.
                let _turn = turns.acquire().await;
                asked.look().await
            };
            (place, timeout_at(ends, look).await.unwrap_or_else(|_| vec![unanswered(&domain, "timeout")]))
        });
    }
    let mut each: Vec<(usize, Vec<Finding>)> = domains.join_all().await;
    each.sort_by_key(|(place, _)| *place);
    let fine = each.iter().filter(|(_, found)| found.is_empty()).count();
    found.extend(each.into_iter().flat_map(|(_, found)| found));
    if fine > 0 {
        let host = &case.config.host.value;
        let text = said!(
            "{fine} domini: MX {host}, SPF, DMARC e TLSRPT sono al loro posto",
            "{fine} domains: MX {host}, SPF, DMARC and TLSRPT are in place"
        );
        found.push(Finding::fine("", text));
    }
    found.extend(signature(&case).await);
    found
}

/// The addresses of our own name.
async fn host(case: &Case) -> Result<Vec<IpAddr>, Finding> {
    let host = &case.config.host.value;
    let remedy = said!("pubblicare i record A e AAAA di {host}", "publish the records A and AAAA of {host}");
    match case.dns.addresses(host).await {
        Ok(answer) if !answer.records.is_empty() => Ok(answer.records),
        Ok(_) | Err(Fault::NoName) => Err(Finding::error(host, said!("non ha indirizzi", "it has no address"), remedy)),
        Err(Fault::Unknown(why)) => Err(unanswered(host, &why)),
    }
}

fn unanswered(about: &impl ToString, why: &str) -> Finding {
    Finding::error(
        about.to_string(),
        said!("il DNS non risponde: {why}", "the DNS does not answer: {why}"),
        said!("guardare i server della zona e [dns] servers", "look at the zone's servers and at [dns] servers"),
    )
}

/// What all domains are asked with.
struct World {
    case: Arc<Case>,
    addresses: Vec<IpAddr>,
    spf: Option<MessageAuthenticator>,
    fetch: Option<Fetch>,
}

impl World {
    fn of(case: Arc<Case>, addresses: Vec<IpAddr>) -> Self {
        let spf = Dns::unproven(&case.config.dns).map(MessageAuthenticator);
        let fetch = material::relay_client(&case.config).ok().map(sts::fetch);
        Self { case, addresses, spf, fetch }
    }

    fn host(&self) -> &str {
        &self.case.config.host.value
    }
}

/// What is asked of one domain.
struct Asked {
    domain: Domain,
    world: Arc<World>,
}

impl Asked {
    /// Nothing, if all is well.
    async fn look(&self) -> Vec<Finding> {
        let (mx, spf, dmarc, reports, sts) =
            tokio::join!(self.mx(), self.spf(), self.dmarc(), self.reports(), self.sts());
        [mx, spf, dmarc, reports, sts].into_iter().flatten().collect()
    }

    /// The texts of a name that begin like this; an answer that there are none is none.
    async fn texts(&self, name: &str, start: &str) -> Result<Vec<String>, Finding> {
        match self.world.case.dns.txt(name).await {
            Ok(answer) => {
                // The tag is followed by a blank, a semicolon or nothing (RFC 7208 §4.5, RFC 7489 §6.3).
                let ours = |text: &String| {
                    let rest = text.strip_prefix(start);
                    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', ';']))
                };
                Ok(answer.records.into_iter().filter(ours).collect())
            }
            Err(Fault::NoName) => Ok(Vec::new()),
            Err(Fault::Unknown(why)) => Err(unanswered(&name, &why)),
        }
    }

    async fn mx(&self) -> Option<Finding> {
        let host = self.world.host();
        let remedy = said!(
            "pubblicare `{}. IN MX 10 {host}.` e nient'altro",
            "publish `{}. IN MX 10 {host}.` and nothing else",
            self.domain
        );
        let names: Vec<String> = match self.world.case.dns.mx(self.domain.as_str()).await {
            Ok(answer) => answer.records.into_iter().map(|(_, name)| name).collect(),
            Err(Fault::NoName) => Vec::new(),
            Err(Fault::Unknown(why)) => return Some(unanswered(&self.domain, &why)),
        };
        let others: Vec<&str> = names.iter().map(String::as_str).filter(|name| *name != host).collect();
        if others.len() == names.len() {
            let list = if names.is_empty() { "—".to_owned() } else { names.join(", ") };
            let text = said!("MX non porta a {host}: {list}", "MX does not lead to {host}: {list}");
            return Some(Finding::error(&self.domain, text, remedy));
        }
        // RFC 6109 §5.3: secondary servers too are under the provider's own control.
        (!others.is_empty()).then(|| {
            let list = others.join(", ");
            let text = said!(
                "MX porta anche a {list}: devono essere sotto il diretto controllo del gestore",
                "MX leads to {list} too: they must be under the provider's direct control"
            );
            Finding::warning(&self.domain, text, remedy)
        })
    }

    /// Whether a receiver would let our mail through from each of our addresses.
    async fn spf(&self) -> Option<Finding> {
        let name = self.domain.as_str();
        let remedy = plain(format!("`{name}. IN TXT \"v=spf1 mx -all\"`"));
        let found = match self.texts(name, "v=spf1").await {
            Ok(found) => found,
            Err(finding) => return Some(finding),
        };
        if found.len() != 1 {
            let count = found.len();
            let text = said!("{count} record SPF invece di uno", "{count} SPF records instead of one");
            return Some(Finding::error(&self.domain, text, remedy));
        }
        let (spf, sender) = (self.world.spf.as_ref()?, format!("posta-certificata@{name}"));
        for ip in &self.world.addresses {
            let asked = SpfParameters::verify_mail_from(*ip, self.world.host(), self.world.host(), &sender);
            let result = spf.verify_spf(asked).await.result();
            if result != SpfResult::Pass {
                let text = said!(
                    "SPF non ammette {ip}, nostro indirizzo: {result:?}",
                    "SPF does not admit {ip}, an address of ours: {result:?}"
                );
                return Some(Finding::error(&self.domain, text, remedy));
            }
        }
        None
    }

    async fn dmarc(&self) -> Option<Finding> {
        let name = format!("_dmarc.{}", self.domain);
        let remedy = plain(format!("`{name}. IN TXT \"v=DMARC1; p=reject\"`"));
        let found = match self.texts(&name, "v=DMARC1").await {
            Ok(found) => found,
            Err(finding) => return Some(finding),
        };
        let text = match &found[..] {
            [] => said!("nessun record DMARC", "no DMARC record"),
            [one]
                if tag(one, "p")
                    .is_some_and(|p| p.eq_ignore_ascii_case("reject") || p.eq_ignore_ascii_case("quarantine")) =>
            {
                return None;
            }
            [one] => said!(
                "DMARC non chiede di rifiutare chi finge: {one}",
                "DMARC does not ask to refuse who pretends: {one}"
            ),
            _ => said!("più di un record DMARC: non ne vale nessuno", "several DMARC records: none counts"),
        };
        Some(Finding::warning(&self.domain, text, remedy))
    }

    async fn reports(&self) -> Option<Finding> {
        let name = format!("_smtp._tls.{}", self.domain);
        match self.texts(&name, "v=TLSRPTv1").await {
            Ok(found) if found.iter().any(|text| tag(text, "rua").is_some()) => None,
            Ok(_) => Some(Finding::warning(
                &self.domain,
                said!(
                    "nessuno sa a chi mandare i rapporti sul TLS (TLSRPT)",
                    "nobody knows where to send reports about TLS (TLSRPT)"
                ),
                plain(format!("`{name}. IN TXT \"v=TLSRPTv1; rua=mailto:…\"`")),
            )),
            Err(finding) => Some(finding),
        }
    }

    /// A policy is looked at when one is announced: a wrong one keeps mail out.
    async fn sts(&self) -> Option<Finding> {
        let name = format!("_mta-sts.{}", self.domain);
        let remedy = said!(
            "mostrare publish/mta-sts.txt su https://mta-sts.{}/.well-known/, o togliere {name}",
            "show publish/mta-sts.txt at https://mta-sts.{}/.well-known/, or remove {name}",
            self.domain
        );
        let error = |text| Some(Finding::error(&self.domain, text, remedy.clone()));
        let announced = match self.texts(&name, "v=STSv1").await {
            Ok(found) if found.is_empty() => return None,
            Ok(found) => sts::id(&found),
            Err(finding) => return Some(finding),
        };
        if announced.is_none() {
            return error(said!("{name} non si capisce", "{name} cannot be understood"));
        }
        match sts::current(&self.world.case.dns, self.world.fetch.as_ref()?, HTTPS, &self.domain).await {
            Ok(policy) if policy.allows(self.world.host()) => None,
            Ok(_) => error(said!(
                "la policy MTA-STS non ammette {}",
                "the MTA-STS policy does not admit {}",
                self.world.host()
            )),
            Err((_, why)) => error(said!(
                "la policy MTA-STS annunciata non si ottiene: {why:#}",
                "the MTA-STS policy that is announced cannot be had: {why:#}"
            )),
        }
    }
}

/// Whether others find the key under which we sign ordinary mail.
async fn signature(case: &Case) -> Option<Finding> {
    let config = case.config.dkim.as_ref()?;
    let pem = std::fs::read(&config.key.value).ok()?;
    // What cannot be read is told by the configuration.
    let signer = dkim::Signer::new(config, &pem).ok()?;
    let (name, wanted) = signer.record();
    let publish = said!(
        "pubblicare il record di `sigillo config dkim {}`",
        "publish the record of `sigillo config dkim {}`",
        case.config.file.display()
    );
    let found = match case.dns.txt(name).await {
        Ok(answer) => answer.records,
        Err(Fault::NoName) => Vec::new(),
        Err(Fault::Unknown(why)) => return Some(unanswered(&name, &why)),
    };
    let key = |text: &str| tag(text, "p").map(|p| p.split_whitespace().collect::<String>());
    Some(match &found[..] {
        [] => Finding::error(name, said!("la chiave DKIM non è pubblicata", "the DKIM key is not published"), publish),
        [one] if key(one) == key(wanted) => {
            Finding::fine(name, said!("la chiave DKIM è la nostra", "the DKIM key is ours"))
        }
        _ => Finding::error(name, said!("la chiave DKIM è un'altra", "the DKIM key is another"), publish),
    })
}

/// The value of a tag in a list `a=b; c=d`.
fn tag<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let mut pairs = text.split(';').filter_map(|pair| pair.split_once('='));
    pairs.find(|(key, _)| key.trim() == name).map(|(_, value)| value.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_read_whatever_stands_about_them() {
        assert_eq!(tag("v=DMARC1; p = reject ;rua=mailto:x", "p"), Some("reject"));
        assert_eq!(tag("v=DKIM1; k=rsa; p=MII=", "p"), Some("MII="));
        assert_eq!(tag("v=DKIM1; sp=x", "p"), None);
        assert_eq!(tag("", "p"), None);
    }
}
