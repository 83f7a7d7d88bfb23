//! A small mail reader: IMAP on the 993 role, finds messages by a header and fetches them whole.

use std::sync::Arc;

use anyhow::{Context, Result, bail};
use sigillo_base::{Complaint, said};
use tokio_rustls::rustls::ClientConfig;

use super::plan::Box;
use super::talk::Talk;

/// A mailbox, logged in, INBOX selected read-only.
pub(super) struct Reader {
    talk: Talk,
    tag: u32,
}

/// An untagged response: its line, and the literal it carried.
struct Response {
    line: String,
    literal: Option<Vec<u8>>,
}

impl Reader {
    pub(super) async fn open(port: u16, client: Arc<ClientConfig>, mailbox: &Box) -> Result<Self> {
        let mut talk = Talk::connect(port).await?.start_tls(client).await.context("TLS")?;
        let greeting = talk.line().await?;
        if !greeting.starts_with("* OK") {
            bail!(Complaint(said!("il server saluta: {greeting}", "the server greets: {greeting}")));
        }
        let mut reader = Self { talk, tag: 0 };
        let login = format!("LOGIN {} {}", quoted(mailbox.address.as_str()), quoted(mailbox.password.expose()));
        reader.command(&login).await.with_context(|| format!("LOGIN {}", mailbox.address))?;
        reader.command("EXAMINE INBOX").await?;
        Ok(reader)
    }

    /// Messages whose header `name` holds `value`, whole, oldest first.
    pub(super) async fn find(&mut self, name: &str, value: &str) -> Result<Vec<Vec<u8>>> {
        self.command("NOOP").await?;
        let found = self.command(&format!("UID SEARCH HEADER {name} {}", quoted(value))).await?;
        let uids: Vec<u32> = found
            .iter()
            .filter_map(|r| r.line.strip_prefix("* SEARCH"))
            .flat_map(|list| list.split_whitespace().filter_map(|n| n.parse().ok()))
            .collect();
        let mut messages = Vec::new();
        for uid in uids {
            let fetched = self.command(&format!("UID FETCH {uid} (BODY.PEEK[])")).await?;
            messages.extend(fetched.into_iter().filter_map(|r| r.literal));
        }
        Ok(messages)
    }

    pub(super) async fn close(mut self) -> Result<()> {
        self.command("LOGOUT").await.map(drop)
    }

    async fn command(&mut self, text: &str) -> Result<Vec<Response>> {
        self.tag += 1;
        let tag = format!("d{} ", self.tag);
        self.talk.write(format!("{tag}{text}\r\n").as_bytes()).await?;
        let mut responses = Vec::new();
        loop {
            let mut line = self.talk.line().await?;
            let mut literal = None;
            while let Some(size) = literal_size(&line) {
                literal = Some(self.talk.take(size).await?);
                line = self.talk.line().await?;
            }
            match line.strip_prefix(&tag) {
                Some(done) if done.starts_with("OK") => return Ok(responses),
                Some(done) => bail!(Complaint(said!("il server risponde: {done}", "the server answers: {done}"))),
                None => responses.push(Response { line, literal }),
            }
        }
    }
}

fn literal_size(line: &str) -> Option<usize> {
    line.strip_suffix('}')?.rsplit_once('{')?.1.parse().ok()
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_and_quotes() {
        assert_eq!(literal_size("* 1 FETCH (UID 3 BODY[] {120}"), Some(120));
        assert_eq!(literal_size("* 1 FETCH (FLAGS ())"), None);
        assert_eq!(quoted("a\"b\\c"), "\"a\\\"b\\\\c\"");
    }
}
