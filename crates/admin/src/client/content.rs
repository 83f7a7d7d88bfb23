//! Requests about what lies in a mailbox.

use hyper::Method;

use super::{Client, Content, Error, FETCHING, PATIENCE};
use crate::api;

impl Client {
    /// The folders of a mailbox.
    pub async fn folders(&self, of: &str) -> Result<api::Folders, Error> {
        self.get(&api::folders_path(of)).await
    }

    /// Makes a folder where it is missing.
    pub async fn make_folder(&self, of: &str, new: &api::NewFolder) -> Result<api::Folders, Error> {
        self.send(Method::PUT, &api::folders_path(of), Some(new), PATIENCE).await
    }

    /// Gives a message other flags.
    pub async fn set_flags(&self, of: &str, folder: &str, uid: u32, flags: String) -> Result<api::NewFlags, Error> {
        self.send(Method::PUT, &api::message_path(of, folder, uid), Some(&api::NewFlags { flags }), PATIENCE).await
    }

    /// A page of what lies in a folder.
    pub async fn messages(&self, of: &str, folder: &str, after: u32) -> Result<api::Messages, Error> {
        let path = api::messages_path(of, folder, &format!("&after={after}"));
        self.send(Method::GET, &path, None::<&()>, FETCHING).await
    }

    /// The bytes of a message.
    pub async fn message(&self, of: &str, folder: &str, uid: u32) -> Result<Vec<u8>, Error> {
        self.bytes(&api::message_path(of, folder, uid)).await
    }

    /// Puts a message into a folder.
    pub async fn file_message(&self, of: &str, filing: &api::Filing, message: Vec<u8>) -> Result<api::Filed, Error> {
        let api::Filing { folder, date, flags } = filing;
        let more = format!("&date={}&flags={}", api::escaped(date), api::escaped(flags));
        let content = Content { kind: "message/rfc822", bytes: message.into() };
        let path = api::messages_path(of, folder, &more);
        Ok(serde_json::from_slice(&self.answer(Method::POST, &path, Some(content), FETCHING).await?)?)
    }
}
