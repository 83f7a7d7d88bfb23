//! Where a key in a device is: a PKCS #11 URI (RFC 7512), as far as it names one private key, the module that leads to it, and the
//! file with the PIN.

use std::fmt;
use std::path::PathBuf;

/// One private key.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Uri {
    /// The library that speaks with the device.
    pub module: PathBuf,
    /// The file with the user's PIN, as it was written.
    pub pin: PathBuf,
    /// Label of the token.
    pub token: Option<String>,
    /// Its serial number.
    pub serial: Option<String>,
    /// Label of the key.
    pub object: Option<String>,
    /// Its CKA_ID.
    pub id: Option<Vec<u8>>,
}

impl Uri {
    /// Whether a text means to be one.
    pub fn is(text: &str) -> bool {
        text.starts_with("pkcs11:")
    }

    /// Reads one. What it names beyond these attributes is an error: who narrows a key down means it.
    ///
    /// # Errors
    /// What is wrong, in Italian and in English.
    pub fn parse(text: &str) -> Result<Self, (String, String)> {
        let both = |it: &str, en: &str, name: &str| Err((format!("{it} «{name}»"), format!("{en} {name:?}")));
        let rest = text.strip_prefix("pkcs11:").unwrap_or_default();
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let parts = path.split(';').filter(|p| !p.is_empty()).chain(query.split('&').filter(|p| !p.is_empty()));
        let mut uri = Self::default();
        for part in parts {
            let Some((name, Some(bytes))) = part.split_once('=').map(|(name, value)| (name, decoded(value))) else {
                return both("non è un attributo di un URI PKCS#11:", "is no attribute of a PKCS #11 URI:", part);
            };
            if let ("id", bytes) = (name, &bytes) {
                uri.id = Some(bytes.clone());
                continue;
            }
            let Ok(value) = String::from_utf8(bytes) else {
                return both("non è testo il valore di", "no text is the value of", name);
            };
            match name {
                "token" => uri.token = Some(value),
                "serial" => uri.serial = Some(value),
                "object" => uri.object = Some(value),
                "type" if value == "private" => {}
                "module-path" => uri.module = value.into(),
                "pin-source" => uri.pin = value.strip_prefix("file:").unwrap_or(&value).into(),
                "pin-value" => {
                    return both(
                        "il PIN sta in un file (pin-source), non in",
                        "the PIN is in a file (pin-source), not in",
                        name,
                    );
                }
                other => return both("non si sa che cosa fare di", "there is nothing to be made of", other),
            }
        }
        let missing = [
            ("module-path", uri.module.as_os_str().is_empty()),
            ("pin-source", uri.pin.as_os_str().is_empty()),
            ("token", uri.token.is_none() && uri.serial.is_none()),
            ("object", uri.object.is_none() && uri.id.is_none()),
        ];
        match missing.into_iter().find(|(_, missing)| *missing) {
            Some((name, _)) => both("manca l'attributo", "there is no attribute", name),
            None => Ok(uri),
        }
    }
}

impl fmt::Display for Uri {
    /// For people: which key on which token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = self.id.as_ref().map(|id| data_encoding::HEXLOWER.encode(id));
        let token = self.token.as_deref().or(self.serial.as_deref()).unwrap_or_default();
        write!(f, "{}@{token}", self.object.as_deref().or(id.as_deref()).unwrap_or_default())
    }
}

/// A value with its `%XX` as bytes (RFC 7512 §2.3).
fn decoded(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let (hex, tail) = rest.split_at_checked(2)?;
        bytes.extend(data_encoding::HEXLOWER_PERMISSIVE.decode(hex).ok()?);
        rest = tail;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uri_names_a_key_its_module_and_the_file_of_its_pin() {
        let text = "pkcs11:token=Firma%20PEC;object=firma;id=%01%fF;type=private?module-path=/usr/lib/p11.so&pin-source=file:/etc/pin";
        let uri = Uri::parse(text).unwrap();
        assert_eq!((uri.token.as_deref(), uri.object.as_deref()), (Some("Firma PEC"), Some("firma")));
        assert_eq!((uri.id.as_deref(), uri.pin.to_str()), (Some(&[1, 255][..]), Some("/etc/pin")));
        assert_eq!(uri.to_string(), "firma@Firma PEC");
        for (bad, says) in [
            ("pkcs11:", "module-path"),
            ("pkcs11:token=a;object=b?module-path=/m", "pin-source"),
            ("pkcs11:object=b?module-path=/m&pin-source=p", "token"),
            ("pkcs11:token=a?module-path=/m&pin-source=p", "object"),
            ("pkcs11:token=a;object=b?module-path=/m&pin-value=1234", "pin-source"),
            ("pkcs11:token=a;object=b;type=cert?module-path=/m&pin-source=p", "type"),
            ("pkcs11:token=a;object=b;slot-id=0?module-path=/m&pin-source=p", "slot-id"),
            ("pkcs11:token=a;object=%4?module-path=/m&pin-source=p", "object=%4"),
            ("pkcs11:token;object=b?module-path=/m&pin-source=p", "token"),
            ("pkcs11:token=%ff;object=b?module-path=/m&pin-source=p", "token"),
        ] {
            let (it, en) = Uri::parse(bad).unwrap_err();
            assert!(it.contains(says) && en.contains(says), "{bad}: {it}; {en}");
            assert!(!it.contains("1234"), "the PIN is not repeated");
        }
    }
}
