//! What several test modules share: keys are made once per run, because making them is slow.

use std::sync::LazyLock;
use std::time::Duration;

use sigillo_base::{Address, Timestamp};

use crate::authority::{Authority, Issued};
use crate::{Crl, Identity};

/// 2026-03-12T09:15:01Z
pub(crate) const T0: Timestamp = Timestamp::from_millis(1_773_306_901_000);
pub(crate) const DAY: Duration = Duration::from_secs(86_400);

pub(crate) fn later(days: u32) -> Timestamp {
    T0.plus(days * DAY)
}

pub(crate) fn before(days: i64) -> Timestamp {
    Timestamp::from_millis(T0.as_millis() - days * 86_400_000)
}

pub(crate) fn address() -> Address {
    Address::parse("Posta-Certificata@gestore.example").unwrap()
}

/// A root, valid from a thousand days before `T0`.
pub(crate) fn root() -> &'static Authority {
    static ROOT: LazyLock<Authority> =
        LazyLock::new(|| Authority::new("Autorità di prova", before(1000), later(1000)).unwrap());
    &ROOT
}

/// A provider's certificate of the root, valid from `T0` for 300 days.
pub(crate) fn provider() -> &'static Issued {
    static PROVIDER: LazyLock<Issued> =
        LazyLock::new(|| root().issue_pec("Gestore Èsempio S.p.A.", &address(), T0, later(300)).unwrap());
    &PROVIDER
}

/// An authority below the root, for mail addresses of `gestore.example` and its sub-domains only.
pub(crate) fn narrow() -> &'static Authority {
    static NARROW: LazyLock<Authority> = LazyLock::new(|| {
        root().subordinate("CA gestori", &["altro.example".into(), "gestore.example".into()], T0, later(900)).unwrap()
    });
    &NARROW
}

/// A time-stamp authority's certificate of the root, valid from `T0` for 300 days.
pub(crate) fn tsa() -> &'static Issued {
    static TSA: LazyLock<Issued> = LazyLock::new(|| root().issue_tsa("Marche di prova", T0, later(300)).unwrap());
    &TSA
}

/// A key that belongs to nobody else.
pub(crate) fn other_key() -> &'static str {
    static OTHER: LazyLock<Authority> = LazyLock::new(|| Authority::new("Altra", before(1000), later(1000)).unwrap());
    OTHER.key_pem()
}

pub(crate) fn identity() -> Identity {
    Identity { certificate: provider().certificate(), chain: vec![] }
}

/// A list that revokes nobody, current from `T0` for ten days.
pub(crate) fn clean(authority: &Authority) -> Crl {
    Crl::from_der(&authority.crl(&[], T0, later(10), 1).unwrap()).unwrap()
}
