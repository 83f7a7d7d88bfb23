//! What lies in a mailbox, taken out and brought in.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use data_encoding::HEXLOWER;
use sigillo_accounts::Act;
use sigillo_admin::api;
use sigillo_base::limits::RECEPTION_LIMIT;
use sigillo_base::{MailboxId, Uid};
use sigillo_engine::front::{Contents, Lying, Unfiled};
use sigillo_store_rocks::RocksStore;

use super::{At, Fail, Provided, Reply, alive, instant, mailbox, weighing};
use crate::http::actor::Actor;
use crate::http::extract::{Letter, Params, Sent};
use crate::http::table::{Message, On, Row, get, post, put};
use crate::provider::House;

/// Octets that one page reads, beyond its first message.
const PAGE: u64 = 32 << 20;
/// Messages of a page.
const MOST: usize = 500;

const CONTENTS: (Act, On) = (Act::MailboxContents, On::Address);

pub(super) fn rows() -> Vec<Row> {
    vec![
        get("/v1/mailboxes/{address}/folders", CONTENTS, "the folders of a mailbox", folders),
        put("/v1/mailboxes/{address}/folders", CONTENTS, "makes a folder where it is missing", make_folder),
        get("/v1/mailboxes/{address}/messages", CONTENTS, "a page of what lies in a folder", messages).unlogged(),
        post("/v1/mailboxes/{address}/messages", CONTENTS, "puts a message into a folder", file)
            .up_to(RECEPTION_LIMIT)
            .unlogged(),
        get("/v1/mailboxes/{address}/messages/{uid}", CONTENTS, "the bytes of a message", message).unlogged(),
        put("/v1/mailboxes/{address}/messages/{uid}", CONTENTS, "gives a message other flags", set_flags).unlogged(),
    ]
}

impl From<Unfiled> for Fail {
    fn from(why: Unfiled) -> Self {
        let status = match why {
            Unfiled::Full(_) => StatusCode::INSUFFICIENT_STORAGE,
            Unfiled::Missing(_) => StatusCode::NOT_FOUND,
            Unfiled::Refused(_) => StatusCode::CONFLICT,
            Unfiled::Later(_) => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self::new(status, why)
    }
}

type Found = Contents<Arc<RocksStore>>;

/// Works with the contents of a mailbox; `bytes` is the memory that it takes.
async fn within<T: Send + 'static>(
    provider: &Provided,
    actor: Actor,
    (address, bytes): (String, u64),
    work: impl FnOnce(&mut Found) -> Result<T, Fail> + Send + 'static,
) -> Result<T, Fail> {
    let provider = alive(provider)?;
    let (engine, now) = (Arc::clone(&provider.engine), provider.clock.now());
    let open = move |house: &House| {
        let row = mailbox(house, &address)?;
        work(&mut Contents::new(&engine, MailboxId(row.id), now).by(&actor.name(), actor.ip())?)
    };
    weighing(&provider, bytes, open).await
}

async fn folders(
    State(provider): At,
    Extension(actor): Extension<Actor>,
    Path(address): Path<String>,
) -> Reply<api::Folders> {
    let look = |found: &mut Found| {
        found.note_look()?;
        told(found)
    };
    Ok(Json(within(&provider, actor, (address, 0), look).await?))
}

fn told(found: &mut Found) -> Result<api::Folders, Fail> {
    let used = |(name, special): (String, &str)| api::FolderUse { name, special_use: special.to_owned() };
    let uses = found.uses()?.into_iter().map(used).collect();
    Ok(api::Folders { folders: found.folders()?, uses })
}

async fn make_folder(
    State(provider): At,
    Extension(actor): Extension<Actor>,
    Path(address): Path<String>,
    Sent(api::NewFolder { name, special_use, subscribed }): Sent<api::NewFolder>,
) -> Reply<api::Folders> {
    let make = move |found: &mut Found| {
        found.make_folder(&name, special_use.as_deref(), subscribed)?;
        told(found)
    };
    Ok(Json(within(&provider, actor, (address, 0), make).await?))
}

async fn messages(
    State(provider): At,
    Extension(actor): Extension<Actor>,
    Path(address): Path<String>,
    Params(api::PageOf { folder, after }): Params<api::PageOf>,
) -> Reply<api::Messages> {
    let read = move |found: &mut Found| {
        let (mut messages, mut bytes) = (Vec::new(), 0);
        for lying in found.page(&folder, Uid(after))?.into_iter().take(MOST) {
            if bytes > PAGE {
                break;
            }
            bytes += u64::from(lying.size);
            let sha256 = found.sha256(&folder, lying.uid).ok().map(|sum| HEXLOWER.encode(&sum));
            let Lying { uid, size, date, flags } = lying;
            messages.push(api::Message { uid: uid.0, size, date: date.to_string(), flags, sha256 });
        }
        let next = messages.last().map(|last: &api::Message| last.uid.to_string());
        Ok(api::Messages { messages, next })
    };
    Ok(Json(within(&provider, actor, (address, RECEPTION_LIMIT), read).await?))
}

async fn message(
    State(provider): At,
    Extension(actor): Extension<Actor>,
    Path((address, uid)): Path<(String, u32)>,
    Params(api::InFolder { folder }): Params<api::InFolder>,
) -> Result<Message, Fail> {
    let read = move |found: &mut Found| Ok(found.message(&folder, Uid(uid))?);
    Ok(Message(within(&provider, actor, (address, RECEPTION_LIMIT), read).await?))
}

async fn set_flags(
    State(provider): At,
    Extension(actor): Extension<Actor>,
    Path((address, uid)): Path<(String, u32)>,
    Params(api::InFolder { folder }): Params<api::InFolder>,
    Sent(new): Sent<api::NewFlags>,
) -> Reply<api::NewFlags> {
    let set = move |found: &mut Found| {
        found.set_flags(&folder, Uid(uid), &new.flags)?;
        Ok(new)
    };
    Ok(Json(within(&provider, actor, (address, 0), set).await?))
}

async fn file(
    State(provider): At,
    Extension(actor): Extension<Actor>,
    Path(address): Path<String>,
    Params(api::Filing { folder, date, flags }): Params<api::Filing>,
    Letter(body): Letter,
) -> Result<(StatusCode, Json<api::Filed>), Fail> {
    let date = instant(&date)?;
    let weight = body.len() as u64 * 2;
    let file = move |found: &mut Found| Ok(found.file(&folder, &body, date, &flags)?);
    let uid = within(&provider, actor, (address, weight), file).await?;
    Ok((StatusCode::CREATED, Json(api::Filed { uid: uid.0 })))
}

#[cfg(test)]
mod tests {
    use super::super::table;

    #[test]
    fn of_messages_alone_the_gate_writes_nothing_down() {
        let mut unlogged: Vec<_> = table().iter().filter(|row| !row.logged).map(|row| row.path).collect();
        unlogged.dedup();
        assert_eq!(unlogged, ["/v1/mailboxes/{address}/messages", "/v1/mailboxes/{address}/messages/{uid}"]);
    }
}
