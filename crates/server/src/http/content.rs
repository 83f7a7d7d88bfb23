//! What a request says, as the log has it (AUD-03): everything that the document of the interface names, but what that marks as
//! secret (`format: password`). A field that is in no schema is not written down either: it may be anything.

use axum::http::{HeaderMap, header};
use schemars::SchemaGenerator;
use serde_json::{Map, Value};

use super::table::{JSON, Row};

/// Characters of a line of the log; the rest of a long list is not in it.
const MOST: usize = 2_000;
/// In the place of what is not told.
const HIDDEN: &str = "…";

/// What the requests of a row may say.
pub(super) struct Content {
    schema: Value,
    definitions: Map<String, Value>,
}

impl Content {
    /// Of a row that takes JSON.
    pub(super) fn of(row: &Row) -> Option<Self> {
        let mut schemas = SchemaGenerator::default();
        let (_, schema) = row.told(&mut schemas).body.filter(|(kind, _)| *kind == JSON)?;
        Some(Self { schema: schema.to_value(), definitions: schemas.take_definitions(true) })
    }

    /// Of a row that answers in JSON: what its answers say.
    pub(super) fn of_answer(row: &Row) -> Option<Self> {
        let mut schemas = SchemaGenerator::default();
        let (_, _, schema) = row.told(&mut schemas).answer.filter(|(_, kind, _)| *kind == JSON)?;
        Some(Self { schema: schema.to_value(), definitions: schemas.take_definitions(true) })
    }

    /// Whether a body is JSON, by what its sender says.
    pub(super) fn is_said(headers: &HeaderMap) -> bool {
        let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        kind.trim_start().get(..JSON.len()).is_some_and(|said| said.eq_ignore_ascii_case(JSON))
    }

    /// What this body says; `None` for what is no JSON, which its handler refuses.
    pub(super) fn told(&self, body: &[u8]) -> Option<String> {
        let said: Value = serde_json::from_slice(body).ok()?;
        let text = self.shown(&said, &[&self.schema]).to_string();
        let cut = text.char_indices().nth(MOST).map_or(text.len(), |(at, _)| at);
        Some(if cut == text.len() { text } else { format!("{}{HIDDEN}", &text[..cut]) })
    }

    /// The same body without its secrets.
    pub(super) fn hidden(&self, body: &[u8]) -> Option<Vec<u8>> {
        let said: Value = serde_json::from_slice(body).ok()?;
        serde_json::to_vec(&self.shown(&said, &[&self.schema])).ok()
    }

    fn shown(&self, said: &Value, schemas: &[&Value]) -> Value {
        if said.is_null() {
            return Value::Null;
        }
        let schemas: Vec<&Value> = schemas.iter().flat_map(|schema| self.meant(schema)).collect();
        if schemas.iter().any(|schema| schema.get("format").is_some_and(|format| format == "password")) {
            return HIDDEN.into();
        }
        match said {
            Value::Object(fields) => {
                let field = |(name, said): (&String, &Value)| {
                    let known: Vec<&Value> = schemas.iter().filter_map(|schema| field(schema, name)).collect();
                    let told = if known.is_empty() { HIDDEN.into() } else { self.shown(said, &known) };
                    (name.clone(), told)
                };
                Value::Object(fields.iter().map(field).collect())
            }
            Value::Array(items) => {
                let known: Vec<&Value> = schemas.iter().filter_map(|schema| schema.get("items")).collect();
                Value::Array(items.iter().map(|said| self.shown(said, &known)).collect())
            }
            _ if schemas.is_empty() => HIDDEN.into(),
            plain => plain.clone(),
        }
    }

    /// A schema without its references and choices.
    fn meant<'s>(&'s self, schema: &'s Value) -> Vec<&'s Value> {
        if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
            let name = name.rsplit('/').next().unwrap_or_default();
            return self.definitions.get(name).map_or(Vec::new(), |schema| self.meant(schema));
        }
        let choices = ["anyOf", "oneOf", "allOf"].into_iter().filter_map(|word| schema.get(word)?.as_array());
        let choices: Vec<&Value> = choices.flatten().flat_map(|schema| self.meant(schema)).collect();
        if choices.is_empty() { vec![schema] } else { choices }
    }
}

