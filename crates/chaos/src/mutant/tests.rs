//! What a mutant lets through, changes and hides, on a network that writes down what it was sent.

use std::collections::BTreeSet;

use super::*;

/// Answers from a list, and remembers the requests as `transaction: sql`.
#[derive(Default)]
struct Recorder {
    sent: Mutex<Vec<String>>,
    replies: Mutex<Vec<Reply>>,
}

impl Transport for Recorder {
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'_, Reply> {
        let transaction = parameter(&request, "transaction_id").unwrap_or_else(|| "-".to_owned());
        let sql = String::from_utf8_lossy(request.body()).into_owned();
        self.sent.lock().expect("one thread").push(format!("{transaction}: {sql}"));
        let next = self.replies.lock().expect("one thread").pop();
        Box::pin(async move { next.unwrap_or_else(|| Ok(success())) })
    }
}

fn request(sql: &str) -> Request<Bytes> {
    Request::builder()
        .method("POST")
        .uri("http://h/query?query_label=a.1&transaction_id=t7")
        .body(Bytes::from(sql.to_owned()))
        .expect("a valid request")
}

/// Sends the statements through a mutant; what went out, what came back, how much was changed.
fn through(name: &str, statements: &[&str], replies: Vec<Reply>) -> (Vec<String>, Vec<Reply>, u64) {
    let recorder = Arc::new(Recorder { replies: Mutex::new(replies), ..Recorder::default() });
    let applied = Arc::new(AtomicU64::new(0));
    let mutant = named(name).expect("a mutant of the table");
    let transport = mutant.transport(recorder.clone(), applied.clone());
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let heard =
        statements.iter().map(|sql| runtime.block_on(transport.send(request(sql)))).collect();
    let sent = recorder.sent.lock().expect("one thread").clone();
    (sent, heard, applied.load(Ordering::Relaxed))
}

const FENCE: &str =
    "UPDATE \"cdc_control_u\" SET \"token\" = 'a.1', \"commits\" = \"commits\" + 1 WHERE TRUE";

#[test]
fn the_fence_that_comes_last_is_sent_inside_its_transaction_right_before_commit() {
    let (sent, _, applied) = through("fence-last", &["BEGIN", FENCE, "SELECT 1", "COMMIT"], vec![]);
    let idle = FENCE.replace("WHERE TRUE", "WHERE FALSE");
    let expected = ["BEGIN", idle.as_str(), "SELECT 1", FENCE, "COMMIT"];
    assert_eq!(sent, expected.map(|sql| format!("t7: {sql}")));
    assert_eq!(applied, 1);
}

#[test]
fn what_goes_outside_loses_its_transaction_and_nothing_else() {
    let (sent, _, _) = through("lease", &[FENCE, "COMMIT"], vec![]);
    assert_eq!(sent, [format!("-: {FENCE}"), "t7: COMMIT".to_owned()]);
    let moved = outside(request("x"));
    assert_eq!(moved.uri().to_string(), "http://h/query?query_label=a.1");
}

#[test]
fn a_lost_commit_is_told_as_success_only_when_it_may_have_been_sent() {
    let (_, heard, applied) =
        through("doubt-is-success", &["COMMIT"], vec![Err(TransportError::maybe_sent("lost"))]);
    assert_eq!(
        (heard[0].as_ref().map(Response::status).ok(), applied),
        (Some(http::StatusCode::OK), 1)
    );
    let (_, heard, applied) =
        through("doubt-is-success", &["COMMIT"], vec![Err(TransportError::not_sent("refused"))]);
    assert!(heard[0].is_err());
    assert_eq!(applied, 0);
}

#[test]
fn a_conflict_is_told_as_success_or_success_as_a_conflict() {
    let (_, heard, _) = through("conflict-is-success", &["COMMIT"], vec![Ok(conflict())]);
    assert_eq!(heard[0].as_ref().map(Response::status).ok(), Some(http::StatusCode::OK));
    let (sent, heard, _) = through("never-commits", &["COMMIT"], vec![]);
    assert_eq!(sent, ["t7: ROLLBACK"]);
    assert_eq!(heard[0].as_ref().map(Response::status).ok(), Some(http::StatusCode::CONFLICT));
}

#[test]
fn statements_that_a_mutant_does_not_care_for_pass_untouched() {
    for mutant in MUTANTS {
        let (sent, _, applied) = through(mutant.name, &["SELECT 1", "BEGIN"], vec![]);
        assert_eq!(sent, ["t7: SELECT 1", "t7: BEGIN"], "{}", mutant.name);
        assert_eq!(applied, 0, "{}", mutant.name);
    }
}

#[test]
fn names_are_unique_and_found() {
    let names: BTreeSet<&str> = MUTANTS.iter().map(|mutant| mutant.name).collect();
    assert_eq!(names.len(), MUTANTS.len());
    assert!(named("no-fence").is_some() && named("no-such").is_none());
}
