//! Why a message from outside is not what it should be (RFC 6109 §2.2.2). They end up in the anomaly envelope.

pub(crate) const UNREADABLE: &str = "messaggio non conforme a RFC 5322";
pub(crate) const UNSIGNED: &str = "firma S/MIME assente";
pub(crate) const SIGNATURE_FORM: &str = "firma S/MIME non leggibile";
pub(crate) const NO_SIGNER: &str = "certificato di firma assente";
pub(crate) const UNKNOWN_SIGNER: &str = "certificato di firma non presente nell'indice dei gestori";
pub(crate) const BROKEN: &str = "firma non valida: il messaggio è stato alterato";
pub(crate) const EXPIRED: &str = "certificato di firma scaduto";
pub(crate) const NOT_YET: &str = "certificato di firma non ancora valido";
pub(crate) const REVOKED: &str = "certificato di firma revocato";
pub(crate) const UNTRUSTED: &str = "certificato di firma non emesso da un'autorità riconosciuta";
pub(crate) const NO_CRL: &str = "lista di revoca non disponibile o non aggiornata";

pub(crate) const FROM: &str = "il campo From non contiene un solo indirizzo";
pub(crate) const FROM_NOT_SAN: &str = "il mittente del campo From non è quello del certificato di firma";
pub(crate) const FROM_DOMAIN: &str = "il dominio del campo From non è fra quelli gestiti dal firmatario";
pub(crate) const BOTH_HEADERS: &str = "campi X-Ricevuta e X-Trasporto entrambi presenti o ripetuti";
pub(crate) const NO_HEADER: &str = "campi X-Ricevuta e X-Trasporto assenti";
pub(crate) const ANOMALY: &str = "busta di anomalia di un altro gestore";
pub(crate) const HEADER_NOT_TIPO: &str = "campo X-Ricevuta o X-Trasporto diverso dal tipo in daticert.xml";
pub(crate) const NOT_MIXED: &str = "la parte firmata non è multipart/mixed";
pub(crate) const NO_TEXT: &str = "la prima parte non è il testo leggibile";
pub(crate) const NO_DATICERT: &str = "daticert.xml assente";
pub(crate) const MANY_DATICERT: &str = "daticert.xml presente più volte";
pub(crate) const DATICERT_CODING: &str = "daticert.xml non decodificabile";
pub(crate) const DATICERT_FIELDS: &str = "daticert.xml privo dei dati richiesti dal tipo";
pub(crate) const NO_ORIGINAL: &str = "postacert.eml assente";
pub(crate) const MANY_ORIGINAL: &str = "postacert.eml presente più volte";
pub(crate) const ORIGINAL_FORBIDDEN: &str = "postacert.eml presente dove non ammesso";
pub(crate) const ORIGINAL_CODING: &str = "postacert.eml codificato";
pub(crate) const ID: &str = "Message-ID diverso dall'identificativo in daticert.xml";
pub(crate) const REFERENCE: &str = "X-Riferimento-Message-ID diverso da msgid in daticert.xml";
pub(crate) const LONG_MSGID: &str = "msgid in daticert.xml più lungo di una riga";
pub(crate) const FOREIGN_SENDER: &str =
    "il dominio del mittente in daticert.xml non è fra quelli gestiti dal firmatario";
pub(crate) const FOREIGN_RECIPIENT: &str = "il firmatario non serve il destinatario di cui parla daticert.xml";
pub(crate) const SENDER: &str = "mittente SMTP diverso dal mittente in daticert.xml";
pub(crate) const RECIPIENTS: &str = "nessun destinatario SMTP fra i destinatari in daticert.xml";
