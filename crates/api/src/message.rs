//! Requests and responses.

use drydock_value::{Value, parse_json, to_json};

/// The HTTP method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
    Options,
    Head,
}

impl Method {
    /// `GET`, `POST` and so on.
    pub fn as_str(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
            Method::Options => "OPTIONS",
            Method::Head => "HEAD",
        }
    }
}

/// A request's or response's body.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Body {
    /// None.
    #[default]
    Empty,
    /// A JSON document, not written out.
    Value(Value),
    /// Bytes of the content type that the headers name (a YAML patch, a log, a proxied page).
    Bytes(Vec<u8>),
}

impl Body {
    /// The body as text; a document as compact JSON, bytes that are not UTF-8 with replacement characters.
    pub fn text(&self) -> String {
        match self {
            Body::Empty => String::new(),
            Body::Value(value) => to_json(value),
            Body::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        }
    }

    /// The body as a JSON document.
    ///
    /// # Errors
    /// When it is neither a document nor bytes that hold one.
    pub fn value(&self) -> Result<Value, drydock_value::Error> {
        match self {
            Body::Empty => Ok(Value::Null),
            Body::Value(value) => Ok(value.clone()),
            Body::Bytes(bytes) => {
                parse_json(std::str::from_utf8(bytes).map_err(|error| drydock_value::Error(error.to_string()))?)
            }
        }
    }
}

/// How a client proves who it is, as its kubeconfig says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Auth {
    /// Not at all: `system:anonymous`.
    #[default]
    Anonymous,
    /// A client certificate: its subject is the user (CN) and the groups (O). The text is PEM, or a path to it.
    Certificate {
        /// The certificate.
        certificate: String,
    },
    /// A bearer token.
    Token(String),
}

/// One request. Paths and parameters are those of Kubernetes' HTTP API.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The path without query, such as `/api/v1/namespaces/default/pods`.
    pub path: String,
    /// Query parameters, decoded, in order.
    pub query: Vec<(String, String)>,
    /// Headers; names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Body,
    /// Who asks.
    pub auth: Auth,
}

impl Request {
    /// A request without parameters, headers or body, by nobody.
    pub fn new(method: Method, path: impl Into<String>) -> Request {
        Request {
            method,
            path: path.into(),
            query: Vec::new(),
            headers: Vec::new(),
            body: Body::Empty,
            auth: Auth::Anonymous,
        }
    }

    /// A `GET`.
    pub fn get(path: impl Into<String>) -> Request {
        Request::new(Method::Get, path)
    }

    /// Adds a query parameter.
    #[must_use]
    pub fn param(mut self, name: impl Into<String>, value: impl Into<String>) -> Request {
        self.query.push((name.into(), value.into()));
        self
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Request {
        self.headers.push((name.into().to_ascii_lowercase(), value.into()));
        self
    }

    /// Sets the body to a JSON document.
    #[must_use]
    pub fn with_value(mut self, body: Value) -> Request {
        self.body = Body::Value(body);
        self
    }

    /// The first value of a query parameter.
    pub fn query_value(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Whether a boolean query parameter is set: as the real server reads it, everything but `false` and `0` sets it.
    pub fn query_bool(&self, name: &str) -> bool {
        self.query_value(name).is_some_and(|value| !value.eq_ignore_ascii_case("false") && value != "0")
    }

    /// The first value of a header, by its name in lower case.
    pub fn header_value(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// One response.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Response {
    /// The HTTP status code.
    pub code: u16,
    /// Headers; names in lower case. `warning` headers carry the API server's warnings.
    pub headers: Vec<(String, String)>,
    /// The body: an object, a list, a table, a [`Status`](crate::Status), or bytes.
    pub body: Body,
}

/// The header that says which stream to wait for.
const LATER: &str = "drydock-later";

impl Response {
    /// A response with a JSON document.
    pub fn value(code: u16, body: Value) -> Response {
        Response { code, headers: Vec::new(), body: Body::Value(body) }
    }

    /// A plain text response.
    pub fn text(code: u16, text: impl Into<String>) -> Response {
        Response {
            code,
            headers: vec![("content-type".into(), "text/plain".into())],
            body: Body::Bytes(text.into().into_bytes()),
        }
    }

    /// No answer yet: the same request gets it once the stream is ready. For clients whose surroundings cannot answer while
    /// they look on; they are those that are stepped, and can go back to before they asked.
    pub fn later(stream: crate::StreamId) -> Response {
        Response { code: 0, headers: vec![(LATER.into(), stream.0.to_string())], body: Body::Empty }
    }

    /// What to wait for, if the answer comes later.
    pub fn comes_later(&self) -> Option<crate::StreamId> {
        let (_, number) = self.headers.iter().find(|(name, _)| name == LATER && self.code == 0)?;
        number.parse().ok().map(crate::StreamId)
    }

    /// Whether the code is 2xx.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.code)
    }

    /// The texts of the `warning` headers, in order.
    pub fn warnings(&self) -> impl Iterator<Item = &str> {
        self.headers.iter().filter(|(name, _)| name == "warning").map(|(_, text)| text.as_str())
    }

    /// The document of a success.
    ///
    /// # Errors
    /// The [`Status`](crate::Status) that the server sent instead.
    pub fn into_result(self) -> Result<Value, crate::Status> {
        let document = match self.body {
            Body::Empty => Value::Null,
            Body::Value(ref value) => value.clone(),
            Body::Bytes(_) => self.body.value().unwrap_or_else(|_| Value::from(self.body.text())),
        };
        if self.is_success() { Ok(document) } else { Err(crate::Status::from_value(self.code, &document)) }
    }
}
