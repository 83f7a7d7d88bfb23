//! Why the access point refuses (RFC 6109 §3.1.1, §3.1.2). Each completes `a causa di …`.

use sigillo_base::{Address, limits};

pub(crate) fn unreadable(why: &str) -> String {
    format!("un'intestazione non conforme a RFC 5322: {}", super::line(why))
}

pub(crate) fn not_ascii(field: &str) -> String {
    format!("caratteri non ASCII nel campo {field}")
}

pub(crate) fn long_line(field: &str) -> String {
    format!("una riga troppo lunga nel campo {field}")
}

pub(crate) fn repeated(field: &str) -> String {
    format!("un campo {field} presente più volte")
}

/// `why` names field and line.
pub(crate) fn bad_addresses(why: &str) -> String {
    format!("un indirizzo non valido: {}", super::line(why))
}

pub(crate) fn no_from() -> String {
    "l'assenza di un indirizzo nel campo From".into()
}

pub(crate) fn many_from(count: usize) -> String {
    format!("la presenza di {count} indirizzi nel campo From, dove ne è ammesso uno solo")
}

pub(crate) fn group_from() -> String {
    "la presenza di un gruppo di indirizzi nel campo From".into()
}

pub(crate) fn no_to() -> String {
    "l'assenza di un indirizzo nel campo To".into()
}

pub(crate) fn from_differs(from: &Address, mail_from: &Address) -> String {
    format!("la differenza fra l'indirizzo {from} nel campo From e il mittente {mail_from} dichiarato in SMTP")
}

pub(crate) fn not_in_header(address: &Address) -> String {
    format!("il destinatario {address} non compare nei campi To o Cc")
}

pub(crate) fn not_recipient(address: &Address) -> String {
    format!("l'indirizzo {address} nei campi To o Cc non è fra i destinatari dichiarati in SMTP")
}

pub(crate) fn bcc() -> String {
    "la presenza di un valore nel campo Bcc (Ccn)".into()
}

pub(crate) fn no_recipient() -> String {
    "l'assenza di destinatari".into()
}

pub(crate) fn empty_list(list: &Address) -> String {
    format!("l'assenza di componenti nella lista di distribuzione {list}")
}

pub(crate) fn too_large(size: u64, limit: u64) -> String {
    format!("una dimensione di {} superiore al limite di {}", megabytes(size), megabytes(limit))
}

pub(crate) fn too_many(count: usize, limit: usize) -> String {
    format!("un numero di destinatari ({count}) superiore al limite di {limit}")
}

pub(crate) fn too_much(product: u64, limit: u64) -> String {
    let (product, limit) = (megabytes(product), megabytes(limit));
    format!("un prodotto fra dimensione e numero di destinatari ({product}) superiore al limite di {limit}")
}

pub(crate) fn inhibited(address: &Address) -> String {
    format!("il destinatario {address} non è una casella certificata e lo scambio con la posta ordinaria è inibito")
}
pub(crate) fn and_others(count: usize) -> String {
    format!("e altri {count} problemi")
}

/// `30 MB`, or `10,1 MB` when it is not whole; rounded up, so that a size just over its limit shows as more.
fn megabytes(bytes: u64) -> String {
    let tenths = u128::from(bytes).saturating_mul(10).div_ceil(u128::from(limits::MB));
    match (tenths / 10, tenths % 10) {
        (whole, 0) => format!("{whole} MB"),
        (whole, tenth) => format!("{whole},{tenth} MB"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_rounded_up() {
        use limits::MB;
        assert!(too_large(30 * MB + 1, 30 * MB).contains("30,1 MB superiore al limite di 30 MB"));
        assert!(too_much(u64::MAX, 1).contains("MB"));
    }
}
