//! The sender's mail client: submission on the 587 role, STARTTLS, AUTH PLAIN.

use std::sync::Arc;

use anyhow::{Context, Result, bail};
use data_encoding::BASE64;
use sigillo_base::{Complaint, said};
use tokio_rustls::rustls::ClientConfig;

use super::plan::Box;
use super::talk::Talk;
use crate::complaint::Context as _;

/// Hands a message over to the access point; gives the last reply.
pub(super) async fn submit(
    port: u16,
    client: Arc<ClientConfig>,
    from: &Box,
    to: &str,
    message: &[u8],
) -> Result<String> {
    let mut talk = Talk::connect(port).await?;
    reply(&mut talk, '2').await.told(|| said!("saluto", "greeting"))?;
    command(&mut talk, "EHLO demo.example", '2').await?;
    command(&mut talk, "STARTTLS", '2').await?;
    let mut talk = talk.start_tls(client).await.context("TLS")?;
    command(&mut talk, "EHLO demo.example", '2').await?;
    let plain = format!("\0{}\0{}", from.address, from.password.expose());
    talk.write(format!("AUTH PLAIN {}\r\n", BASE64.encode(plain.as_bytes())).as_bytes()).await?;
    reply(&mut talk, '2').await.context("AUTH PLAIN")?;
    command(&mut talk, &format!("MAIL FROM:<{}>", from.address), '2').await?;
    command(&mut talk, &format!("RCPT TO:<{to}>"), '2').await?;
    command(&mut talk, "DATA", '3').await?;
    // The message is ours: no line of it begins with a dot.
    talk.write(message).await?;
    talk.write(b".\r\n").await?;
    let taken = reply(&mut talk, '2').await.told(|| said!("messaggio", "message"))?;
    command(&mut talk, "QUIT", '2').await?;
    Ok(taken)
}

async fn command(talk: &mut Talk, text: &str, class: char) -> Result<String> {
    talk.write(format!("{text}\r\n").as_bytes()).await?;
    reply(talk, class).await.with_context(|| text.to_owned())
}

async fn reply(talk: &mut Talk, class: char) -> Result<String> {
    loop {
        let line = talk.line().await?;
        if line.as_bytes().get(3) == Some(&b'-') {
            continue;
        }
        if !line.starts_with(class) {
            bail!(Complaint(said!("il server risponde: {line}", "the server answers: {line}")));
        }
        return Ok(line);
    }
}
