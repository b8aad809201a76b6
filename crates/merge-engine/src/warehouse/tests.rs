//! What the warehouse makes of replies whose order no simulation can be made to repeat.

use super::*;
use bytes::Bytes;
use firebolt_client::{BoxFuture, ClientConfig, Transport, TransportError};
use http::{Request, Response};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

/// Answers one statement after the other; each must hold the words that it was written for.
struct Script(Mutex<VecDeque<(&'static str, u16, String)>>);

impl Transport for Script {
    fn send(
        &self,
        request: Request<Bytes>,
    ) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>> {
        let next = self.0.lock().expect("no test panics with it").pop_front();
        Box::pin(async move {
            let sql = String::from_utf8_lossy(request.body()).into_owned();
            let (words, status, body) = next.unwrap_or_else(|| panic!("not expected: {sql}"));
            assert!(sql.contains(words), "{words} expected: {sql}");
            let mut response = Response::new(Bytes::from(body));
            *response.status_mut() = http::StatusCode::from_u16(status).expect("a status");
            Ok(response)
        })
    }
}

fn rows(columns: &[&str], rows: &[&[&str]]) -> String {
    let text = |text: &str| format!("{text:?}");
    let meta: Vec<String> =
        columns.iter().map(|name| format!("{{\"name\":{name:?},\"type\":\"text\"}}")).collect();
    let data: Vec<String> = rows
        .iter()
        .map(|row| format!("[{}]", row.iter().map(|cell| text(cell)).collect::<Vec<_>>().join(",")))
        .collect();
    format!(
        "{{\"meta\":[{}],\"data\":[{}],\"rows\":{}}}",
        meta.join(","),
        data.join(","),
        rows.len()
    )
}

const STATE: &str = "SELECT 'control' AS";
const BESIDE: &str = "information_schema.tables";

fn missing() -> (&'static str, u16, String) {
    (STATE, 400, "relation \"cdc_control_users\" does not exist".to_owned())
}

fn there(tables: &[&str]) -> (&'static str, u16, String) {
    let names: Vec<[&str; 1]> = tables.iter().map(|name| [*name]).collect();
    let names: Vec<&[&str]> = names.iter().map(|name| &name[..]).collect();
    (BESIDE, 200, rows(&["table_name"], &names))
}

fn control() -> (&'static str, u16, String) {
    let columns = ["found", "token", "generation", "since", "horizon", "columns"];
    (STATE, 200, rows(&columns, &[&["control", "t.1", "1", "", "", ""]]))
}

const ALL: [&str; 4] = ["cdc_control_users", "cdc_versions_users", "cdc_ledger", "cdc_quarantine"];

/// The number of control rows and of tables, and how many answers were not asked for.
async fn state(
    script: Vec<(&'static str, u16, String)>,
) -> (Result<(usize, usize), Failure>, usize) {
    let script = Arc::new(Script(Mutex::new(script.into())));
    let client = Client::new(
        Arc::clone(&script) as Arc<dyn Transport>,
        ClientConfig::core("http://core.invalid"),
    );
    let catalog = Catalog::default();
    let warehouse = Warehouse::new(&client, &catalog);
    let state = warehouse.state("users", &StatementOptions::default()).await;
    let counted = state.and_then(|(rows, beside)| Ok((control_rows(&rows)?.len(), beside.len())));
    let left = script.0.lock().expect("no test panics with it").len();
    (counted, left)
}

#[tokio::test(start_paused = true)]
async fn what_is_there_is_read_and_what_is_not_is_told_by_name() {
    assert_eq!(state(vec![control()]).await, (Ok((1, 4)), 0));
    assert_eq!(state(vec![missing(), there(&ALL[1..3])]).await, (Ok((0, 2)), 0));
    assert_eq!(state(vec![missing(), there(&[])]).await, (Ok((0, 0)), 0));
}

/// Two first merges of a table: the other one has set the last table up between our two questions.
/// Nothing was read of it yet, and no control row would stop the table for an operator.
#[tokio::test(start_paused = true)]
async fn tables_that_appear_between_two_questions_are_read_again() {
    assert_eq!(state(vec![missing(), there(&ALL), control()]).await, (Ok((1, 4)), 0));
    let (dropped, left) = state(vec![missing(), there(&ALL), missing(), there(&ALL[1..])]).await;
    assert_eq!((dropped, left), (Ok((0, 3)), 0));
}

/// A catalogue that is ahead of its tables for longer than that is a failure, which is waited out.
#[tokio::test(start_paused = true)]
async fn tables_that_are_listed_and_cannot_be_read_are_a_failure() {
    let (failed, left) = state(vec![missing(), there(&ALL), missing(), there(&ALL)]).await;
    let kind = failed.expect_err("nothing was read").kind;
    assert_eq!(kind, FailureKind::MissingTable("cdc_control_users".into()));
    assert_eq!(left, 0);
}
