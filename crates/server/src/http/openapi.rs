//! The document of the interface (OpenAPI 3.1), made of the table: `GET /v1/openapi.json`, `sigillo openapi`.

use std::collections::HashSet;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};
use sigillo_admin::api;

use super::fail::Fail;
use super::named::collection;
use super::routes::table;
use super::table::{Given, JSON, Need, On, Row, Shape, get};
use super::trial::Trial;

pub(super) fn rows() -> Vec<Row> {
    vec![get(api::OPENAPI, Need::Known, "this document", show)]
}

/// The document, as any program reads it.
struct Document(Value);

impl IntoResponse for Document {
    fn into_response(self) -> Response {
        ([(header::CONTENT_TYPE, "application/json")], self.0.to_string()).into_response()
    }
}

impl Given for Result<Document, Fail> {
    fn tell(shape: &mut Shape, _: &mut SchemaGenerator) {
        shape.answer = Some((StatusCode::OK, "application/json", schemars::json_schema!({"type": "object"})));
    }
}

async fn show() -> Result<Document, Fail> {
    Ok(Document(document()))
}

/// The document.
pub fn document() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|s| {
        s.definitions_path = "/components/schemas".into();
        s.meta_schema = None;
    });
    let mut schemas = settings.into_generator();
    let problem = schemas.subschema_for::<api::Problem>();
    let mut paths: Map<String, Value> = Map::new();
    let table = table();
    let read: HashSet<&str> = table.iter().filter(|row| !row.writes()).map(|row| row.path).collect();
    for row in table {
        let operation = operation(&row, read.contains(row.path), &mut schemas);
        let path = paths.entry(row.path).or_insert_with(|| json!({}));
        path[row.method.as_str().to_ascii_lowercase()] = operation;
    }
    let refusal = json!({
        "description": "A refusal (RFC 9457)",
        "content": {"application/problem+json": {"schema": problem}},
    });
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Sigillo",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "The administrative interface of a certified-mail provider.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": schemas.take_definitions(true),
            "responses": {"Refusal": refusal},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "description": "A person's token"}},
        },
    })
}

/// One row; `is_read` says whether `GET` reads what it changes.
fn operation(row: &Row, is_read: bool, schemas: &mut SchemaGenerator) -> Value {
    let shape = row.told(schemas);
    let mut parameters = in_path(row.path, shape.path.as_ref().map(|schema| schema.as_value()));
    parameters.extend(in_query(shape.query.as_ref().map(|schema| schema.as_value())));
    let tagged = !row.writes() && shape.answer.as_ref().is_some_and(|(_, kind, _)| *kind == JSON);
    parameters.extend(in_head(row, is_read, tagged));
    let mut responses = json!({"default": {"$ref": "#/components/responses/Refusal"}});
    if tagged {
        responses["304"] = json!({"description": "Nothing changed since"});
    }
    if let Some((status, kind, schema)) = shape.answer {
        responses[status.as_str()] = json!({"description": row.about, "content": {kind: {"schema": schema}}});
    }
    let mut operation = json!({
        "operationId": name(row),
        "summary": row.about,
        "tags": [collection(row.path)],
        "parameters": parameters,
        "responses": responses,
    });
    if let Need::May(act, on) = row.need {
        operation["x-permission"] = act.name().into();
        operation["x-on"] = word(on).into();
    }
    if row.need == Need::Own {
        operation["security"] = json!([]);
    }
    if let Some((kind, schema)) = shape.body {
        operation["requestBody"] = json!({"required": true, "content": {kind: {"schema": schema}}});
    }
    operation
}

/// `patch-mailboxes-address`.
fn name(row: &Row) -> String {
    let path = row.path.replace(['{', '}'], "").replace(['/', '.'], "-");
    format!("{}-{}", row.method.as_str().to_ascii_lowercase(), path.trim_start_matches("-v1-"))
}

fn word(on: On) -> &'static str {
    match on {
        On::Service => "service",
        On::Address | On::NewMailbox => "mailbox",
        On::Domain => "domain",
        On::Tenant | On::Within => "tenant",
        On::Person => "person",
        On::Each => "each",
        On::Handler => "handler",
    }
}

/// The parameters of a path: their names are in it, and the handler says of what kind each is.
fn in_path(path: &str, kinds: Option<&Value>) -> Vec<Value> {
    let names = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let kind = |at: usize| {
        let kinds = kinds?;
        kinds["prefixItems"].get(at).or((at == 0).then_some(kinds)).cloned()
    };
    let parameter = |(at, name): (usize, &str)| {
        let schema = kind(at).unwrap_or_else(|| json!({"type": "string"}));
        json!({"name": name, "in": "path", "required": true, "schema": schema})
    };
    names.enumerate().map(parameter).collect()
}

/// Headers that say on which terms it is done.
fn in_head(row: &Row, is_read: bool, tagged: bool) -> impl Iterator<Item = Value> {
    let all = [
        ("Idempotency-Key", row.repeats(), "The same key with the same request gives the answer of then, for 24 hours"),
        ("If-Match", row.writes() && is_read, "Only while it has this ETag; 412 otherwise"),
        ("If-None-Match", tagged, "304 while it has this ETag"),
        (
            "Sigillo-Dry-Run",
            !matches!(row.trial(), Trial::None),
            "true: answers what would come of it, and does nothing",
        ),
    ];
    let parameter = |(name, _, about)| json!({"name": name, "in": "header", "required": false, "description": about, "schema": {"type": "string"}});
    all.into_iter().filter(|(_, takes, _)| *takes).map(parameter)
}

/// The parameters of a query: the members of its type.
fn in_query(object: Option<&Value>) -> Vec<Value> {
    let Some(object) = object else { return Vec::new() };
    let required = |name: &str| object["required"].as_array().is_some_and(|all| all.iter().any(|one| one == name));
    let Some(members) = object["properties"].as_object() else { return Vec::new() };
    let parameter = |(name, schema): (&String, &Value)| json!({"name": name, "in": "query", "required": required(name), "schema": schema});
    members.iter().map(parameter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_in_the_document_once_with_what_it_needs() {
        let document = document();
        let mut names = std::collections::BTreeSet::new();
        for row in table() {
            let operation = &document["paths"][row.path][row.method.as_str().to_ascii_lowercase()];
            assert!(names.insert(operation["operationId"].as_str().unwrap().to_owned()), "{}: twice", row.path);
            assert_eq!(
                operation["parameters"].as_array().unwrap().iter().filter(|p| p["in"] == "path").count(),
                row.path.matches('{').count()
            );
            let responses = operation["responses"].as_object().unwrap();
            let json = responses.values().any(|answer| answer["content"].get(JSON).is_some());
            assert_eq!(responses.contains_key("304"), json && !row.writes(), "{}", row.path);
            match row.need {
                Need::May(act, _) => assert_eq!(operation["x-permission"], act.name()),
                _ => assert!(operation.get("x-permission").is_none()),
            }
        }
        let secret = &document["components"]["schemas"]["NewMailbox"]["properties"]["password"];
        assert_eq!(secret["format"], "password", "{secret}");
    }
}
