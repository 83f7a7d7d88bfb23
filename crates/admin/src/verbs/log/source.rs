//! Where a log is read from: a service that answers, or a store that lies still.

use data_encoding::BASE64;
use sigillo_base::Said;

use super::Period;
use crate::Client;
use crate::api::{self, LogAudit, LogLines, LogSegment};
use crate::verbs::Error;

/// Which lines are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    /// Those about this message.
    pub id: Option<String>,
    /// From this legal day on.
    pub from: Option<String>,
    /// To the end of this legal day.
    pub to: Option<String>,
}

impl Query {
    /// About a message, or of a period.
    pub(super) fn new(id: Option<&str>, period: &Period) -> Self {
        Self { id: id.map(str::to_owned), from: period.from.clone(), to: period.to.clone() }
    }

    fn path(&self, path: &str, after: Option<&str>) -> String {
        let given = [("id", self.id.as_deref()), ("from", self.from.as_deref()), ("to", self.to.as_deref())];
        let mut query = Vec::new();
        for (key, value) in given.into_iter().chain([("after", after)]) {
            if let Some(value) = value {
                query.push(format!("{key}={}", api::escaped(value)));
            }
        }
        format!("{path}?{}", query.join("&"))
    }
}

/// A log, read page by page.
pub trait Source {
    /// The segments after a number, ascending; none when there are no more.
    fn segments(&mut self, after: u64) -> impl Future<Output = Result<Vec<LogSegment>, Error>>;
    /// Lines of a segment's file from a line on; none past its end.
    fn file(&mut self, segment: u64, from: u64) -> impl Future<Output = Result<Vec<String>, Error>>;
    /// The token of a segment.
    fn stamp(&mut self, segment: u64) -> impl Future<Output = Result<Option<Vec<u8>>, Error>>;
    /// Lines in order of time.
    fn lines(&mut self, query: &Query, after: Option<&str>) -> impl Future<Output = Result<LogLines, Error>>;
    /// Whether lines and chain belong together.
    fn audit(&mut self, query: &Query, after: Option<&str>) -> impl Future<Output = Result<LogAudit, Error>>;
}

impl Source for Client {
    async fn segments(&mut self, after: u64) -> Result<Vec<LogSegment>, Error> {
        let page: api::LogSegments = self.get(&format!("{}?after={after}", api::LOG_SEGMENTS)).await?;
        Ok(page.segments)
    }

    async fn file(&mut self, segment: u64, from: u64) -> Result<Vec<String>, Error> {
        let page: api::LogFile = self.get(&format!("{}?from={from}", api::log_file_path(segment))).await?;
        Ok(page.lines)
    }

    async fn stamp(&mut self, segment: u64) -> Result<Option<Vec<u8>>, Error> {
        let stamp: api::LogStamp = self.get(&api::log_stamp_path(segment)).await?;
        let decode = |text: String| {
            BASE64.decode(text.as_bytes()).map_err(|e| Error::Refused(Said::verbatim(e).about("base64")))
        };
        stamp.token.map(decode).transpose()
    }

    async fn lines(&mut self, query: &Query, after: Option<&str>) -> Result<LogLines, Error> {
        Ok(self.get(&query.path(api::LOG_LINES, after)).await?)
    }

    async fn audit(&mut self, query: &Query, after: Option<&str>) -> Result<LogAudit, Error> {
        Ok(self.get(&query.path(api::LOG_AUDIT, after)).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_escaped() {
        let query = Query { id: Some("a+b&c@x.example".into()), ..Query::default() };
        assert_eq!(query.path("/p", Some("1.ff")), "/p?id=a%2Bb%26c@x.example&after=1.ff");
        let period = Period { from: Some("2026-03-12".into()), to: None };
        assert_eq!(Query::new(None, &period).path("/p", None), "/p?from=2026-03-12");
    }
}
