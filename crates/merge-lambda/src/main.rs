//! The Lambda binary: settings from the environment, one engine for the life of the process, events in.

use lambda_runtime::{Error, LambdaEvent, service_fn};
use merge_lambda::{config::Settings, invocation, network};
use serde_json::Value;
use std::time::SystemTime;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    tracing_subscriber::fmt().json().with_max_level(tracing::Level::INFO).init();
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    let settings = Settings::read(&|name| std::env::var(name).ok());
    let handler = match settings {
        Ok(settings) => network::handler(settings).await.map_err(Error::from),
        Err(error) => Err(Error::from(error)),
    };
    let handler = &handler.inspect_err(|error| tracing::error!("cannot start: {error}"))?;
    lambda_runtime::run(service_fn(async move |event: LambdaEvent<Value>| {
        #[expect(clippy::disallowed_methods, reason = "the platform gives the deadline as a date")]
        let deadline = invocation::deadline(event.context.deadline(), SystemTime::now());
        let response = handler.handle(&event.payload, deadline).await;
        response.map_err(|why| invocation::diagnostic(&why))
    }))
    .await
}
