//! Every `fixtures/wire/client-*.http`: the client must send the recorded requests, and what it makes
//! of the recorded replies is a reviewed snapshot.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use firebolt_client::{
    Client, ClientConfig, Commit, Credentials, Error, ResultSet, StatementOptions, Transaction,
};
use http::{Request, Response};

use crate::script::{Answer, Script};

/// One request as recorded, and the reply to it.
struct Exchange {
    start: String,
    headers: Vec<(String, String)>,
    body: String,
    response: Response<Bytes>,
}

#[tokio::test(start_paused = true)]
async fn every_recorded_exchange_is_played_as_recorded() {
    let mut files: Vec<PathBuf> = std::fs::read_dir(fixtures())
        .expect("fixtures/wire exists")
        .map(|entry| entry.expect("fixtures/wire can be listed").path())
        .filter(|path| name(path).starts_with("client-") && name(path).ends_with(".http"))
        .collect();
    files.sort();
    assert!(files.len() >= 9, "only {} fixtures: {files:?}", files.len());
    for path in files {
        let text = std::fs::read_to_string(&path).expect("a fixture can be read");
        let shown = play(&name(&path), exchanges(&text)).await;
        insta::assert_snapshot!(name(&path).replace(".http", ""), shown);
    }
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/wire")
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Runs the statements of a file in their order and shows each outcome.
async fn play(file: &str, exchanges: Vec<Exchange>) -> String {
    let core = !exchanges[0].start.contains("/oauth/token");
    let statements: Vec<String> = exchanges
        .iter()
        .filter(|e| e.start.starts_with("POST") && !e.start.contains("/oauth/token"))
        .map(|e| e.body.clone())
        .filter(|sql| !sql.starts_with("USE "))
        .collect();
    let replies_expected = exchanges.len();
    let mut recorded = exchanges.into_iter();
    let file_name = file.to_owned();
    let script = Script::new(move |request| {
        let exchange = recorded.next().unwrap_or_else(|| panic!("{file_name}: a request too many"));
        assert_recorded(&file_name, request, &exchange);
        Answer::Reply(exchange.response)
    });
    let client = Client::new(script.clone(), config(core));
    let mut shown = String::new();
    let mut transaction = None;
    let mut done = Vec::<String>::new();
    for sql in statements {
        // A statement that the client repeated by itself after a 401 is recorded twice.
        let sent = script.log().len();
        if sent > 0 && done.len() + sign_on_requests(&script) < sent {
            done.push(sql);
            continue;
        }
        let line = run(&client, &mut transaction, &sql).await;
        writeln!(shown, "{sql}\n    {line}").expect("a String takes everything");
        done.push(sql);
    }
    assert_eq!(script.log().len(), replies_expected, "{file}: recorded exchanges were not played");
    shown
}

fn sign_on_requests(script: &Arc<Script>) -> usize {
    let is_sign_on =
        |line: &&String| *line == "token" || *line == "engineUrl" || line.starts_with("USE ");
    script.log().iter().filter(is_sign_on).count()
}

/// Runs one statement by the method of the API that is made for it.
async fn run(client: &Client, transaction: &mut Option<Transaction>, sql: &str) -> String {
    let options = StatementOptions::default();
    match (sql, transaction.take()) {
        ("BEGIN", _) => match client.begin(&options).await {
            Ok(begun) => {
                let shown = format!("open {}", begun.id());
                *transaction = Some(begun);
                shown
            }
            Err(error) => failed(&error),
        },
        ("COMMIT", Some(open)) => match open.commit(&options).await {
            Commit::Committed => "Committed".to_owned(),
            Commit::Aborted(error) => format!("Aborted: {}", failed(&error)),
            Commit::InDoubt(error) => format!("InDoubt: {}", failed(&error)),
            Commit::NotSent(again, error) => {
                *transaction = Some(again);
                format!("NotSent: {}", failed(&error))
            }
        },
        ("ROLLBACK", Some(open)) => match open.rollback(&options).await {
            Ok(()) => "rolled back".to_owned(),
            Err(error) => failed(&error),
        },
        (_, Some(mut open)) => {
            let result = open.execute(sql, &options).await;
            *transaction = Some(open);
            shown(result)
        }
        (_, None) => shown(client.query(sql, &options).await),
    }
}

fn shown(result: Result<ResultSet, Error>) -> String {
    match result {
        Err(error) => failed(&error),
        Ok(result) if result.columns.is_empty() => "ok".to_owned(),
        Ok(result) => {
            let mut text = format!("{} row", result.len());
            for row in &result.rows {
                for (column, value) in result.columns.iter().zip(row) {
                    write!(text, "\n    {} {} = {value:?}", column.name, column.type_name)
                        .expect("a String takes everything");
                }
            }
            text
        }
    }
}

fn failed(error: &Error) -> String {
    format!("{:?} {:?}: {error}", error.kind(), error.effect())
}

fn config(core: bool) -> ClientConfig {
    let mut config = ClientConfig::core("http://127.0.0.1:8080");
    config.database = "mydb".to_owned();
    config.user_agent = "fixture".to_owned();
    if !core {
        config.account = "acc".to_owned();
        config.engine = Some("myeng".to_owned());
        config.credentials = Credentials::ServiceAccount {
            client_id: "cid".to_owned(),
            client_secret: "s3cret".into(),
        };
    }
    config
}

fn assert_recorded(file: &str, request: &Request<Bytes>, recorded: &Exchange) {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    assert_eq!(format!("{} {path} HTTP/1.1", request.method()), recorded.start, "{file}");
    for (name, value) in &recorded.headers {
        let sent = match name.as_str() {
            "host" => request.uri().authority().map_or("", |authority| authority.as_str()),
            _ => request
                .headers()
                .get(name)
                .map_or("", |sent| sent.to_str().expect("the client sends readable headers")),
        };
        assert_eq!(sent, value, "{file}: {} header {name}", recorded.start);
    }
    let body = std::str::from_utf8(request.body()).expect("the client sends UTF-8");
    assert_eq!(body, recorded.body, "{file}: {}", recorded.start);
}

fn exchanges(text: &str) -> Vec<Exchange> {
    let mut messages = Vec::new();
    for block in text.split("\n### ").skip(1) {
        let (kind, rest) = block.split_once('\n').expect("a block has lines");
        let (head, body) = rest.split_once("\n\n").expect("an empty line ends the headers");
        let (start, headers) = head.split_once('\n').unwrap_or((head, ""));
        let headers: Vec<(String, String)> = headers
            .lines()
            .map(|line| line.split_once(": ").expect("a header is `name: value`"))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let body = body.trim_end_matches('\n').to_owned();
        messages.push((kind.trim().to_owned(), start.to_owned(), headers, body));
    }
    let mut messages = messages.into_iter();
    let mut exchanges = Vec::new();
    while let Some((kind, start, headers, body)) = messages.next() {
        assert_eq!(kind, "request");
        let (kind, status, response_headers, response_body) =
            messages.next().expect("every request has its response");
        assert_eq!(kind, "response");
        let status = status.split(' ').nth(1).expect("a status line has a status");
        let mut response = Response::builder().status(status);
        for (name, value) in response_headers {
            response = response.header(name, value);
        }
        let response = response.body(Bytes::from(response_body)).expect("a recorded response");
        exchanges.push(Exchange { start, headers, body, response });
    }
    exchanges
}
