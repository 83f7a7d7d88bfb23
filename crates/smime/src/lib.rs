//! Signatures and the certificates behind them: CMS SignedData, X.509 paths, revocation lists, time-stamps, and a
//! small certification authority for demonstrations and tests.
//!
//! Knows: how a certified message is signed and how a signature, a certificate path and a CRL are judged at a given
//! instant. Must never know: where keys live (a [`Signer`] is handed in), clocks, sockets, files, mail formats.
//! Entry points: [`signed_attributes`] and [`detached`] to sign, [`SignedData`] and [`Trust`] to judge,
//! [`timestamp::request`], [`timestamp::response`] and [`timestamp::Token`] for time-stamps,
//! [`authority::Authority`] to issue, [`authority::request`] to ask for a certificate.
//! Sources: RFC 2986 (requests), RFC 5652 (CMS), RFC 5035 (signingCertificateV2), RFC 8551 (S/MIME), RFC 5280 (paths, CRLs),
//! RFC 3161 and RFC 5816 (time-stamps), RFC 6109 §5.5 (the provider's certificate), DM 2-11-2005 art. 6–7.
//!
//! Invariants:
//! - what we sign is good for foreign eyes: `openssl cms` and `openssl smime` verify it (`tests/openssl.rs`);
//! - one altered byte of content, attributes or signature is seen (`signed_data::tests`);
//! - no input makes the parsers panic (`signed_data::tests::any_bytes_never_panic`, `crl::tests`, `certificate::tests`,
//!   `timestamp::tests::any_bytes_never_panic`);
//! - a path is good for mail only with a current CRL of each issuer (`trust::tests`); for a time-stamp any CRL by
//!   which it was revoked by its instant decides
//!   (`timestamp::tests::whatever_list_there_is_the_date_of_the_revocation_decides`);
//! - a remembered verdict holds only inside the window in which it was proven, whichever way the clock goes
//!   (`trust::tests::a_verdict_holds_only_inside_its_window`), and for mail only
//!   (`trust::tests::what_is_believed_for_one_purpose_is_not_for_the_other`);
//! - a time-stamp is of the data, the request and an authority that does nothing else, or it is refused
//!   (`timestamp::tests`); `openssl ts` answers our requests and believes what we believe (`tests/openssl/stamps.rs`);
//! - private keys do not show in `Debug` and their copies are wiped (`signer::tests`).

mod asn1;
pub mod authority;
mod certificate;
mod compose;
mod crl;
mod digest;
mod error;
mod signed_data;
mod signer;
pub mod timestamp;
mod trust;

pub use certificate::{Certificate, Deviation, Identity};
pub use compose::{attached, detached, signed_attributes};
pub use crl::Crl;
pub use digest::{Hasher, sha1, sha256};
pub use error::Error;
pub use signed_data::SignedData;
pub use signer::{KeySigner, SignError, Signer};
pub use trust::{PathError, Trust};

#[cfg(test)]
mod fixtures;
