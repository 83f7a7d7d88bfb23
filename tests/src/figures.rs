//! What a provider shows at its port of figures, asked by curl.

use std::collections::BTreeMap;

use crate::demo::run;

/// Status and body of a page (`/metrics`, `/healthz`, `/readyz`) at `host:port`.
#[track_caller]
pub fn page(at: &str, path: &str) -> (u16, String) {
    let ran = run("curl", &["-s", "-w", "\n%{http_code}", &format!("http://{at}{path}")], b"", 30).fine("curl");
    let (body, status) = ran.out.rsplit_once('\n').expect("a status on the last line");
    (status.parse().expect("a number"), body.to_owned())
}

/// Every series by its name with labels.
#[derive(Debug, Clone, PartialEq)]
pub struct Figures(pub BTreeMap<String, f64>);

impl Figures {
    /// Asks now.
    #[track_caller]
    pub fn of(at: &str) -> Self {
        let (status, text) = page(at, "/metrics");
        assert_eq!(status, 200, "{text}");
        let series = text.lines().filter(|line| !line.starts_with('#')).map(|line| {
            let (name, figure) = line.rsplit_once(' ').expect("name and figure");
            (name.to_owned(), figure.parse().expect("a number"))
        });
        Self(series.collect())
    }

    /// A figure, which must be there.
    #[track_caller]
    pub fn get(&self, series: &str) -> f64 {
        *self.0.get(series).unwrap_or_else(|| panic!("no {series} in {:#?}", self.0))
    }

    /// The counters of these families that have grown, and by how much.
    pub fn since(&self, before: &Self, families: &[&str]) -> BTreeMap<String, f64> {
        let of = |series: &str| families.iter().any(|f| series == *f || series.starts_with(&format!("{f}{{")));
        let grown = self.0.iter().filter(|(series, _)| of(series)).map(|(series, figure)| {
            let grown = figure - before.0.get(series).copied().unwrap_or_default();
            (series.clone(), grown)
        });
        grown.filter(|(_, grown)| *grown != 0.0).collect()
    }
}
