//! What a request comes to: a reply, a reply that breaks off, a cut connection, or silence.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use hyper::body::{Body, Frame, SizeHint};

use crate::fault::CannedReply;
use crate::wire::headers::SessionChange;
use crate::wire::{JSON, TEXT, errors};

/// A reply before it becomes HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) content_type: Option<&'static str>,
    pub(crate) body: Bytes,
    /// A line of headers for each; most replies have none, and pay nothing for it.
    pub(crate) session: Vec<SessionChange>,
    /// Set only for a canned reply, whose headers are free.
    pub(crate) canned: Option<Box<CannedReply>>,
}

impl Reply {
    /// A reply with a body.
    pub(crate) fn new(status: u16, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        Self {
            status,
            content_type: Some(content_type),
            body: body.into(),
            session: Vec::new(),
            canned: None,
        }
    }

    /// A user error: 400 with the structured body (firebolt-wire §11.1, rule 10).
    pub(crate) fn user_error(description: &str) -> Self {
        Self::new(400, JSON, errors::body(description))
    }

    /// An error of a gateway or of the engine's state: plain text.
    pub(crate) fn text(status: u16, text: impl Into<String>) -> Self {
        Self::new(status, TEXT, text.into())
    }

    /// The same reply, changing the client's session.
    pub(crate) fn with_session(mut self, change: SessionChange) -> Self {
        self.session.push(change);
        self
    }

    fn into_response(self, cut_after: Option<usize>) -> Response<ReplyBody> {
        let length = self.body.len();
        let body = match cut_after {
            // Always fewer than the whole: a client that has read everything saw no cut.
            Some(bytes) => ReplyBody::cut(self.body.slice(..bytes.min(length - 1)), length),
            None => ReplyBody::whole(self.body),
        };
        let mut response = Response::new(body);
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        if let Some(content_type) = self.content_type {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
        for change in self.session {
            let (name, value) = change.line();
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.append(HeaderName::from_static(name), value);
            }
        }
        if let Some(canned) = self.canned {
            if !canned.content_type.is_empty()
                && let Ok(value) = HeaderValue::from_str(&canned.content_type)
            {
                headers.insert(CONTENT_TYPE, value);
            }
            for (name, value) in &canned.headers {
                if let (Ok(name), Ok(value)) =
                    (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value))
                {
                    headers.append(name, value);
                }
            }
        }
        response
    }
}

impl From<CannedReply> for Reply {
    fn from(canned: CannedReply) -> Self {
        Self {
            status: canned.status,
            content_type: None,
            body: canned.body.clone(),
            session: Vec::new(),
            canned: Some(Box::new(canned)),
        }
    }
}

/// What a request comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// A reply; with a number, the connection is closed after so many bytes of its body.
    Reply(Reply, Option<usize>),
    /// The connection is closed without a reply.
    Cut,
    /// The same, with a TCP reset.
    Reset,
    /// Nothing ever comes, and the connection stays open.
    Hang,
}

impl From<Reply> for Outcome {
    fn from(reply: Reply) -> Self {
        Self::Reply(reply, None)
    }
}

impl Outcome {
    /// The HTTP response; `Err` closes the connection.
    pub(crate) async fn into_response(self) -> Result<Response<ReplyBody>, Severed> {
        match self {
            // An empty body has no middle to break off in.
            Self::Reply(reply, Some(_)) if reply.body.is_empty() => Err(Severed),
            Self::Reply(reply, cut_after) => Ok(reply.into_response(cut_after)),
            Self::Cut | Self::Reset => Err(Severed),
            Self::Hang => std::future::pending().await,
        }
    }
}

/// The connection is closed on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the connection was cut by a fault or by the end of its engine")]
pub(crate) struct Severed;

/// A body that can announce more than it gives.
#[derive(Debug)]
pub(crate) struct ReplyBody {
    data: Option<Bytes>,
    announced: u64,
    cut: bool,
    pause: Option<Pin<Box<tokio::time::Sleep>>>,
}

impl ReplyBody {
    /// The whole body.
    pub(crate) fn whole(data: Bytes) -> Self {
        let announced = data.len() as u64;
        Self { data: Some(data), announced, cut: false, pause: None }
    }

    fn cut(data: Bytes, announced: usize) -> Self {
        Self { data: Some(data), announced: announced as u64, cut: true, pause: None }
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = Severed;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Severed>>> {
        if let Some(data) = self.data.take_if(|data| !data.is_empty()) {
            return Poll::Ready(Some(Ok(Frame::data(data))));
        }
        if !self.cut {
            return Poll::Ready(None);
        }
        // An error at once would make hyper drop what it has buffered: the client would see no
        // reply at all instead of half of one. One tick later the half has been written out.
        let pause = self
            .pause
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(Duration::from_millis(1))));
        pause.as_mut().poll(context).map(|()| Some(Err(Severed)))
    }

    fn is_end_stream(&self) -> bool {
        !self.cut && self.data.as_ref().is_none_or(Bytes::is_empty)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.announced)
    }
}
