//! Known-bad engines: the real engine with something between it and the network that changes what
//! it says, or what it hears.
//!
//! The engine itself is not touched, so every mutant is a mutant of the code that ships. Each one
//! undoes one decision of the merge protocol, and each must be caught by an oracle, or that oracle
//! and the decision are only believed in. A mutation whose shape never appeared on the wire is an
//! error of the harness, never a mutant that was survived.

pub mod rewrite;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use firebolt_client::{BoxFuture, Transport, TransportError};
use http::{Request, Response};

use crate::statement::{Endpoint, StatementName, classify};

type Reply = Result<Response<Bytes>, TransportError>;

/// What becomes of a statement on its way out.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Edit {
    /// Sent as it is.
    Keep,
    /// Sent with this text.
    Sql(String),
    /// Sent with this text, outside its transaction.
    Outside(String),
    /// This text is sent now, and the original right before COMMIT.
    UntilCommit(String),
}

impl Edit {
    fn sql(text: Option<String>) -> Self {
        text.map_or(Self::Keep, Self::Sql)
    }
}

/// What the engine is told instead of the truth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lie {
    None,
    /// No reply to this statement is heard as success.
    LostIsDone(StatementName),
    /// A conflict at COMMIT is heard as success.
    ConflictIsDone,
    /// Whatever COMMIT answers is heard as a conflict.
    AlwaysConflict,
    /// A statement whose reply was lost is sent once more, in the same transaction.
    SentAgain(StatementName),
}

/// A known-bad engine.
#[derive(Debug)]
pub struct Mutant {
    /// Its name in plans, scenarios and reports.
    pub name: &'static str,
    /// The decision that it undoes.
    pub undoes: &'static str,
    edit: fn(StatementName, &str, &str) -> Edit,
    lie: Lie,
    /// Whether COMMIT is believed without asking the ledger.
    believes: bool,
}

/// All of them.
pub static MUTANTS: &[Mutant] = &[
    Mutant {
        edit: no_fence,
        ..plain("no-fence", "every merge of a table rewrites its control row")
    },
    Mutant {
        edit: fence_last,
        ..plain("fence-last", "the fence comes before everything it orders")
    },
    Mutant { edit: lease, ..plain("lease", "the fence is moved inside the transaction") },
    Mutant {
        edit: all_autocommit,
        ..plain("no-transaction", "merge, versions and ledger commit together")
    },
    Mutant {
        edit: skip_check,
        ..plain("skip-ledger-check", "the ledger is asked inside the transaction")
    },
    Mutant {
        edit: ledger_outside,
        ..plain("ledger-outside", "the ledger row commits with the rows it speaks of")
    },
    Mutant {
        edit: plain_ledger,
        lie: Lie::SentAgain(StatementName::Ledger),
        ..plain("statement-sent-again", "a statement without reply ends its transaction")
    },
    Mutant {
        edit: |name, sql, _| only(StatementName::Merge, name, || rewrite::merge_without_guard(sql)),
        ..plain("no-guard-in-merge", "a row is merged only when it is newer (step 3)")
    },
    Mutant {
        edit: |name, sql, _| {
            only(StatementName::Versions, name, || rewrite::versions_without_guard(sql))
        },
        ..plain("no-guard-in-versions", "a version never goes back (step 4)")
    },
    Mutant {
        edit: |name, sql, _| {
            only(StatementName::Versions, name, || rewrite::versions_insert_only(sql))
        },
        ..plain("versions-insert-only", "a version goes forward with its row (step 4)")
    },
    Mutant {
        edit: |name, sql, _| {
            only(StatementName::Versions, name, || rewrite::versions_without_tombstones(sql))
        },
        ..plain("no-tombstones", "a deleted key keeps its version")
    },
    Mutant {
        edit: |name, sql, _| {
            only(StatementName::Merge, name, || rewrite::merge_with_inner_join(sql))
        },
        ..plain("inner-join", "a key without a version is new, not absent")
    },
    Mutant {
        edit: |name, sql, _| {
            only(StatementName::Merge, name, || rewrite::merge_inserts_deletes(sql))
        },
        ..plain("deletes-inserted", "the delete of an absent key inserts nothing")
    },
    Mutant {
        lie: Lie::LostIsDone(StatementName::Commit),
        believes: true,
        ..plain("doubt-is-success", "a COMMIT without reply is in doubt")
    },
    Mutant {
        lie: Lie::LostIsDone(StatementName::Merge),
        ..plain("lost-merge-ignored", "a statement without reply ends its transaction")
    },
    Mutant {
        lie: Lie::ConflictIsDone,
        believes: true,
        ..plain("conflict-is-success", "a conflict means not committed")
    },
    Mutant {
        edit: |name, _, _| only(StatementName::Commit, name, || Some("ROLLBACK".to_owned())),
        believes: true,
        ..plain("acknowledges-without-commit", "only a commit is acknowledged")
    },
    Mutant {
        edit: |name, _, _| only(StatementName::Commit, name, || Some("ROLLBACK".to_owned())),
        lie: Lie::AlwaysConflict,
        ..plain("never-commits", "a file is applied in the end")
    },
    Mutant {
        edit: |name, sql, _| {
            only(StatementName::Columns, name, || rewrite::state_without_control(sql))
        },
        ..plain("control-unread", "a control row that was not read is not called broken")
    },
    Mutant {
        edit: |name, sql, _| only(StatementName::Drop, name, || rewrite::drop_of_nothing(sql)),
        ..plain("drops-nothing", "no staging table stays behind")
    },
];

