//! What holders of mailboxes do themselves, and what is done to their passwords for them.

use hyper::Method;

use super::{Client, Content, Error, PATIENCE};
use crate::api;

impl Client {
    /// Gives a user another password of his own choice.
    pub async fn change_own_password(&self, change: &api::OwnPassword) -> Result<api::OwnChanged, Error> {
        self.send(Method::PUT, api::OWN_PASSWORD, Some(change), PATIENCE).await
    }

    /// Gives many users the passwords that a file has for them; `progress` hears how many lines are done.
    pub async fn give_passwords(
        &self,
        file: Vec<u8>,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<api::PasswordsGiven, Error> {
        self.stepping(api::PASSWORD_FILE, Content { kind: "text/csv", bytes: file.into() }, progress).await
    }

    /// How a mailbox's holder is reached.
    pub async fn contact(&self, of: &str) -> Result<api::Contact, Error> {
        self.get(&api::contact_path(of)).await
    }

    /// Says how he is reached.
    pub async fn set_contact(&self, of: &str, contact: &api::Contact) -> Result<api::Contact, Error> {
        self.send(Method::PUT, &api::contact_path(of), Some(contact), PATIENCE).await
    }

    /// Gives a user an authenticator.
    pub async fn begin_totp(&self, proof: &api::OwnProof) -> Result<api::Enrolment, Error> {
        self.send(Method::POST, api::OWN_TOTP, Some(proof), PATIENCE).await
    }

    /// Takes its first code.
    pub async fn confirm_totp(&self, first: &api::FirstCode) -> Result<api::SpareCodes, Error> {
        self.send(Method::PUT, api::OWN_TOTP, Some(first), PATIENCE).await
    }

    /// Ends a user's second factor.
    pub async fn remove_own_totp(&self, proof: &api::OwnProof) -> Result<api::OwnChanged, Error> {
        self.send(Method::POST, api::OWN_TOTP_REMOVE, Some(proof), PATIENCE).await
    }

    /// Ends the second factor of who has lost it.
    pub async fn remove_totp(&self, of: &str) -> Result<api::OwnChanged, Error> {
        self.send(Method::DELETE, &api::totp_path(of), None::<&()>, PATIENCE).await
    }

    /// Has a one-time secret sent to who holds a mailbox, as he would himself.
    pub async fn ask_reset(&self, asked: &api::ResetAsked) -> Result<api::ResetTold, Error> {
        self.send(Method::POST, api::OWN_RESET, Some(asked), PATIENCE).await
    }

    /// Sets a password by such a secret.
    pub async fn recover(&self, recovery: &api::Recovery) -> Result<api::OwnChanged, Error> {
        self.send(Method::POST, api::OWN_RESET_CONFIRM, Some(recovery), PATIENCE).await
    }

    /// Has a one-time secret sent to who holds a mailbox, as an operator.
    pub async fn reset(&self, of: &str) -> Result<api::ResetSent, Error> {
        self.send(Method::POST, &api::reset_path(of), None::<&()>, PATIENCE).await
    }
}
