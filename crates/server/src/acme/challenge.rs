//! The answers to an authority's challenges (http-01, RFC 8555 §8.3): served on a port of their own, and nothing else there.

use std::collections::HashMap;
use std::sync::Arc;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use parking_lot::Mutex;
use tokio::net::TcpListener;

use crate::net::serve_pages;

const PATH: &str = "/.well-known/acme-challenge/";

/// What is answered now, by token.
#[derive(Debug, Clone, Default)]
pub struct Answers(Arc<Mutex<HashMap<String, String>>>);

/// An answer that is there as long as this.
#[derive(Debug)]
pub struct Answer {
    all: Answers,
    token: String,
}

impl Answers {
    /// Gives an answer to whoever knows the token.
    pub fn give(&self, token: &str, authorization: &str) -> Answer {
        self.0.lock().insert(token.to_owned(), authorization.to_owned());
        Answer { all: self.clone(), token: token.to_owned() }
    }

    /// Serves them as long as the task is let live.
    pub async fn serve(self, listener: TcpListener) {
        let answer = move |request: Request<Incoming>| {
            let response = self.answer(request.method(), request.uri().path());
            async move { response }
        };
        serve_pages(listener, answer).await;
    }

    fn answer(&self, method: &Method, path: &str) -> Response<Full<Bytes>> {
        let asked = matches!(*method, Method::GET | Method::HEAD).then(|| path.strip_prefix(PATH)).flatten();
        let known = asked.and_then(|token| self.0.lock().get(token).cloned());
        let status = if known.is_some() { StatusCode::OK } else { StatusCode::NOT_FOUND };
        let mut response = Response::new(Full::from(known.unwrap_or_default()));
        *response.status_mut() = status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
        response
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.all.0.lock().remove(&self.token);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_there_for_its_token_and_as_long_as_it_is_held() {
        let answers = Answers::default();
        let status = |method, path: &str| answers.answer(&method, path).status();
        let held = answers.give("abc", "abc.def");
        assert_eq!(status(Method::GET, "/.well-known/acme-challenge/abc"), StatusCode::OK);
        for path in
            ["/", "/abc", "/.well-known/acme-challenge/", "/.well-known/acme-challenge/abd", "/.well-known/../abc"]
        {
            assert_eq!(status(Method::GET, path), StatusCode::NOT_FOUND, "{path}");
        }
        assert_eq!(status(Method::POST, "/.well-known/acme-challenge/abc"), StatusCode::NOT_FOUND);
        drop(held);
        assert_eq!(status(Method::GET, "/.well-known/acme-challenge/abc"), StatusCode::NOT_FOUND);
    }
}
