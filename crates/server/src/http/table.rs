//! The table of the interface: a row for each thing that can be asked, with the permission that it needs. The router, the
//! check of permissions and the OpenAPI document are all made of it, so that none can know what the others do not: a
//! handler without its row is no route, and a row cannot be written without what it needs.

use std::sync::Arc;

use axum::Json;
use axum::extract::{ConnectInfo, DefaultBodyLimit, Extension, Path, State};
use axum::handler::Handler;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, MethodRouter, on};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use sigillo_accounts::Act;

use super::actor::Actor;
use super::content::Content;
use super::extract::{Letter, Params, Sent, Sheet, Tried};
use super::routes::{Asking, Fail, Provided};
use super::socket::Peer;
use super::trial::Trial;

/// On what something is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum On {
    /// The service.
    Service,
    /// The mailbox or list in the path (`{address}`).
    Address,
    /// The mailbox in the body.
    NewMailbox,
    /// The domain in the path (`{name}`).
    Domain,
    /// The administration in the path (`{tenant}`).
    Tenant,
    /// The same, or anything in it.
    Within,
    /// The person in the path (`{name}`).
    Person,
    /// Many: the answer holds those that he may see.
    Each,
    /// The handler asks, since it depends on more than the path.
    Handler,
}

/// What a request needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    /// This permission on that.
    May(Act, On),
    /// To be somebody: it tells nothing of anybody.
    Known,
    /// The same, where the service wants a second factor of him also without one: he adds it.
    Enrols,
    /// The same while a code of his second factor is still wanted: he says it, and it is written down as often as it is judged.
    Unlocks,
    /// To be somebody, who says a code of his second factor as well; written down as that is.
    Proves,
    /// The same as `Known`, also with a token that is good for nothing else: it is changed.
    Changes,
    /// What the request itself holds: the holder of a mailbox proves himself, without a token (see `routes::own`). No
    /// answer of it is kept to be given again, since it may hold a secret.
    Own,
}

impl From<(Act, On)> for Need {
    fn from((act, on): (Act, On)) -> Self {
        Self::May(act, on)
    }
}

/// Something that can be asked.
#[derive(Clone)]
pub(super) struct Row {
    pub(super) method: Method,
    /// As the router takes it: `/v1/mailboxes/{address}`.
    pub(super) path: &'static str,
    pub(super) need: Need,
    /// What it does, in a line.
    pub(super) about: &'static str,
    /// What its handler takes and gives.
    pub(super) shape: fn(&mut Shape, &mut SchemaGenerator),
    pub(super) handler: MethodRouter<Provided>,
    /// Octets of its body.
    pub(super) most: usize,
    /// What it says is in a register of its own, which ends, and not in the log.
    pub(super) silent: bool,
    /// Whether the gate writes it down, in the legal log or among the readings, also where nobody is refused.
    pub(super) logged: bool,
    /// It acts elsewhere than in the store, or judges a code: there is no trial of it.
    real: bool,
}

/// Octets of a body, where a row does not say otherwise: what axum takes by itself.
const MOST_BODY: usize = 2 << 20;

impl Row {
    /// A row of a method, which the router knows by a name of its own.
    fn new<H, T, M>(
        (method, filter): (Method, MethodFilter),
        path: &'static str,
        need: Need,
        about: &'static str,
        handler: H,
    ) -> Self
    where
        H: Handler<T, Provided> + Spoken<M>,
        T: 'static,
    {
        let (shape, handler) = (H::shape, on(filter, handler));
        Self { method, path, need, about, shape, handler, most: MOST_BODY, silent: false, logged: true, real: false }
    }

    /// The same with a body of at most so many bytes.
    pub(super) fn up_to(self, bytes: u64) -> Self {
        let most = usize::try_from(bytes).unwrap_or(usize::MAX);
        Self { handler: self.handler.layer(DefaultBodyLimit::max(most)), most, ..self }
    }

    /// The same, with what it says in a register of its own.
    pub(super) fn silent(self) -> Self {
        Self { silent: true, ..self }
    }

    /// The same, of which the gate writes down nothing but refusals. Messages come and go by the thousand: who brings them in or
    /// out is among the accesses of their mailbox, and a line of the legal log for each would bury what is done.
    pub(super) fn unlogged(self) -> Self {
        Self { logged: false, ..self }
    }

    /// The same, which cannot be tried.
    pub(super) fn real(self) -> Self {
        Self { real: true, ..self }
    }

    /// What it carries and brings.
    pub(super) fn told(&self, schemas: &mut SchemaGenerator) -> Shape {
        let mut shape = Shape::default();
        (self.shape)(&mut shape, schemas);
        shape
    }

    /// The names of what its query may hold.
    pub(super) fn parameters(&self) -> Vec<String> {
        let query = self.told(&mut SchemaGenerator::default()).query;
        let names = query.as_ref().and_then(|schema| schema.as_value().get("properties")?.as_object());
        names.map_or_else(Vec::new, |names| names.keys().cloned().collect())
    }

    /// Whether its answer can be kept and given again, for who sends it twice.
    pub(super) fn repeats(&self) -> bool {
        let shape = self.told(&mut SchemaGenerator::default());
        let json = |kind: &str| kind == JSON;
        self.writes()
            && matches!(self.need, Need::May(..) | Need::Known)
            && shape.body.is_none_or(|(kind, _)| json(kind))
            && shape.answer.is_some_and(|(_, kind, _)| json(kind))
    }

