//! What ties an exchange to its TLS connection (RFC 5056), so that nobody between can pass it on.

/// Channel-binding data of one connection, by type; the driver knows them once TLS stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Binding {
    /// `tls-exporter` (RFC 9266): 32 octets exported under the label `EXPORTER-Channel-Binding`, in TLS 1.3.
    pub exporter: Option<Vec<u8>>,
    /// `tls-server-end-point` (RFC 5929 §4): the hash of the certificate that we showed.
    pub end_point: Option<Vec<u8>>,
}

impl Binding {
    /// Whether there is nothing to bind to.
    pub fn is_empty(&self) -> bool {
        self.exporter.is_none() && self.end_point.is_none()
    }

    /// The data of a type, by its registered name.
    pub(super) fn of(&self, name: &str) -> Option<&[u8]> {
        match name {
            "tls-exporter" => self.exporter.as_deref(),
            "tls-server-end-point" => self.end_point.as_deref(),
            _ => None,
        }
    }
}
