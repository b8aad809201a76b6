//! What goes back to the client: the service's own stream, a whole body, or half of one.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};

use crate::http::reply::Severed;

/// The body of a reply.
pub(super) enum Relayed {
    /// As it comes.
    Stream(Incoming),
    /// All of it.
    Whole(Option<Bytes>),
    /// Less than was announced.
    Cut { data: Option<Bytes>, announced: u64, pause: Option<Pin<Box<tokio::time::Sleep>>> },
}

impl Relayed {
    pub(super) fn whole(data: Bytes) -> Self {
        Self::Whole(Some(data))
    }

    /// The first bytes of a body, always fewer than the whole.
    pub(super) fn cut(whole: &Bytes, bytes: usize) -> Self {
        let kept = bytes.min(whole.len().saturating_sub(1));
        Self::Cut { data: Some(whole.slice(..kept)), announced: whole.len() as u64, pause: None }
    }
}

impl Body for Relayed {
    type Data = Bytes;
    type Error = Severed;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Severed>>> {
        match &mut *self {
            // A service that breaks off is a service that breaks off: the client sees the same.
            Self::Stream(incoming) => Pin::new(incoming)
                .poll_frame(context)
                .map(|frame| frame.map(|frame| frame.map_err(|_| Severed))),
            Self::Whole(data) => {
                let data = data.take().filter(|data| !data.is_empty());
                Poll::Ready(data.map(|data| Ok(Frame::data(data))))
            }
            Self::Cut { data, pause, .. } => {
                if let Some(data) = data.take().filter(|data| !data.is_empty()) {
                    return Poll::Ready(Some(Ok(Frame::data(data))));
                }
                // An error at once would make hyper drop what it has buffered; one tick later the
                // half has been written out.
                let pause = pause
                    .get_or_insert_with(|| Box::pin(tokio::time::sleep(Duration::from_millis(1))));
                pause.as_mut().poll(context).map(|()| Some(Err(Severed)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Stream(incoming) => incoming.is_end_stream(),
            Self::Whole(data) => data.as_ref().is_none_or(Bytes::is_empty),
            Self::Cut { .. } => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Stream(incoming) => incoming.size_hint(),
            Self::Whole(data) => {
                SizeHint::with_exact(data.as_ref().map_or(0, |data| data.len() as u64))
            }
            Self::Cut { announced, .. } => SizeHint::with_exact(*announced),
        }
    }
}
