//! Keys for people.

use sigillo_store::{Error, KeyReader, tag};

/// Tags behind which a name stands, and nothing after it that people read.
const NAMES: [u8; 9] = [
    tag::CERTIFICATE_SEEN,
    tag::META,
    tag::COUNTER,
    tag::DOMAIN,
    tag::MAILBOX_BY_ADDRESS,
    tag::LIST,
    tag::LIST_UNIT,
    tag::LIST_CANCELLED,
    tag::STS_POLICY,
];

/// A key as people read it: the name of its tag and its parts; hexadecimal where it has not the parts of its tag.
pub fn readable(key: &[u8]) -> String {
    let Some(&first) = key.first() else { return "inizio".to_owned() };
    let name =
        tag::ALL.iter().find(|(tag, _)| *tag == first).map_or_else(|| format!("{first:02x}"), |(_, n)| (*n).to_owned());
    if key.len() == 1 {
        return name;
    }
    let parts = parts(key, first).unwrap_or_else(|_| data_encoding::HEXLOWER.encode(&key[1..]));
    format!("{name} {parts}")
}

fn parts(key: &[u8], first: u8) -> Result<String, Error> {
    let mut r = KeyReader::new(key, first)?;
    let hex = |bytes: &[u8]| data_encoding::HEXLOWER.encode(bytes);
    let text = match first {
        tag::CERTIFICATE_TOLD => {
            format!("{} {} {} {}", r.text()?, hex(&r.array::<32>()?), r.u32()?, r.u64()?)
        }
        _ if NAMES.contains(&first) => r.text()?,
        tag::WATCH | tag::ALERT_WINDOW | tag::RATE | tag::MAILBOX | tag::BOX_USAGE | tag::CONTACT | tag::RESET => {
            r.mailbox()?.0.to_string()
        }
        tag::PERSON | tag::PERSON_FACTOR | tag::LOG_CHAIN => r.u64()?.to_string(),
        tag::PROFILE_USE => format!("{}/{}", r.text()?, r.mailbox()?.0),
        tag::PROFILE_HISTORY | tag::STANDING => format!("{} {}", r.mailbox()?.0, r.time()?),
        tag::OPERATION => format!("{}/{}", r.text()?, r.u64()?),
        tag::ACCESS_SEAL => format!("{}/{}", r.u64()?, r.text()?),
        tag::DOMAIN_HISTORY => format!("{} {}", r.text()?, r.time()?),
        tag::PLAN => format!("{}/{}", r.u64()?, r.u64()?),
        tag::ADDRESS_BOOK => match (r.u64()?, r.u8()?) {
            (tenant, 0) => format!("{tenant}/{}", r.text()?),
            (tenant, _) => tenant.to_string(),
        },
        tag::LEAVING => format!("{} {}", r.time()?, r.mailbox()?.0),
        tag::OVERRUN => format!("{}/{} {}/{}", r.text()?, r.mailbox()?.0, r.time()?, r.u8()?),
        tag::TRAIL => format!("{} {} {}", r.mailbox()?.0, r.time()?, r.text()?),
        tag::SUBSCRIBED => format!("{}/{}", r.mailbox()?.0, r.text()?),
        tag::CREDENTIAL | tag::CREDENTIAL_USE | tag::FORMER_PASSWORD | tag::SECOND_FACTOR | tag::SENT_DAY => {
            format!("{}/{}", r.mailbox()?.0, r.text()?)
        }
        tag::FOLDER | tag::TEXT_MARK => format!("{}/{}", r.mailbox()?.0, r.u32()?),
        tag::FOLDER_ENTRY => format!("{}/{}/UID {}", r.mailbox()?.0, r.u32()?, r.uid()?.0),
        tag::FOLDER_CHANGES => format!("{}/{}/MODSEQ {}", r.mailbox()?.0, r.u32()?, r.u64()?),
        tag::ARRIVED => {
            let (due, mailbox, msg) = crate::notices::read_arrival(key)?;
            format!("{due} {} {:032x}", mailbox.0, msg.0)
        }
        tag::NOTICE => format!("{} {} {:032x}", r.u8()?, r.time()?, r.u128()?),
        tag::TOLD | tag::MESSAGE | tag::ARRIVAL | tag::SUMMARY | tag::GRAMS | tag::QUEUE_ITEM => {
            format!("{:032x}", r.u128()?)
        }
        tag::DISPATCH => match (r.text()?, r.text()?) {
            (id, rcpt) if rcpt.is_empty() => id,
            (id, rcpt) => format!("{id} → {rcpt}"),
        },
        tag::PROOF => format!("{} {}", r.mailbox()?.0, hex(&r.bytes()?)),
        tag::SCREENED => format!("{} {}", r.text()?, r.text()?),
        tag::RECEIVED => format!("{} → {}", hex(&r.bytes()?), r.text()?),
        tag::ARCHIVE | tag::READING | tag::STRANGER => format!("{} {} {:032x}", r.u64()?, r.time()?, r.u128()?),
        tag::LEGAL_LOG => format!("{} {} {:032x}/{:x}", r.text()?, r.time()?, r.u128()?, r.u32()?),
        tag::LOG_BY_ID => format!("{} {} {:032x}", r.text()?, r.time()?, r.u128()?),
        tag::LOG_SEGMENT => format!("{}/{}", r.u8()?, r.u64()?),
        tag::QUARANTINE | tag::LOG_PENDING => format!("{} {:032x}", r.time()?, r.u128()?),
        tag::SET_ASIDE => format!("{} {}", hex(&r.array::<32>()?), r.time()?),
        tag::BODY | tag::BODY_RESERVATION => hex(&r.array::<32>()?),
        tag::BODY_CHUNK => format!("{}/{}", hex(&r.array::<32>()?), r.u32()?),
        tag::BODY_LINK => return Ok(format!("{} ← {}", hex(&r.array::<32>()?), readable(r.rest()))),
        tag::LEASE => readable(r.clone().rest()),
        tag::QUEUE_DUE => due(r)?,
        tag::TIMER_DUE => format!("{} {} → {}", r.time()?, r.text()?, r.text()?),
        _ => hex(r.clone().rest()),
    };
    Ok(text)
}

fn due(mut r: KeyReader<'_>) -> Result<String, Error> {
    Ok(match r.u8()? {
        lane @ ..2 => format!("{lane} {} {:032x}", r.time()?, r.u128()?),
        lane => format!("{lane} {} {:032x}", r.u64()?, r.u128()?),
    })
}

#[cfg(test)]
mod tests {
    use sigillo_base::{MailboxId, MsgId, Uid};
    use sigillo_store::body;

    use super::*;
    use crate::rows::{entry_key, message_key};

    #[test]
    fn a_key_is_told_by_its_parts_and_a_broken_one_by_its_bytes() {
        assert_eq!(readable(entry_key(MailboxId(7), 1, Uid(3)).as_ref()), "folder-entry 7/1/UID 3");
        let message = message_key(MsgId(0xab));
        let link = body::link_of(sigillo_store::BodyId([0x11; 32]), &message);
        assert_eq!(readable(&link), format!("body-link {} ← message {:032x}", "11".repeat(32), 0xab));
        assert_eq!(readable(&[tag::FOLDER, 1, 2]), "folder 0102");
        assert_eq!(readable(&[tag::FOLDER]), "folder");
        assert_eq!(readable(&[0xe0, 5]), "e0 05");
    }
}
