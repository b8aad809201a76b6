//! The SQL that the prior loader sends, one function a statement. Texts only; nothing is sent here.

/// A column name and its type, as information_schema shows them.
pub(super) type TypedColumn = (String, String);

/// Creates the table of prior-4 and prior-5. It has no unique key, since Firebolt has none.
pub const PROCESSED_FILES_DDL: &str = "CREATE TABLE IF NOT EXISTS \"cdc_processed_files\" \
     (\"file_key\" TEXT NOT NULL, \"table_name\" TEXT NOT NULL, \"status\" TEXT NOT NULL, \
     \"processed_at\" TIMESTAMPTZ NOT NULL) PRIMARY INDEX \"file_key\"";

pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

pub(super) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn list(columns: &[String]) -> String {
    columns.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ")
}

pub(super) fn drop(table: &str) -> String {
    format!("DROP TABLE IF EXISTS {}", quoted(table))
}

pub(super) fn copy(staging: &str, location: &str, pattern: &str) -> String {
    format!(
        "COPY INTO {} FROM {location} WITH (PATTERN = {}, TYPE = PARQUET, AUTO_CREATE = TRUE)",
        quoted(staging),
        literal(pattern)
    )
}

pub(super) fn column_names(table: &str) -> String {
    format!(
        "SELECT column_name FROM information_schema.columns WHERE table_name = {} \
         ORDER BY ordinal_position",
        literal(table)
    )
}

pub(super) fn column_types(table: &str) -> String {
    format!(
        "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = {} \
         ORDER BY ordinal_position",
        literal(table)
    )
}

/// What a MERGE is made of.
pub(super) struct Merge<'a> {
    pub(super) target: &'a str,
    pub(super) staging: &'a str,
    pub(super) keys: &'a [String],
    /// Every column that is written, keys included.
    pub(super) columns: &'a [String],
    /// The delete column and its values, where the staging table has the column.
    pub(super) delete: Option<(&'a str, &'a [String])>,
}

impl Merge<'_> {
    /// A delete row without a match falls into NOT MATCHED and is inserted; so it was.
    pub(super) fn sql(&self) -> String {
        let on: Vec<String> =
            self.keys.iter().map(|key| format!("t.{0} = s.{0}", quoted(key))).collect();
        let set: Vec<String> = self
            .columns
            .iter()
            .filter(|column| !self.keys.contains(column))
            .map(|column| format!("{0} = s.{0}", quoted(column)))
            .collect();
        let values: Vec<String> =
            self.columns.iter().map(|column| format!("s.{}", quoted(column))).collect();
        let mut sql = format!(
            "MERGE INTO {} AS t USING {} AS s ON {}",
            quoted(self.target),
            quoted(self.staging),
            on.join(" AND ")
        );
        if let Some((column, values)) = self.delete {
            let values: Vec<String> = values.iter().map(|value| literal(value)).collect();
            let column = quoted(column);
            sql.push_str(&format!(
                " WHEN MATCHED AND s.{column} IN ({}) THEN DELETE",
                values.join(", ")
            ));
        }
        if !set.is_empty() {
            sql.push_str(&format!(" WHEN MATCHED THEN UPDATE SET {}", set.join(", ")));
        }
        sql.push_str(&format!(
            " WHEN NOT MATCHED THEN INSERT ({}) VALUES ({})",
            list(self.columns),
            values.join(", ")
        ));
        sql
    }

    /// The DELETE of prior-2 to prior-4.
    pub(super) fn delete_sql(&self) -> String {
        let keys = list(self.keys);
        let tuple = if self.keys.len() == 1 { keys.clone() } else { format!("({keys})") };
        format!(
            "DELETE FROM {} WHERE {tuple} IN (SELECT {keys} FROM {})",
            quoted(self.target),
            quoted(self.staging)
        )
    }
}

pub(super) fn marker(file_key: &str) -> String {
    format!(
        "SELECT \"status\", DATE_DIFF('minute', \"processed_at\", CURRENT_TIMESTAMP) AS minutes \
         FROM \"cdc_processed_files\" WHERE \"file_key\" = {}",
        literal(file_key)
    )
}

pub(super) fn insert_marker(file_key: &str, table: &str, status: &str) -> String {
    format!(
        "INSERT INTO \"cdc_processed_files\" (\"file_key\", \"table_name\", \"status\", \
         \"processed_at\") VALUES ({}, {}, {}, CURRENT_TIMESTAMP)",
        literal(file_key),
        literal(table),
        literal(status)
    )
}