const fn plain(name: &'static str, undoes: &'static str) -> Mutant {
    Mutant { name, undoes, edit: |_, _, _| Edit::Keep, lie: Lie::None, believes: false }
}

/// The mutant of that name.
pub fn named(name: &str) -> Option<&'static Mutant> {
    MUTANTS.iter().find(|mutant| mutant.name == name)
}

fn only(
    wanted: StatementName,
    name: StatementName,
    rewrite: impl FnOnce() -> Option<String>,
) -> Edit {
    if name == wanted { Edit::sql(rewrite()) } else { Edit::Keep }
}

fn in_steps_3_to_5(name: StatementName) -> bool {
    matches!(name, StatementName::Merge | StatementName::Versions | StatementName::Ledger)
}

/// Check and predicate as of an engine that has no fence.
fn unfenced(name: StatementName, sql: &str, token: &str) -> Edit {
    match name {
        StatementName::Check => Edit::sql(rewrite::check_reports(sql, token)),
        name if in_steps_3_to_5(name) => Edit::sql(rewrite::without_ours(sql)),
        _ => Edit::Keep,
    }
}

fn no_fence(name: StatementName, sql: &str, token: &str) -> Edit {
    match name {
        StatementName::Fence => Edit::sql(rewrite::idle_fence(sql)),
        _ => unfenced(name, sql, token),
    }
}

fn fence_last(name: StatementName, sql: &str, token: &str) -> Edit {
    match name {
        StatementName::Fence => rewrite::idle_fence(sql).map_or(Edit::Keep, Edit::UntilCommit),
        _ => unfenced(name, sql, token),
    }
}

fn lease(name: StatementName, sql: &str, token: &str) -> Edit {
    match name {
        StatementName::Fence => Edit::Outside(sql.to_owned()),
        _ => unfenced(name, sql, token),
    }
}

fn all_autocommit(name: StatementName, sql: &str, token: &str) -> Edit {
    let outside = |sql: Option<String>| sql.map_or(Edit::Keep, Edit::Outside);
    match name {
        StatementName::Fence => Edit::Outside(sql.to_owned()),
        StatementName::Check => outside(rewrite::check_reports(sql, token)),
        name if in_steps_3_to_5(name) => outside(rewrite::without_ours(sql)),
        _ => Edit::Keep,
    }
}

