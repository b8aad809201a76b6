//! The control port as HTTP: one request in, one JSON document out.

use std::convert::Infallible;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue, ORIGIN};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;

use super::Admin;
use super::asked::{Asked, Refusal};
use crate::listen;

/// Bytes of a body: a thousand rules fit many times.
const BODY_MAX: usize = 4 << 20;

impl Admin {
    /// Serves one HTTP/1.1 connection until it ends.
    pub async fn serve_connection<Io>(self, io: Io)
    where
        Io: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let service = service_fn(move |request| {
            let admin = self.clone();
            async move { Ok::<_, Infallible>(admin.respond(request).await) }
        });
        let served = hyper::server::conn::http1::Builder::new()
            .auto_date_header(false)
            .serve_connection(TokioIo::new(io), service)
            .await;
        if let Err(error) = served {
            tracing::debug!(%error, "a control connection ended early");
        }
    }

    /// Serves on a socket until it is dropped.
    pub async fn serve(self, listener: TcpListener) {
        listen::accept(listener, move |stream, _| self.clone().serve_connection(stream)).await;
    }

    async fn respond(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let answer = match read(request).await {
            Ok(asked) => self.answer(asked).await,
            Err(refusal) => Err(refusal),
        };
        match answer {
            Ok(document) => response(200, &document),
            Err(refusal) => response(refusal.status, &refusal.to_json()),
        }
    }
}

async fn read(request: Request<Incoming>) -> Result<Asked, Refusal> {
    let (head, body) = request.into_parts();
    if head.headers.contains_key(ORIGIN) {
        // Any page that a browser on this machine shows could post to loopback; none has business
        // here.
        return Err(Refusal::new(403, "the control port does not serve browsers"));
    }
    let body = Limited::new(body, BODY_MAX).collect().await.map_err(|_| {
        Refusal::new(413, format!("the body broke off or has more than {BODY_MAX} bytes"))
    })?;
    let path = head.uri.path().trim_matches('/').split('/').map(decoded).collect();
    let query = head.uri.query().unwrap_or_default();
    Ok(Asked {
        method: head.method.as_str().to_owned(),
        path,
        query: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        body: body.to_bytes().to_vec(),
    })
}

/// Only the percent signs need decoding in a path; a plus is a plus.
fn decoded(part: &str) -> String {
    let escaped = part.replace('+', "%2B").replace('=', "%3D").replace('&', "%26");
    form_urlencoded::parse(escaped.as_bytes())
        .next()
        .map(|(name, _)| name.into_owned())
        .unwrap_or_default()
}

fn response(status: u16, document: &Value) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(format!("{document}\n"))));
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
