//! How the holder of a mailbox is reached outside of it (*recapiti*): where the secret goes with which he sets his password
//! anew (PWD-01, PWD-03).

use serde::{Deserialize, Serialize};
use sigillo_base::{Address, Phone};

use crate::Channel;

/// At most one number and one address.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<Channel>", into = "Vec<Channel>")]
pub struct Contact {
    /// A number that receives short messages.
    pub phone: Option<Phone>,
    /// An address of ordinary mail.
    pub mail: Option<Address>,
}

impl Contact {
    /// Where he is told something, the way that he looks at first.
    pub fn channels(&self) -> Vec<Channel> {
        let phone = self.phone.clone().map(Channel::Sms);
        phone.into_iter().chain(self.mail.clone().map(Channel::Mail)).collect()
    }
}

impl From<Contact> for Vec<Channel> {
    fn from(contact: Contact) -> Self {
        contact.channels()
    }
}

impl From<Vec<Channel>> for Contact {
    fn from(channels: Vec<Channel>) -> Self {
        let mut contact = Self::default();
        for channel in channels {
            match channel {
                Channel::Sms(phone) => contact.phone = Some(phone),
                Channel::Mail(mail) => contact.mail = Some(mail),
            }
        }
        contact
    }
}