/// The check does not see the ledger, and the insert does not look either: with the insert's own
/// anti-join kept, the mutant would be equivalent.
fn skip_check(name: StatementName, sql: &str, _token: &str) -> Edit {
    match name {
        StatementName::Check => Edit::sql(rewrite::blind_to_ledger(sql)),
        StatementName::Ledger => Edit::sql(rewrite::plain_ledger_insert(sql)),
        _ => Edit::Keep,
    }
}

fn ledger_outside(name: StatementName, sql: &str, _token: &str) -> Edit {
    match name {
        StatementName::Ledger => rewrite::without_ours(sql).map_or(Edit::Keep, Edit::Outside),
        _ => Edit::Keep,
    }
}

fn plain_ledger(name: StatementName, sql: &str, _token: &str) -> Edit {
    only(StatementName::Ledger, name, || rewrite::plain_ledger_insert(sql))
}

/// Stands between the engine's client and its network.
pub struct MutantTransport {
    mutant: &'static Mutant,
    inner: Arc<dyn Transport>,
    /// Fences that wait for their COMMIT, by transaction id.
    held: Mutex<BTreeMap<String, Request<Bytes>>>,
    /// The attempt that was told of a commit that may not exist. The engine asks the ledger after
    /// COMMIT; a mutant that believes COMMIT believes that answer as well.
    believed: Mutex<Option<String>>,
    applied: Arc<AtomicU64>,
}

impl Mutant {
    /// Wraps a transport. `applied` counts what was really changed, for the whole run.
    pub fn transport(
        &'static self,
        inner: Arc<dyn Transport>,
        applied: Arc<AtomicU64>,
    ) -> Arc<dyn Transport> {
        Arc::new(MutantTransport {
            mutant: self,
            inner,
            held: Mutex::default(),
            believed: Mutex::default(),
            applied,
        })
    }
}

impl Transport for MutantTransport {
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'_, Reply> {
        Box::pin(self.mutated(request))
    }
}

impl MutantTransport {
    async fn mutated(&self, request: Request<Bytes>) -> Reply {
        let Some(sql) = statement_of(&request) else { return self.inner.send(request).await };
        let name = classify(Endpoint::Query, &sql);
        let token = parameter(&request, "query_label").unwrap_or_default();
        let transaction = parameter(&request, "transaction_id");
        if name == StatementName::Commit {
            self.send_held(transaction.as_deref()).await;
        }
        if let Some(text) = self.confirmation(&sql) {
            return self.inner.send(self.changed(with_sql(request, text))).await;
        }
        let request = match (self.mutant.edit)(name, &sql, &token) {
            Edit::Keep => request,
            Edit::Sql(text) => self.changed(with_sql(request, text)),
            Edit::Outside(text) => self.changed(with_sql(outside(request), text)),
            Edit::UntilCommit(text) => {
                if let Some(transaction) = transaction {
                    let mut held = self.held.lock().expect("no panic while a fence is put aside");
                    held.insert(transaction, copy(&request));
                }
                self.changed(with_sql(request, text))
            }
        };
        let reply = self.answered(name, request).await;
        if name == StatementName::Commit && self.mutant.believes && is_success(&reply) {
            let attempt = token.rsplit_once('.').map_or("", |(attempt, _)| attempt);
            *self.believed.lock().expect("no panic while a belief is noted") =
                Some(attempt.to_owned());
        }
        reply
    }

    /// The probe that follows a COMMIT in which the mutant believes.
    fn confirmation(&self, sql: &str) -> Option<String> {
        let mut believed = self.believed.lock().expect("no panic while a belief is asked");
        let text = rewrite::probe_finds(sql, believed.as_deref()?);
        if text.is_some() {
            *believed = None;
        }
        text
    }

    async fn send_held(&self, transaction: Option<&str>) {
        let held = transaction
            .and_then(|id| self.held.lock().expect("no panic while a fence is taken").remove(id));
        if let Some(fence) = held {
            // Its own reply tells nothing: if it failed, COMMIT will.
            let _ = self.inner.send(fence).await;
        }
    }