pub(super) fn update_marker(file_key: &str, status: &str) -> String {
    format!(
        "UPDATE \"cdc_processed_files\" SET \"status\" = {}, \"processed_at\" = CURRENT_TIMESTAMP \
         WHERE \"file_key\" = {}",
        literal(status),
        literal(file_key)
    )
}

pub(super) fn read_into(table: &str, location: &str, pattern: &str) -> String {
    format!(
        "CREATE TABLE {} AS SELECT * FROM READ_PARQUET(LOCATION => {}, PATTERN => {})",
        quoted(table),
        literal(location),
        literal(pattern)
    )
}

pub(super) fn numbered(table: &str, from: &str, columns: &[String]) -> String {
    format!(
        "CREATE TABLE {} AS SELECT {}, ROW_NUMBER() OVER () AS \"ingestion_seq\" FROM {}",
        quoted(table),
        list(columns),
        quoted(from)
    )
}

pub(super) fn count(table: &str) -> String {
    format!("SELECT COUNT(*) FROM {}", quoted(table))
}

pub(super) fn count_keys(table: &str, keys: &[String]) -> String {
    let keys = list(keys);
    format!("SELECT COUNT(*) FROM (SELECT DISTINCT {keys} FROM {}) AS k", quoted(table))
}

pub(super) fn add_column(table: &str, (name, data_type): &TypedColumn) -> String {
    format!("ALTER TABLE {} ADD COLUMN {} {data_type}", quoted(table), quoted(name))
}

/// Row number 1 per key: by time, then D over U over I whatever came last, then an arbitrary number.
pub(super) fn deduplicated(table: &str, from: &str, keys: &[String], columns: &[String]) -> String {
    let has = |name: &str| columns.iter().any(|column| column == name);
    let mut order = Vec::new();
    if has("load_timestamp") {
        order.push("\"load_timestamp\" DESC".to_owned());
    }
    if has("Op") {
        order.push(
            "CASE \"Op\" WHEN 'D' THEN 3 WHEN 'U' THEN 2 WHEN 'I' THEN 1 ELSE 0 END DESC"
                .to_owned(),
        );
    }
    for business in ["updated", "created"].into_iter().filter(|name| has(name)) {
        order.push(format!("COALESCE({}, 0) DESC", quoted(business)));
    }
    order.push("\"ingestion_seq\" DESC".to_owned());
    format!(
        "CREATE TABLE {} AS SELECT {columns} FROM (SELECT {columns}, ROW_NUMBER() OVER \
         (PARTITION BY {} ORDER BY {}) AS rn FROM {}) AS x WHERE rn = 1",
        quoted(table),
        list(keys),
        order.join(", "),
        quoted(from),
        columns = list(columns),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_statements_read_as_the_loader_sent_them() {
        let owned =
            |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let keys = owned(&["id"]);
        let columns = owned(&["id", "name"]);
        let staged = owned(&["Op", "load_timestamp", "id", "name", "ingestion_seq"]);
        let deletes = owned(&["D"]);
        let merge = Merge {
            target: "users",
            staging: "stg_users_1a2b3c4d",
            keys: &keys,
            columns: &columns,
            delete: Some(("Op", &deletes)),
        };
        let two = owned(&["id", "branch"]);
        let loans = Merge { target: "loans", keys: &two, delete: None, ..merge };
        let merge = Merge { target: "users", keys: &keys, delete: Some(("Op", &deletes)), ..loans };
        let texts = [
            drop("stg_users_1a2b3c4d"),
            copy("stg_users_1a2b3c4d", "cdc", "db/users/2025/11/11/o'x.parquet"),
            column_names("users"),
            column_types("users"),
            merge.sql(),
            merge.delete_sql(),
            loans.sql(),
            loans.delete_sql(),
            marker("k"),
            insert_marker("k", "users", "processing"),
            update_marker("k", "completed"),
            read_into("stg_users_17_temp", "cdc", "p"),
            numbered("stg_users_17", "stg_users_17_temp", &staged[..4]),
            count("stg_users_17"),
            count_keys("stg_users_17", &two),
            add_column("users", &("nick".to_owned(), "text".to_owned())),
            deduplicated("stg_users_17_dedup", "stg_users_17", &keys, &staged),
            PROCESSED_FILES_DDL.to_owned(),
        ];
        insta::assert_snapshot!(texts.join("\n\n"));
    }
}
