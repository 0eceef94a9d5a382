//! JSON of many times, written piece by piece: a log of millions of calls is never in memory as text.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::body::Body;
use serde_json::Value;

use crate::receiver::Wait;
use crate::store::TokenTimes;
use crate::times::{Times, timestamp};

/// Bytes of text that are gathered before they are sent: many tokens with few calls make few frames.
const FRAME: usize = 16 * 1024;

/// `{"token": ["time", …], …}`, sorted by token.
pub(crate) fn logs(mut tokens: Vec<TokenTimes>) -> Body {
    tokens.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
    let entries = tokens.into_iter().enumerate().flat_map(|(index, (token, times))| {
        let separator = if index == 0 { "" } else { "," };
        let key = format!("{separator}{}:", Value::from(&*token));
        std::iter::once(key).chain(array(Arc::unwrap_or_clone(times)))
    });
    stream(std::iter::once("{".to_owned()).chain(entries).chain(["}".to_owned()]))
}

/// `{"token": …, "reached": …, "count": …, "times": […]}`.
pub(crate) fn wait(token: &str, wait: Wait) -> Body {
    let (token, reached, count) = (Value::from(token), wait.reached(), wait.count());
    let head = format!(r#"{{"token":{token},"reached":{reached},"count":{count},"times":"#);
    stream(std::iter::once(head).chain(array(wait.times)).chain(["}".to_owned()]))
}

/// `["time", …]` in RFC 3339 with nanoseconds, in UTC.
fn array(mut times: Times) -> impl Iterator<Item = String> {
    let mut separator = "";
    let slices = std::iter::from_fn(move || times.pop_slice()).map(move |slice| {
        let mut text = String::with_capacity(slice.len() * r#","2000-01-01T00:00:00.000000000Z""#.len());
        for time in slice {
            // Writing to a String cannot fail.
            _ = write!(text, "{separator}\"{:.9}\"", timestamp(time));
            separator = ",";
        }
        text
    });
    std::iter::once("[".to_owned()).chain(slices).chain(["]".to_owned()])
}

fn stream(mut pieces: impl Iterator<Item = String> + Send + 'static) -> Body {
    let frames = std::iter::from_fn(move || {
        let mut frame = pieces.next()?;
        while frame.len() < FRAME {
            let Some(piece) = pieces.next() else { break };
            frame.push_str(&piece);
        }
        Some(Ok::<_, std::convert::Infallible>(frame))
    });
    Body::from_stream(tokio_stream::iter(frames))
}
