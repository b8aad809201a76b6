//! `query_parameters`: values that come beside the statement.

use crate::harness::{Client, Heard, Script, fake, rows};

async fn with(client: &mut Client, sql: &str, json: &str) -> Heard {
    client.parameters.insert("query_parameters".to_owned(), json.to_owned());
    let heard = client.sql(sql).await;
    client.parameters.remove("query_parameters");
    heard
}

#[tokio::test(start_paused = true)]
async fn the_json_type_decides_the_sql_type() {
    let fake = fake(&Script::new());
    let mut client = Client::sign_on(&fake, "worker-1").await;
    let json = r#"[{"name": "$1", "value": 1}, {"name": "$2", "value": "x"},
                   {"name": "$3", "value": 1.5}, {"name": "$4", "value": null},
                   {"name": "$5", "value": false}, {"name": "who", "value": "it's; --"}]"#;
    let heard = with(&mut client, "SELECT $1, $2, $3, $4, $5, param('who')", json).await;
    assert_eq!(heard.data(), serde_json::json!([["1", "x", 1.5, null, false, "it's; --"]]));
    let types: Vec<_> = (heard.json()["meta"].as_array().expect("columns").iter())
        .map(|column| column["type"].as_str().expect("a type").to_owned())
        .collect();
    assert_eq!(types, ["long", "text", "double", "text null", "boolean", "text"]);
}

#[tokio::test(start_paused = true)]
async fn they_stand_wherever_a_value_does() {
    let fake = fake(&Script::new());
    let mut client = Client::sign_on(&fake, "worker-1").await;
    let json = r#"[{"name":"$1","value":3},{"name":"$2","value":"c"}]"#;
    assert_eq!(with(&mut client, "INSERT INTO t VALUES ($1, $2)", json).await.status(), 200);
    assert_eq!(rows(&fake), "1=a 2=b 3=c");
    let json = r#"[{"name":"$1","value":2},{"name":"$2","value":"z"}]"#;
    let sql = "UPDATE t SET v = $2 WHERE id >= $1; SELECT COUNT(*) FROM t WHERE v = $2";
    let heard = with(&mut client, sql, json).await;
    assert!(heard.body().contains("[[\"2\"]]"), "{heard:?}");
    assert_eq!(rows(&fake), "1=a 2=z 3=z");
}

#[tokio::test(start_paused = true)]
async fn a_text_becomes_what_its_column_is() {
    let fake = fake(&Script::new());
    let mut client = Client::sign_on(&fake, "worker-1").await;
    client.ok("CREATE TABLE w (g GEOGRAPHY, j JSON, s STRUCT(a BIGINT, b DATE))").await;
    let json = r#"[{"name":"$1","value":"POINT(0 10)"},{"name":"$2","value":"{\"k\": [1]}"},
                   {"name":"$3","value":7},{"name":"$4","value":"2025-11-11"}]"#;
    let insert = "INSERT INTO w VALUES ($1, $2, STRUCT($3, $4))";
    assert_eq!(with(&mut client, insert, json).await.status(), 200);
    let heard = client.sql("SELECT ST_ASTEXT(g), j.k[0], s FROM w").await;
    let expected = serde_json::json!([["POINT(0 10)", 1, {"a": "7", "b": "2025-11-11"}]]);
    assert_eq!(heard.data(), expected);
    let json = r#"[{"name":"$1","value":{"k":1}}]"#;
    let heard = with(&mut client, "SELECT $1", json).await.error();
    assert!(heard.contains("the value of $1 holds an object"), "{heard}");
}

#[tokio::test(start_paused = true)]
async fn what_was_not_set_is_named_with_its_place() {
    let fake = fake(&Script::new());
    let mut client = Client::sign_on(&fake, "worker-1").await;
    let expected =
        "Line 1, Column 17: Query referenced positional parameter $2, but it was not set";
    let json = r#"[{"name":"$1","value":1}]"#;
    assert_eq!(with(&mut client, "SELECT $1 AS a, $2", json).await.error(), expected);
    let heard = client.sql("SELECT 1 AS a, $1").await.error();
    assert!(heard.contains("positional parameter $1"), "{heard}");
    let heard = with(&mut client, "SELECT param('b')", json).await.error();
    assert!(heard.contains("named parameter 'b'"), "{heard}");
    let heard = with(&mut client, "SELECT 1", "{").await.error();
    assert!(heard.starts_with("Invalid query_parameters: "), "{heard}");
}
