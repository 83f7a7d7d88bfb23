//! How TLS with others went: reports in the form of RFC 8460 §4.4.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `GET`: [`TlsReport`] of a day. Query: [`TlsReportDay`].
pub const TLS_REPORT: &str = "/v1/tls-report";

/// Which day is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TlsReportDay {
    /// The day in UTC, `2026-03-12`; none: today.
    pub day: Option<String>,
}

/// The sessions of a day, under all policies that were met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct TlsReport {
    /// The provider.
    pub organization_name: String,
    /// The day.
    pub date_range: DateRange,
    /// Whom to ask.
    pub contact_info: String,
    /// The day and our name.
    pub report_id: String,
    /// By policy.
    pub policies: Vec<PolicyResults>,
}

/// From the first to the last second.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct DateRange {
    /// RFC 3339.
    pub start_datetime: String,
    /// RFC 3339.
    pub end_datetime: String,
}

/// What became of the sessions under a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct PolicyResults {
    /// The policy.
    pub policy: PolicyFound,
    /// How many.
    pub summary: Summary,
    /// How they failed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failure_details: Vec<FailureDetails>,
}

/// A policy as it was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct PolicyFound {
    /// `sts`, `tlsa` or `no-policy-found`.
    pub policy_type: String,
    /// Its lines.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policy_string: Vec<String>,
    /// Whose it is.
    pub policy_domain: String,
    /// The servers that it admits.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mx_host: Vec<String>,
}

/// How many sessions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Summary {
    /// As they should be.
    pub total_successful_session_count: u64,
    /// The others.
    pub total_failure_session_count: u64,
}

/// One way of failing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct FailureDetails {
    /// RFC 8460 §4.3.
    pub result_type: String,
    /// The server.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub receiving_mx_hostname: String,
    /// Its address.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub receiving_ip: String,
    /// How many.
    pub failed_session_count: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_are_those_of_the_rfc() {
        let report = TlsReport {
            organization_name: "Alfa".into(),
            date_range: DateRange { start_datetime: "a".into(), end_datetime: "b".into() },
            contact_info: "c".into(),
            report_id: "d".into(),
            policies: vec![PolicyResults {
                policy: PolicyFound {
                    policy_type: "sts".into(),
                    policy_string: vec!["version: STSv1".into()],
                    policy_domain: "beta.example".into(),
                    mx_host: vec!["*.beta.example".into()],
                },
                summary: Summary { total_successful_session_count: 5, total_failure_session_count: 1 },
                failure_details: vec![FailureDetails {
                    result_type: "certificate-expired".into(),
                    receiving_mx_hostname: "mx.beta.example".into(),
                    receiving_ip: "192.0.2.1".into(),
                    failed_session_count: 1,
                }],
            }],
        };
        let json = serde_json::to_string(&report).unwrap();
        for name in [
            "organization-name",
            "date-range",
            "start-datetime",
            "end-datetime",
            "contact-info",
            "report-id",
            "policies",
            "policy-type",
            "policy-string",
            "policy-domain",
            "mx-host",
            "summary",
            "total-successful-session-count",
            "total-failure-session-count",
            "failure-details",
            "result-type",
            "receiving-mx-hostname",
            "receiving-ip",
            "failed-session-count",
        ] {
            assert!(json.contains(&format!("\"{name}\":")), "{name}: {json}");
        }
        assert_eq!(serde_json::from_str::<TlsReport>(&json).unwrap(), report);
    }
}
