//! `demo.json`: how to reach the demonstration. Names may be added, none renamed.

use anyhow::Result;
use serde_json::{Value, json};

use super::layout::Layout;
use super::plan::Box;
use super::ports::at;
use super::{Options, Running};
use crate::files;

/// Writes it whole, for the owner alone: it holds passwords.
pub(super) fn write(layout: &Layout, options: &Options, up: &[Running]) -> Result<()> {
    let text = json!({
        "ca_file": layout.ca_file(),
        "index_file": layout.index_file(),
        "crl_file": layout.crl_file(),
        "data_dir": layout.root(),
        "pid": std::process::id(),
        "speed": options.speed,
        "providers": up.iter().map(provider).collect::<Vec<_>>(),
    });
    Ok(files::write_secret(&layout.demo_json(), &serde_json::to_vec_pretty(&text)?)?)
}

fn provider(running: &Running) -> Value {
    let Running { house, ports, boxes, provider } = running;
    let (service, users) = boxes.split_first().map_or((None, &[][..]), |(service, users)| (Some(service), users));
    json!({
        "name": house.name,
        "name_short": house.short.as_str(),
        "service_address": house.service,
        "service_mailbox": service.map(mailbox),
        "host": house.host,
        "smtp": at(ports.smtp).to_string(),
        "submission": at(ports.submission).to_string(),
        "submissions": at(ports.submissions).to_string(),
        "imap": at(ports.imap).to_string(),
        "imaps": at(ports.imaps).to_string(),
        "pop3": at(ports.pop3).to_string(),
        "pop3s": at(ports.pop3s).to_string(),
        "metrics": ports.metrics().to_string(),
        "admin_socket": provider.config().admin_socket.value,
        "domains": house.domains,
        "mailboxes": users.iter().map(mailbox).collect::<Vec<_>>(),
    })
}

fn mailbox(mailbox: &Box) -> Value {
    json!({
        "address": mailbox.address.as_str(),
        "password": mailbox.password.expose(),
        "profile": mailbox.profile.name(),
    })
}
