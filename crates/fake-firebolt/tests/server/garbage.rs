//! Whatever comes over the wire, the server answers or hangs up, and lives.

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::harness::{Client, Script, fake};

fn run<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime")
        .block_on(test)
}

/// Text made of the words of the dialect, most of it nonsense.
fn sql() -> impl Strategy<Value = String> {
    let words = [
        "SELECT",
        "FROM",
        "t",
        "\"t\"",
        "id",
        "v",
        "WHERE",
        "(",
        ")",
        ",",
        "'a'",
        "1",
        "-",
        "*",
        "MERGE INTO",
        "USING",
        "ON",
        "WHEN MATCHED THEN DELETE",
        "INSERT INTO",
        "VALUES",
        "AS",
        "UPDATE",
        "SET",
        "=",
        "NULL",
        "CAST",
        "COPY",
        "USE",
        "BEGIN",
        "COMMIT",
        "ROLLBACK",
        ";",
        "ORDER BY",
        "GROUP BY",
        "COUNT(*)",
        "UNION ALL",
        "EXISTS",
        "NOT",
        "IN",
        "--",
        "/*",
        "'",
    ];
    prop::collection::vec(prop::sample::select(words.to_vec()), 0..14)
        .prop_map(|words| words.join(" "))
}

proptest! {
    #[test]
    fn any_statement_is_answered(texts in prop::collection::vec(sql(), 1..12), free: String) {
        run(async {
            let fake = fake(&Script::new());
            let mut client = Client::sign_on(&fake, "worker-1").await;
            for text in texts.iter().chain([&free]) {
                let status = client.sql(text).await.status();
                assert!([200, 400].contains(&status), "{status}: {text}");
            }
            client.sql("ROLLBACK").await;
            assert_eq!(fake.panics(), 0);
        });
    }

    #[test]
    fn any_body_and_any_query_string_are_answered(
        body in prop::collection::vec(any::<u8>(), 0..200),
        query in "[a-z_=&%+0-9]{0,60}",
    ) {
        run(async {
            let fake = fake(&Script::new());
            let mut client = Client::sign_on(&fake, "worker-1").await;
            let request = Request::post(format!("/?{query}"))
                .header("authorization", format!("Bearer {}", client.token))
                .body(Full::new(Bytes::from(body)))
                .expect("a request");
            let status = client.wire.send(request).await.status();
            assert!([200, 400, 404].contains(&status), "{status}");
            assert_eq!(fake.panics(), 0);
        });
    }

    #[test]
    fn any_bytes_at_all_end_in_an_answer_or_a_closed_connection(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        run(async {
            let fake = fake(&Script::new());
            let (mut near, far) = tokio::io::duplex(4096);
            let served = tokio::spawn(fake.serve_connection(far, "stranger"));
            near.write_all(&bytes).await.expect("a write");
            near.shutdown().await.expect("an end");
            let mut answer = Vec::new();
            let _ = near.read_to_end(&mut answer).await;
            served.await.expect("no panic");
            assert_eq!(fake.panics(), 0);
        });
    }
}
