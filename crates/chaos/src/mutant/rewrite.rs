//! How a mutation changes a statement: pure functions from SQL to SQL.
//!
//! They know the engine's statements by their shape, as a reader of its log would, and nothing of
//! its code. A function gives `None` when the shape is not there: a mutation that never applied
//! must not pass for one that was survived.

/// Replaces `from` by `to`, everywhere.
pub fn replaced(sql: &str, from: &str, to: &str) -> Option<String> {
    sql.contains(from).then(|| sql.replace(from, to))
}

/// Replaces from the first `start` up to and including the next `end`.
fn span_replaced(sql: &str, start: &str, end: &str, to: &str) -> Option<String> {
    let from = sql.find(start)?;
    let after = from + start.len();
    let until = after + sql[after..].find(end)? + end.len();
    Some(format!("{}{to}{}", &sql[..from], &sql[until..]))
}

/// Takes the token predicate out of a statement: it no longer cares whether it runs inside its own
/// transaction.
pub fn without_ours(sql: &str) -> Option<String> {
    let mut result = None;
    let mut text = sql.to_owned();
    while let Some(next) =
        span_replaced(&text, "EXISTS (SELECT 1 FROM \"cdc_control_", "')", "TRUE")
    {
        text = next;
        result = Some(text.clone());
    }
    result
}

/// The fence with no row to rewrite: it answers as ever, and conflicts with nobody.
pub fn idle_fence(sql: &str) -> Option<String> {
    let head = sql.strip_suffix("WHERE TRUE")?;
    head.starts_with("UPDATE \"cdc_control_").then(|| format!("{head}WHERE FALSE"))
}

/// The state from outside of a transaction, in which no control row stands.
pub fn state_without_control(sql: &str) -> Option<String> {
    let is_state = sql.starts_with("SELECT 'control' AS \"found\"");
    let from = "\" AS c UNION ALL";
    replaced(sql, from, "\" AS c WHERE FALSE UNION ALL").filter(|_| is_state)
}

/// The check reports this token as the control row's, whoever's it is.
pub fn check_reports(sql: &str, token: &str) -> Option<String> {
    let rest = sql.strip_prefix("SELECT c.\"token\",")?;
    Some(format!("SELECT '{token}' AS \"token\",{rest}"))
}

/// A check that finds nothing in the ledger.
pub fn blind_to_ledger(sql: &str) -> Option<String> {
    span_replaced(sql, "\"file_id\" IN (", ")", "\"file_id\" IN ('')")
}

/// A probe that finds every file it asks for, entered by this attempt. `None` when it is no probe.
pub fn probe_finds(sql: &str, attempt: &str) -> Option<String> {
    let is_probe = sql.starts_with("SELECT 'ledger' AS \"found\"") && sql.contains("l.\"attempt\"");
    let list = "l.\"file_id\" IN (";
    let start = sql.find(list).filter(|_| is_probe)? + list.len();
    let ids = &sql[start..start + sql[start..].find(')')?];
    let row = |id: &str| {
        format!(
            "SELECT 'ledger' AS \"found\", {id} AS \"file_id\", CAST(1 AS BIGINT) AS \"generation\", \
             '' AS \"object_key\", '{attempt}' AS \"attempt\""
        )
    };
    Some(ids.split(", ").map(row).collect::<Vec<_>>().join(" UNION ALL "))
}

/// The ledger insert without the anti-join that keeps a file from being entered twice.
pub fn plain_ledger_insert(sql: &str) -> Option<String> {
    replaced(sql, "WHERE l.\"file_id\" IS NULL AND", "WHERE TRUE AND")
        .map(|sql| sql.replace("l.\"file_id\" = f.\"file_id\"", "FALSE"))
}

/// Step 3 takes every staged row, newer than what is there or not.
pub fn merge_without_guard(sql: &str) -> Option<String> {
    span_replaced(sql, "WHERE (s.\"__cdc_seq\" > v.\"seq\" OR", "'))", "WHERE TRUE")
        .filter(|sql| sql.contains("WHERE TRUE AND"))
}

/// Step 3 joins the versions instead of left-joining them: a new key has none and falls out.
pub fn merge_with_inner_join(sql: &str) -> Option<String> {
    replaced(sql, "LEFT JOIN \"cdc_versions_", "JOIN \"cdc_versions_")
}

/// Step 3 inserts whatever did not match, deletes as well.
pub fn merge_inserts_deletes(sql: &str) -> Option<String> {
    replaced(sql, "WHEN NOT MATCHED AND NOT s.\"__cdc_deleted\" THEN", "WHEN NOT MATCHED THEN")
}

/// Step 4 lets a version go back.
pub fn versions_without_guard(sql: &str) -> Option<String> {
    replaced(sql, "WHEN MATCHED AND s.\"seq\" > v.\"seq\" THEN", "WHEN MATCHED THEN")
}

/// Step 4 enters new keys and never moves one on.
pub fn versions_insert_only(sql: &str) -> Option<String> {
    span_replaced(sql, "WHEN MATCHED AND s.\"seq\" >", "\"deleted\" = s.\"deleted\" ", "")
}

/// Step 4 forgets deleted keys instead of keeping their tombstones.
pub fn versions_without_tombstones(sql: &str) -> Option<String> {
    let matched = "WHEN MATCHED AND s.\"seq\" > v.\"seq\" THEN";
    let forgets = "WHEN MATCHED AND s.\"seq\" > v.\"seq\" AND s.\"deleted\" THEN DELETE";
    let sql = replaced(sql, matched, &format!("{forgets} {matched}"))?;
    replaced(&sql, "WHEN NOT MATCHED AND", "WHEN NOT MATCHED AND NOT s.\"deleted\" AND")
}

