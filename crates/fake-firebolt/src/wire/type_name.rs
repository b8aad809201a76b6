//! The names of types in results: two spellings, one a format (firebolt-wire §5.3).

use crate::value::{Column, DataType, write_name};

/// Which of the two spellings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spelling {
    /// `int`, `long`, `float`, `double`, `Decimal(p, s)`: JSON_Compact.
    Short,
    /// `integer`, `bigint`, `real`, `double precision`, `numeric(p, s)`: JSONLines_Compact, TSV.
    Sql,
}

/// Appends a column's type name, with ` null` behind it where the column may hold NULL.
pub(crate) fn push_column_type(out: &mut String, column: &Column, spelling: Spelling) {
    push_type(out, &column.data_type, spelling);
    if column.nullable {
        out.push_str(" null");
    }
}

fn push_type(out: &mut String, data_type: &DataType, spelling: Spelling) {
    let short = spelling == Spelling::Short;
    let name = match data_type {
        DataType::Boolean => "boolean",
        DataType::Integer if short => "int",
        DataType::Integer => "integer",
        DataType::Bigint if short => "long",
        DataType::Bigint => "bigint",
        DataType::Real if short => "float",
        DataType::Real => "real",
        DataType::Double if short => "double",
        DataType::Double => "double precision",
        DataType::Numeric { precision, scale } => {
            // Capital D: the Python SDK knows `Decimal(` and reads `decimal(` as text.
            let name = if short { "Decimal" } else { "numeric" };
            out.push_str(&format!("{name}({precision}, {scale})"));
            return;
        }
        // The type of a bare NULL is text, as PostgreSQL resolves it.
        DataType::Text | DataType::Null => "text",
        DataType::Date => "date",
        DataType::Timestamp => "timestamp",
        DataType::TimestampTz => "timestamptz",
        DataType::Bytea => "bytea",
        DataType::Geography => "geography",
        DataType::Json => "json",
        DataType::Array(element) => {
            out.push_str("array(");
            push_type(out, element, spelling);
            // Whether an element may be NULL is not tracked; saying that it may is never wrong.
            out.push_str(" null)");
            return;
        }
        DataType::Struct(of) => {
            out.push_str("struct(");
            for (at, field) in of.fields.iter().enumerate() {
                if at > 0 {
                    out.push_str(", ");
                }
                // Both SDKs know backticks around a name, and nothing else.
                write_name(out, &field.name, '`').expect("a String takes any text");
                out.push(' ');
                push_type(out, &field.data_type, spelling);
                if field.nullable {
                    out.push_str(" null");
                }
            }
            out.push(')');
            return;
        }
    };
    out.push_str(name);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::{StructField, StructType};

    fn name(data_type: DataType, nullable: bool, spelling: Spelling) -> String {
        let mut out = String::new();
        let column = Column { name: "c".into(), data_type, nullable };
        push_column_type(&mut out, &column, spelling);
        out
    }

    #[test]
    fn both_spellings_of_every_type() {
        let numeric = DataType::Numeric { precision: 38, scale: 9 };
        let ints = DataType::Array(Box::new(DataType::Integer));
        for (data_type, short, sql) in [
            (DataType::Boolean, "boolean", "boolean"),
            (DataType::Integer, "int", "integer"),
            (DataType::Bigint, "long", "bigint"),
            (DataType::Real, "float", "real"),
            (DataType::Double, "double", "double precision"),
            (numeric, "Decimal(38, 9)", "numeric(38, 9)"),
            (DataType::Text, "text", "text"),
            (DataType::Date, "date", "date"),
            (DataType::Timestamp, "timestamp", "timestamp"),
            (DataType::TimestampTz, "timestamptz", "timestamptz"),
            (DataType::Bytea, "bytea", "bytea"),
            (DataType::Geography, "geography", "geography"),
            (DataType::Json, "json", "json"),
            (ints, "array(int null)", "array(integer null)"),
        ] {
            assert_eq!(name(data_type.clone(), false, Spelling::Short), short);
            assert_eq!(name(data_type, false, Spelling::Sql), sql);
        }
        let of = StructType {
            fields: [("a", DataType::Bigint, false), ("B c", DataType::Text, true)]
                .map(|(name, data_type, nullable)| StructField {
                    name: name.into(),
                    data_type,
                    nullable,
                })
                .into(),
        };
        let of = DataType::Struct(of.into());
        assert_eq!(name(of.clone(), true, Spelling::Short), "struct(a long, `B c` text null) null");
        assert_eq!(name(of, false, Spelling::Sql), "struct(a bigint, `B c` text null)");
        assert_eq!(name(DataType::Bigint, true, Spelling::Short), "long null");
        assert_eq!(name(DataType::Null, true, Spelling::Short), "text null");
    }
}
