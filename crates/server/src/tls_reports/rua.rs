//! Where a domain wants its reports (RFC 8460 §3): its TXT record at `_smtp._tls`.

use sigillo_base::Address;

use crate::fetch::Url;

/// Places of one domain that are heeded.
const MOST: usize = 4;

/// A place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Rua {
    /// By mail.
    Mail(Address),
    /// By POST.
    Https(Url),
}

/// The places that a record names; none without a record, or with two, of which nobody knows which counts.
pub(super) fn read(records: &[String]) -> Vec<Rua> {
    let mut announced = records.iter().filter(|text| text.starts_with("v=TLSRPTv1;"));
    let (Some(text), None) = (announced.next(), announced.next()) else { return Vec::new() };
    let mut fields = text.split(';').filter_map(|field| field.split_once('='));
    let Some((_, places)) = fields.find(|(key, _)| key.trim() == "rua") else { return Vec::new() };
    places.split(',').filter_map(|place| one(place.trim())).take(MOST).collect()
}

fn one(place: &str) -> Option<Rua> {
    let (scheme, rest) = place.split_once(':')?;
    match scheme.to_ascii_lowercase().as_str() {
        // A commented address would be percent-coded: none that is wanted here is.
        "mailto" => Address::parse(rest.split('?').next()?).ok().map(Rua::Mail),
        "https" => place.parse().ok().map(Rua::Https),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_names_its_places() {
        let read = |records: &[&str]| read(&records.iter().map(|r| (*r).to_owned()).collect::<Vec<_>>());
        let mail = |text: &str| Rua::Mail(Address::parse(text).unwrap());
        let https = |text: &str| Rua::Https(text.parse().unwrap());
        assert_eq!(read(&["v=TLSRPTv1; rua=mailto:r@a.example"]), [mail("r@a.example")]);
        assert_eq!(
            read(&["x", "v=TLSRPTv1;rua=https://r.a.example/v1?x=1, MAILTO:r@a.example?subject=x;"]),
            [https("https://r.a.example/v1?x=1"), mail("r@a.example")]
        );
        assert_eq!(read(&[&format!("v=TLSRPTv1; rua={}", "mailto:r@a.example,".repeat(9))]).len(), MOST);
        for none in [
            &["v=TLSRPTv1; rua=mailto:r@a.example", "v=TLSRPTv1; rua=mailto:s@a.example"][..],
            &["v=TLSRPTv2; rua=mailto:r@a.example"],
            &["v=TLSRPTv1; ruf=mailto:r@a.example"],
            &["v=TLSRPTv1; rua=http://a.example/,ftp:x,mailto:nobody,r@a.example"],
            &[],
        ] {
            assert_eq!(read(none), [], "{none:?}");
        }
    }
}