    async fn answered(&self, name: StatementName, request: Request<Bytes>) -> Reply {
        let again = copy(&request);
        let reply = self.inner.send(request).await;
        let lost = reply.as_ref().is_err_and(TransportError::is_sent_maybe);
        match self.mutant.lie {
            Lie::LostIsDone(wanted) if name == wanted && lost => {
                Ok(self.changed(if name == StatementName::Commit { success() } else { done() }))
            }
            Lie::SentAgain(wanted) if name == wanted && lost => {
                self.changed(());
                self.inner.send(again).await
            }
            Lie::ConflictIsDone if name == StatementName::Commit && is_conflict(&reply) => {
                Ok(self.changed(success()))
            }
            Lie::AlwaysConflict if name == StatementName::Commit && reply.is_ok() => {
                Ok(self.changed(conflict()))
            }
            _ => reply,
        }
    }

    fn changed<T>(&self, to: T) -> T {
        self.applied.fetch_add(1, Ordering::Relaxed);
        to
    }
}

/// The SQL of a query request; `None` for sign-on and discovery.
fn statement_of(request: &Request<Bytes>) -> Option<String> {
    let path = request.uri().path();
    if request.method() != http::Method::POST || path.ends_with("/oauth/token") {
        return None;
    }
    String::from_utf8(request.body().to_vec()).ok()
}

fn parameter(request: &Request<Bytes>, name: &str) -> Option<String> {
    let query = request.uri().query()?;
    form_urlencoded::parse(query.as_bytes())
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

fn copy(request: &Request<Bytes>) -> Request<Bytes> {
    let mut copy = Request::new(request.body().clone());
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.headers_mut() = request.headers().clone();
    copy
}

fn with_sql(mut request: Request<Bytes>, sql: String) -> Request<Bytes> {
    request.headers_mut().remove(http::header::CONTENT_LENGTH);
    *request.body_mut() = Bytes::from(sql);
    request
}

/// The request without its transaction.
fn outside(mut request: Request<Bytes>) -> Request<Bytes> {
    let text = request.uri().to_string();
    let Some((path, query)) = text.split_once('?') else { return request };
    let kept: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes())
        .filter(|(key, _)| key != "transaction_id" && key != "transaction_sequence_id")
        .map(|(key, value)| (key.into_owned(), value.into_owned()))
        .collect();
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(kept).finish();
    *request.uri_mut() =
        format!("{path}?{query}").parse().expect("a URI without one of its parameters is a URI");
    request
}

fn is_success(reply: &Reply) -> bool {
    reply.as_ref().is_ok_and(|response| response.status().is_success())
}

fn is_conflict(reply: &Reply) -> bool {
    reply.as_ref().is_ok_and(|response| {
        let body = String::from_utf8_lossy(response.body());
        body.contains("conflicts with") && body.contains("on transaction commit")
    })
}

/// The end of a transaction: the client is told to forget its id.
fn reply(status: u16, content_type: &'static str, body: &'static str) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from_static(body.as_bytes()));
    *response.status_mut() =
        http::StatusCode::from_u16(status).expect("200 and 409 are status codes");
    let headers = response.headers_mut();
    headers.insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static(content_type));
    headers.insert(
        http::HeaderName::from_static("firebolt-remove-parameters"),
        http::HeaderValue::from_static("transaction_id"),
    );
    response
}

/// A statement inside a transaction is done.
fn done() -> Response<Bytes> {
    let mut response = success();
    response.headers_mut().remove("firebolt-remove-parameters");
    response
}

/// A transaction is committed.
fn success() -> Response<Bytes> {
    reply(200, "application/json", r#"{"meta":[],"data":[],"rows":0}"#)
}

/// The vendor's words for a write conflict (firebolt-wire, error texts).
fn conflict() -> Response<Bytes> {
    reply(
        409,
        "text/plain",
        "Failed to commit transaction, error: 'detected 1 conflicts with 1 transactions on \
         transaction commit', code: 9",
    )
}

#[cfg(test)]
mod tests;
