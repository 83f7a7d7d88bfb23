//! CAPA (RFC 2449).

use super::{Server, State};

impl Server {
    pub(super) fn capa(&mut self) {
        let mut out =
            String::from("+OK\r\nTOP\r\nUIDL\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\nPIPELINING\r\nEXPIRE NEVER\r\n");
        out.push_str("UTF8 USER\r\nIMPLEMENTATION Sigillo\r\n");
        if self.tls {
            out.push_str(&format!("USER\r\nSASL {}\r\n", self.offer.mechanisms().join(" ")));
        } else if matches!(self.state, State::Authorization(_)) {
            out.push_str("STLS\r\n");
        }
        out.push_str(".\r\n");
        self.write(out.into_bytes());
    }
}
