//! Sign-on: from an account name to a session on an engine.
//!
//! Cloud: engineUrl → `USE DATABASE` → `USE ENGINE`; Firebolt Core: nothing is sent
//! (firebolt-wire §1, §3.1, §3.2). None of it touches data, so every error here has
//! [`Effect::None`](crate::Effect::None): the statement that caused the sign-on was not sent.

use crate::client::{Bound, Client};
use crate::config::{Credentials, StatementOptions};
use crate::error::{Asked, Effect, Error, ErrorKind};
use crate::request;
use crate::response;
use crate::session::{Endpoint, Session};

/// Builds a new session.
pub(crate) async fn sign_on(client: &Client, bound: Bound) -> Result<Session, Error> {
    let config = client.config();
    let (api, api_parameters) = Endpoint::parse(&config.api_base).ok_or_else(|| {
        let message = format!("api_base is not an HTTP address: {}", config.api_base);
        Error::new(ErrorKind::Config, Effect::None, message)
    })?;
    match &config.credentials {
        Credentials::None => {
            let mut session = Session::new(api, api_parameters);
            if !config.database.is_empty() {
                session.parameters.insert("database".to_owned(), config.database.clone());
            }
            Ok(session)
        }
        Credentials::ServiceAccount { .. } => {
            let mut session = system_engine(client, &api, bound).await?;
            if !config.database.is_empty() {
                r#use(client, &mut session, "DATABASE", &config.database, bound).await?;
            }
            if let Some(engine) = &config.engine {
                r#use(client, &mut session, "ENGINE", engine, bound).await?;
            }
            Ok(session)
        }
    }
}

/// The account's system engine, which knows its databases and engines.
async fn system_engine(client: &Client, api: &Endpoint, bound: Bound) -> Result<Session, Error> {
    const CONTEXT: &str = "GET engineUrl";
    let account = &client.config().account;
    let text = client
        .authorized(
            CONTEXT,
            bound.step(),
            |token| request::engine_url(api, account, token, &client.config().user_agent),
            response::engine_url,
        )
        .await?;
    let (endpoint, parameters) = Endpoint::parse(&text).ok_or_else(|| {
        Error::new(ErrorKind::Malformed, Effect::None, format!("not an address: {text}"))
            .with_context(CONTEXT)
    })?;
    Ok(Session::new(endpoint, parameters))
}

/// `USE <what> "<name>"`, and what its reply does to the session.
async fn r#use(
    client: &Client,
    session: &mut Session,
    what: &str,
    name: &str,
    bound: Bound,
) -> Result<(), Error> {
    let sql = format!("USE {what} \"{}\"", name.replace('"', "\"\""));
    let options = StatementOptions::default();
    let reply = client.run(session, &sql, &options, Asked::Statement, bound.step()).await;
    reply.result?;
    session.apply(&reply.change.without_transaction());
    // The service answers with the parameter; a server that only says OK means the same.
    session.parameters.entry(what.to_ascii_lowercase()).or_insert_with(|| name.to_owned());
    Ok(())
}
