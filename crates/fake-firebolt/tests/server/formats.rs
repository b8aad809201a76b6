//! The output formats over the wire, and errors that come after the rows.

use fake_firebolt::{CannedReply, Phase, Verdict};

use crate::harness::{Client, Script, fake};

const ROWS: &str = "SELECT id, v FROM t ORDER BY id";

#[tokio::test(start_paused = true)]
async fn psql_is_a_table_for_the_eye() {
    let fake = fake(&Script::new());
    let mut client = Client::sign_on(&fake, "worker-1").await;
    let heard = client.post("/?output_format=PSQL", ROWS).await;
    assert_eq!(heard.body(), " id | v \n----+---\n  1 | a\n  2 | b\n(2 rows)\n");
    assert_eq!(heard.header("content-type"), Some("text/plain; charset=utf-8"));
    let nothing = client.post("/?output_format=PSQL", "DELETE FROM t WHERE id = 9").await;
    assert_eq!((nothing.status(), nothing.body()), (200, ""));
}

#[tokio::test(start_paused = true)]
async fn an_unknown_format_is_refused_before_anything_is_done() {
    let fake = fake(&Script::new());
    let mut client = Client::sign_on(&fake, "worker-1").await;
    client.sql("BEGIN").await;
    client.ok("INSERT INTO t VALUES (3, 'c')").await;
    client.parameters.insert("output_format".to_owned(), "ArrowStream".to_owned());
    for sql in ["SELECT 1", "COMMIT"] {
        let heard = client.sql(sql).await;
        let expected = (404, "Output format 'ArrowStream' is not supported");
        assert_eq!((heard.status(), heard.body()), expected, "{sql}");
    }
    client.parameters.insert("output_format".to_owned(), "JSON_Compact".to_owned());
    assert_eq!(client.sql("COMMIT").await.status(), 200, "the refusals left it as it was");
}

#[tokio::test(start_paused = true)]
async fn a_stream_may_end_with_errors_after_its_rows() {
    for (format, rows, error) in [
        ("JSONLines_Compact", "\"data\":[[1,\"a\"],[2,\"b\"]]", "FINISH_WITH_ERRORS"),
        ("TabSeparatedWithNamesAndTypes", "1\ta\n2\tb\n", "{\"errors\":[{\"description\":\""),
        ("JSON_Compact", "[[1,\"a\"],[2,\"b\"]]", "\"errors\":[{\"description\":\""),
    ] {
        let script = Script::new();
        let reply = CannedReply::errors(500, "Line 1, Column 8: out of memory");
        script.at(Phase::Answered, "SELECT", Verdict::FailStatement(reply));
        let fake = fake(&script);
        let mut client = Client::sign_on(&fake, "worker-1").await;
        let heard = client.post(&format!("/?output_format={format}"), ROWS).await;
        assert_eq!(heard.status(), 200, "the status was sent before the failure");
        let body = heard.body();
        let (rows, error) = (body.find(rows).expect(format), body.find(error).expect(format));
        assert!(rows < error && body.contains("Line 1, Column 8: out of memory"), "{body}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_made_of_others_in_every_format() {
    let fake = fake(&Script::new());
    let mut client = Client::sign_on(&fake, "worker-1").await;
    let sql = "SELECT {'a': [1, NULL], 'b\"c': 'x\ty'} AS s, 'POINT(1 2)'::GEOGRAPHY AS g, \
               '{\"k\": [\"\\t\"]}'::JSON AS j";
    let hex = "0101000020E6100000FEFFFFFFFFFFEF3F0000000000000040";
    let cells = serde_json::json!([[{"a": [1, null], "b\"c": "x\ty"}, hex, {"k": ["\t"]}]]);
    let compact = client.post("/?output_format=JSON_Compact", sql).await.json();
    assert_eq!(compact["data"], cells);
    assert_eq!(compact["meta"][0]["type"], "struct(a array(int null), `b\"c` text)");
    let lines = client.post("/?output_format=JSONLines_Compact", sql).await;
    let data = lines.body().lines().nth(1).expect("DATA").to_owned();
    let data: serde_json::Value = serde_json::from_str(&data).expect("JSON");
    assert_eq!(data["data"], cells);
    // Backslashes are doubled there, so the JSON's own escape of a tab is too.
    let tsv = client.post("/?output_format=TabSeparatedWithNamesAndTypes", sql).await;
    let expected = format!(
        "s\tg\tj\nstruct(a array(integer null), `b\"c` text)\tgeography\tjson\n\
         {{\"a\":[1,null],\"b\\\\\"c\":\"x\\\\ty\"}}\t{hex}\t{{\"k\":[\"\\\\t\"]}}\n"
    );
    assert_eq!(tsv.body(), expected);
    let psql = client.post("/?output_format=PSQL", sql).await;
    let row = psql.body().lines().nth(2).expect("a row").to_owned();
    let expected =
        format!(" {{\"a\":[1,null],\"b\\\"c\":\"x\\ty\"}} | {hex} | {{\"k\":[\"\\t\"]}}");
    assert_eq!(row, expected);
}

#[tokio::test(start_paused = true)]
async fn every_type_in_both_spellings() {
    let fake = fake(&Script::new());
    let mut client = Client::sign_on(&fake, "worker-1").await;
    let sql = "SELECT 1 AS i, CAST(1 AS BIGINT) AS l, CAST(1.5 AS REAL) AS f, \
               CAST(1.5 AS DOUBLE PRECISION) AS d, CAST(1 AS NUMERIC(10, 2)) AS n, 'x' AS t, \
               TRUE AS b, CAST('2025-01-02' AS DATE) AS day, \
               CAST('2025-01-02 03:04:05' AS TIMESTAMP) AS ts, \
               CAST('2025-01-02 03:04:05' AS TIMESTAMPTZ) AS tz, CAST('x' AS BYTEA) AS raw, \
               'POINT(1 2)'::GEOGRAPHY AS g, '[1, {}]'::JSON AS j, \
               CAST(NULL AS BIGINT) AS nothing, \
               {'a': [1], 'b c': CAST(NULL AS BIGINT)} AS s";
    let compact = client.post("/?output_format=JSON_Compact", sql).await.json()["meta"].clone();
    let lines = client.post("/?output_format=JSONLines_Compact", sql).await;
    let first = lines.body().lines().next().expect("START");
    let start: serde_json::Value = serde_json::from_str(first).expect("JSON");
    let types = |list: &serde_json::Value| -> Vec<String> {
        let list = list.as_array().expect("columns").iter();
        list.map(|column| column["type"].as_str().expect("a type").to_owned()).collect()
    };
    assert_eq!(
        types(&compact),
        [
            "int",
            "long",
            "float",
            "double",
            "Decimal(10, 2)",
            "text",
            "boolean",
            "date",
            "timestamp",
            "timestamptz",
            "bytea",
            "geography",
            "json",
            "long null",
            "struct(a array(int null), `b c` long null)"
        ]
    );
    assert_eq!(
        types(&start["result_columns"]),
        [
            "integer",
            "bigint",
            "real",
            "double precision",
            "numeric(10, 2)",
            "text",
            "boolean",
            "date",
            "timestamp",
            "timestamptz",
            "bytea",
            "geography",
            "json",
            "bigint null",
            "struct(a array(integer null), `b c` bigint null)"
        ]
    );
}