/// The schema of a field by its name, or of any name where names are free.
fn field<'s>(schema: &'s Value, name: &str) -> Option<&'s Value> {
    let free = |word| schema.get(word).filter(|schema| schema.is_object());
    schema
        .get("properties")
        .and_then(|all| all.get(name))
        .or_else(|| free("patternProperties")?.as_object()?.values().next())
        .or_else(|| free("additionalProperties"))
}

#[cfg(test)]
mod tests {
    use super::super::named::collection;
    use super::super::routes::table;
    use super::*;
    use axum::http::Method;

    fn of(method: Method, path: &str) -> Content {
        let row = table().into_iter().find(|row| row.method == method && row.path == path).expect("a row");
        Content::of(&row).expect("takes JSON")
    }

    #[test]
    fn everything_is_told_but_what_is_secret_or_in_no_schema() {
        let new = of(Method::POST, "/v1/mailboxes");
        let body =
            br#"{"address":"a@b.example","profile":"standard","unit":7,"password":"segreta","pasword":"segreta"}"#;
        let told = new.told(body).expect("JSON");
        assert!(told.contains(r#""address":"a@b.example""#) && told.contains(r#""unit":7"#), "{told}");
        assert!(told.contains(r#""password":"…""#) && !told.contains("segreta"), "{told}");
        assert_eq!(new.told(b"{\"address\":"), None);

        let plan = of(Method::POST, "/v1/tenants/{tenant}/plan");
        let text = r#"{"note":"n","quantities":{"standard":3},"units":{"4":{"standard":1}}}"#;
        assert_eq!(plan.told(text.as_bytes()).as_deref(), Some(text));

        let many = of(Method::POST, "/v1/mailboxes/apply");
        let line = r#"{"line":1,"address":"a@b.example","password":"segreta"}"#;
        let told = many.told(format!(r#"{{"lines":[{}]}}"#, [line; 60].join(",")).as_bytes()).expect("JSON");
        assert!(told.contains("a@b.example") && !told.contains("segreta"), "{told}");
        assert_eq!(told.chars().count(), MOST + 1);
    }

    /// A field by which somebody proves himself is one of those that are not told: a new one with such a name has to be marked.
    #[test]
    fn no_secret_is_told_by_another_name() {
        fn walk(content: &Content, schema: &Value, told: &mut Vec<String>) {
            for schema in content.meant(schema) {
                for (name, field) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
                    let hidden = content.meant(field).iter().any(|f| f.get("format").is_some_and(|f| f == "password"));
                    if !hidden {
                        told.push(name.clone());
                        walk(content, field, told);
                    }
                }
                if let Some(items) = schema.get("items") {
                    walk(content, items, told);
                }
            }
        }
        let suspicious = ["password", "hash", "code", "secret", "token", "key"];
        for row in table() {
            let Some(content) = Content::of(&row) else { continue };
            let mut told = Vec::new();
            walk(&content, &content.schema, &mut told);
            // An administration has a code too: the one of the public index.
            let public = |name: &str| name == "code" && collection(row.path) == "tenants";
            let told: Vec<_> =
                told.iter().filter(|name| suspicious.iter().any(|word| name.contains(word)) && !public(name)).collect();
            assert!(told.is_empty(), "{} {}: {told:?} would stand in the log", row.method, row.path);
        }
        // Nor by the answer to a trial, which would be of something that was never made.
        for row in table().into_iter().filter(Row::tries) {
            let content = Content::of_answer(&row).expect("answers in JSON");
            let mut told = Vec::new();
            walk(&content, &content.schema, &mut told);
            told.retain(|name| name.contains("password") || name.contains("secret"));
            assert!(told.is_empty(), "{} {}: a trial would tell {told:?}", row.method, row.path);
        }
    }
}