/// A DROP that drops nothing of ours.
pub fn drop_of_nothing(sql: &str) -> Option<String> {
    let name = sql.strip_prefix("DROP TABLE IF EXISTS \"")?;
    name.starts_with("stg_").then(|| "DROP TABLE IF EXISTS \"never_was\"".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MERGE: &str = "MERGE INTO \"users\" AS t USING (SELECT s.\"id\" AS \"id\", \
        s.\"__cdc_deleted\" AS \"__cdc_deleted\" FROM \"stg_u\" AS s LEFT JOIN \
        \"cdc_versions_users\" AS v ON v.\"key\" = s.\"__cdc_key\" WHERE (s.\"__cdc_seq\" > \
        v.\"seq\" OR (v.\"key\" IS NULL AND s.\"__cdc_seq\" > 'h')) AND EXISTS (SELECT 1 FROM \
        \"cdc_control_users\" AS c WHERE c.\"token\" = 'a.1')) AS s ON t.\"id\" = s.\"id\" WHEN \
        MATCHED AND s.\"__cdc_deleted\" THEN DELETE WHEN MATCHED THEN UPDATE SET \"n\" = s.\"n\" \
        WHEN NOT MATCHED AND NOT s.\"__cdc_deleted\" THEN INSERT (\"id\") VALUES (s.\"id\")";
    const VERSIONS: &str = "MERGE INTO \"cdc_versions_users\" AS v USING (SELECT 1 FROM \"stg_u\" \
        AS s WHERE EXISTS (SELECT 1 FROM \"cdc_control_users\" AS c WHERE c.\"token\" = 'a.1')) AS \
        s ON v.\"key\" = s.\"key\" WHEN MATCHED AND s.\"seq\" > v.\"seq\" THEN UPDATE SET \"seq\" \
        = s.\"seq\", \"deleted\" = s.\"deleted\" WHEN NOT MATCHED AND s.\"seq\" > 'h' THEN INSERT \
        (\"key\", \"seq\", \"deleted\") VALUES (s.\"key\", s.\"seq\", s.\"deleted\")";
    const LEDGER: &str = "INSERT INTO \"cdc_ledger\" (\"target\") SELECT f.\"target\" FROM (SELECT \
        'users' AS \"target\") AS f LEFT JOIN \"cdc_ledger\" AS l ON l.\"target\" = f.\"target\" \
        AND l.\"file_id\" = f.\"file_id\" WHERE l.\"file_id\" IS NULL AND EXISTS (SELECT 1 FROM \
        \"cdc_control_users\" AS c WHERE c.\"token\" = 'a.1')";
    const CHECK: &str = "SELECT c.\"token\", c.\"commits\" FROM \"cdc_control_users\" AS c LEFT \
        JOIN \"cdc_ledger\" AS l ON l.\"target\" = 'users' AND l.\"file_id\" IN ('x', 'y')";

    const PROBE: &str = "SELECT 'ledger' AS \"found\", l.\"file_id\", l.\"generation\", \
        l.\"object_key\", l.\"attempt\" FROM \"cdc_ledger\" AS l WHERE l.\"target\" = 'users' AND \
        (l.\"file_id\" IN ('x', 'y') OR l.\"object_key\" IN ('k')) UNION ALL SELECT 1";

    const STATE: &str = "SELECT 'control' AS \"found\", c.\"token\" FROM \"cdc_control_users\" AS c \
        UNION ALL SELECT DISTINCT 'fed' AS \"found\", '' AS \"token\" FROM \"cdc_ledger\" AS l";

    #[test]
    fn each_rewrite_as_it_goes_over_the_wire() {
        let fence = "UPDATE \"cdc_control_users\" SET \"token\" = 'a.1' WHERE TRUE";
        let table = [
            ("state_without_control", state_without_control(STATE)),
            ("without_ours", without_ours(MERGE)),
            ("idle_fence", idle_fence(fence)),
            ("check_reports", check_reports(CHECK, "b.2")),
            ("blind_to_ledger", blind_to_ledger(CHECK)),
            ("probe_finds", probe_finds(PROBE, "a")),
            ("plain_ledger_insert", plain_ledger_insert(LEDGER)),
            ("merge_without_guard", merge_without_guard(MERGE)),
            ("merge_with_inner_join", merge_with_inner_join(MERGE)),
            ("merge_inserts_deletes", merge_inserts_deletes(MERGE)),
            ("versions_without_guard", versions_without_guard(VERSIONS)),
            ("versions_insert_only", versions_insert_only(VERSIONS)),
            ("versions_without_tombstones", versions_without_tombstones(VERSIONS)),
            ("drop_of_nothing", drop_of_nothing("DROP TABLE IF EXISTS \"stg_u\"")),
        ];
        let lines: Vec<String> = table
            .into_iter()
            .map(|(name, sql)| format!("{name}\n    {}", sql.expect("the shape is there")))
            .collect();
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[test]
    fn another_shape_is_never_taken_for_a_mutation() {
        let other = "SELECT 1";
        for rewritten in [
            state_without_control(other),
            state_without_control(PROBE),
            without_ours(other),
            idle_fence(other),
            check_reports(other, "t"),
            blind_to_ledger(other),
            probe_finds(other, "a"),
            plain_ledger_insert(other),
            merge_without_guard(other),
            versions_insert_only(MERGE),
            versions_without_tombstones(MERGE),
            drop_of_nothing("DROP TABLE IF EXISTS \"users\""),
        ] {
            assert_eq!(rewritten, None);
        }
    }
}