    /// Whether it can be tried over an engine of a trial: what it does lies in the store, and it is done before it is answered.
    pub(super) fn tries(&self) -> bool {
        self.repeats() && matches!(self.need, Need::May(..)) && !self.real
    }

    /// How it is tried.
    pub(super) fn trial(&self) -> Trial {
        match Content::of_answer(self) {
            _ if self.told(&mut SchemaGenerator::default()).tried => Trial::Itself,
            Some(told) if self.tries() => Trial::OverAnEngine(Arc::new(told)),
            _ => Trial::None,
        }
    }

    /// Whether it changes something.
    pub(super) fn writes(&self) -> bool {
        self.method != Method::GET
    }
}

macro_rules! methods {
    ($($name:ident $method:ident),*) => {$(
        /// A row of this method.
        pub(super) fn $name<H, T, M>(path: &'static str, need: impl Into<Need>, about: &'static str, handler: H) -> Row
        where
            H: Handler<T, Provided> + Spoken<M>,
            T: 'static,
        {
            Row::new((Method::$method, MethodFilter::$method), path, need.into(), about, handler)
        }
    )*};
}
methods!(get GET, post POST, put PUT, patch PATCH, delete DELETE);

/// What a request carries and its answer brings.
#[derive(Default)]
pub(super) struct Shape {
    /// The parameters of the path: of one, or of several in their order.
    pub(super) path: Option<Schema>,
    /// The parameters of the query, as an object.
    pub(super) query: Option<Schema>,
    /// Media type and schema.
    pub(super) body: Option<(&'static str, Schema)>,
    /// Status, media type, schema.
    pub(super) answer: Option<(StatusCode, &'static str, Schema)>,
    /// Whether it is told that only what would come of it is asked.
    pub(super) tried: bool,
}

/// A handler whose signature says what it takes and gives, so that the document cannot say anything else.
pub(super) trait Spoken<M> {
    /// Tells it.
    fn shape(shape: &mut Shape, schemas: &mut SchemaGenerator);
}

/// What a handler is given.
pub(super) trait Taken {
    /// Tells what of a request it is.
    fn tell(_: &mut Shape, _: &mut SchemaGenerator) {}
}

/// What a handler gives.
pub(super) trait Given {
    /// Tells what the answer is.
    fn tell(shape: &mut Shape, schemas: &mut SchemaGenerator);
}

macro_rules! spoken {
    ($($part:ident)*) => {
        impl<F, W, G, $($part),*> Spoken<(W, G, $($part,)*)> for F
        where
            F: FnOnce($($part),*) -> W,
            W: Future<Output = G>,
            G: Given,
            $($part: Taken),*
        {
            fn shape(shape: &mut Shape, schemas: &mut SchemaGenerator) {
                $($part::tell(shape, schemas);)*
                G::tell(shape, schemas);
            }
        }
    };
}
spoken!();
spoken!(A);
spoken!(A B);
spoken!(A B C);
spoken!(A B C D);
spoken!(A B C D E);
spoken!(A B C D E H);

impl Taken for State<Provided> {}
impl Taken for Extension<Actor> {}
impl Taken for HeaderMap {}
impl Taken for ConnectInfo<Peer> {}
impl Taken for Asking {}

impl<T: JsonSchema> Taken for Path<T> {
    fn tell(shape: &mut Shape, schemas: &mut SchemaGenerator) {
        shape.path = Some(T::json_schema(schemas));
    }
}

impl<T: JsonSchema> Taken for Params<T> {
    fn tell(shape: &mut Shape, schemas: &mut SchemaGenerator) {
        shape.query = Some(T::json_schema(schemas));
    }
}

impl<T: JsonSchema> Taken for Sent<T> {
    fn tell(shape: &mut Shape, schemas: &mut SchemaGenerator) {
        shape.body = Some((JSON, schemas.subschema_for::<T>()));
    }
}

impl Taken for Tried {
    fn tell(shape: &mut Shape, _: &mut SchemaGenerator) {
        shape.tried = true;
    }
}

impl Taken for Letter {
    fn tell(shape: &mut Shape, _: &mut SchemaGenerator) {
        shape.body = Some((MESSAGE, schemars::json_schema!({})));
    }
}

impl Taken for Sheet {
    fn tell(shape: &mut Shape, _: &mut SchemaGenerator) {
        shape.body = Some((CSV, schemars::json_schema!({"type": "string"})));
    }
}

const CSV: &str = "text/csv";
pub(super) const JSON: &str = "application/json";
const MESSAGE: &str = "message/rfc822";

impl<T: JsonSchema> Given for Result<Json<T>, Fail> {
    fn tell(shape: &mut Shape, schemas: &mut SchemaGenerator) {
        shape.answer = Some((StatusCode::OK, JSON, schemas.subschema_for::<T>()));
    }
}

/// With another status than 200: something was made.
impl<T: JsonSchema> Given for Result<(StatusCode, Json<T>), Fail> {
    fn tell(shape: &mut Shape, schemas: &mut SchemaGenerator) {
        shape.answer = Some((StatusCode::CREATED, JSON, schemas.subschema_for::<T>()));
    }
}

/// The bytes of a message.
pub(super) struct Message(pub(super) Vec<u8>);

impl IntoResponse for Message {
    fn into_response(self) -> Response {
        ([(axum::http::header::CONTENT_TYPE, MESSAGE)], self.0).into_response()
    }
}

impl Given for Result<Message, Fail> {
    fn tell(shape: &mut Shape, _: &mut SchemaGenerator) {
        shape.answer = Some((StatusCode::OK, MESSAGE, schemars::json_schema!({})));
    }
}
