//! One invocation as the platform sees it: when it must be over, and what a failure is called.
//!
//! Only the terms of the Lambda runtime are translated here; what an event means is the handler's.

use crate::handler::HandlerError;
use lambda_runtime::Diagnostic;
use std::time::{Duration, SystemTime};
use tokio::time::Instant;

/// What must be left to log and to answer once the engine has stopped.
const MARGIN: Duration = Duration::from_secs(2);

/// When the engine must have stopped, on the engine's clock. The platform gives a date, and `now` is
/// the date on which it is asked.
pub fn deadline(platform: SystemTime, now: SystemTime) -> Instant {
    let left = platform.duration_since(now).unwrap_or_default();
    Instant::now() + left.saturating_sub(MARGIN)
}

/// The failure with a stable name, by which alarms can tell an event that will never be handled from
/// a file that the next delivery goes on with.
pub fn diagnostic(why: &HandlerError) -> Diagnostic {
    let name = match why {
        HandlerError::Event(_) => "EventUnreadable",
        HandlerError::Key(_) => "KeyNotOurs",
        HandlerError::Engine(_) => "EngineError",
        HandlerError::Unsettled { .. } => "Unsettled",
    };
    Diagnostic { error_type: name.to_owned(), error_message: why.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_engine_stops_before_the_platform_does() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000);
        let in_seconds = |seconds| deadline(now + Duration::from_secs(seconds), now);
        assert_eq!(in_seconds(300), Instant::now() + Duration::from_secs(298));
        assert_eq!(in_seconds(1), Instant::now());
        assert_eq!(deadline(SystemTime::UNIX_EPOCH, now), Instant::now());
    }

    #[test]
    fn failures_have_names_that_alarms_can_use() {
        let event = crate::event::files(&serde_json::json!({})).expect_err("no event");
        let said = diagnostic(&event.into());
        assert_eq!(said.error_type, "EventUnreadable");
        assert!(said.error_message.contains("neither an S3 notification"));
        let unsettled = HandlerError::Unsettled { unsettled: 1, files: Vec::new() };
        assert_eq!(diagnostic(&unsettled).error_type, "Unsettled");
    }
}
