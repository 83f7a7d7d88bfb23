//! Lists, page by page to their end.

use serde::de::DeserializeOwned;

use super::{Client, Error, query};
use crate::api::{LISTING_MOST, Paged};

impl Client {
    /// The whole of a list.
    pub(super) async fn whole<T: DeserializeOwned + Paged>(&self, path: &str) -> Result<T, Error> {
        let first = self.get(&format!("{path}?limit={LISTING_MOST}")).await?;
        self.followed(path, first).await
    }

    /// What an answer has of a list, and the rest of it.
    pub(super) async fn followed<T: DeserializeOwned + Paged>(&self, path: &str, mut all: T) -> Result<T, Error> {
        let most = LISTING_MOST.to_string();
        while let Some(next) = all.take_next() {
            let given = query(&[("limit", Some(&most)), ("after", Some(&next))]);
            all.add(self.get(&format!("{path}?{given}")).await?);
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Tenants;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::UnixListener;

    #[tokio::test]
    async fn a_list_is_followed_to_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join("s")).unwrap();
        let answers = [("?limit=1000 ", r#","next":"7 8""#), ("?limit=1000&after=7%208 ", "")];
        let serve = async {
            for ((asked, next), id) in answers.into_iter().zip(1..) {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut buffer = [0; 4096];
                let read = stream.read(&mut buffer).await.unwrap();
                let said = String::from_utf8_lossy(&buffer[..read]).into_owned();
                assert!(said.contains(asked), "{said}");
                let one = format!(r#"{{"id":{id},"name":"x","code":"","contacts":[],"domains":[],"created":""}}"#);
                let body = format!(r#"{{"tenants":[{one}]{next}}}"#);
                let reply = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
                stream.write_all(reply.as_bytes()).await.unwrap();
            }
        };
        let client = Client::new(folder.path().join("s"));
        let (all, ()) = tokio::join!(client.tenants(), serve);
        let Tenants { tenants, next } = all.unwrap();
        assert_eq!((tenants.iter().map(|t| t.id).collect::<Vec<_>>(), next), (vec![1, 2], None));
    }
}
