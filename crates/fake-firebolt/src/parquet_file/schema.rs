//! What each column of a file is: its type here, and where its lists and structs are.
//!
//! A column that cannot be read is an error that names it and its type.

use std::sync::Arc;

use parquet::basic::{ConvertedType, LogicalType, Repetition};
use parquet::schema::types::{SchemaDescriptor, Type};

use super::stored::{Stored, describe, kind};
use crate::quirks::Quirks;
use crate::value::{Column, DataType, StructField, StructType};

/// Lists and structs in each other: deeper ones are refused.
const NESTING_MAX: usize = 8;

/// One column as it is read.
#[derive(Debug)]
pub(super) struct FileColumn {
    pub(super) column: Column,
    /// Where its values are: one leaf, or as many as its structs have fields.
    pub(super) leaves: Vec<FileLeaf>,
    /// How the leaves come together where a struct is in it.
    pub(super) nest: Option<Nest>,
}

/// One of the columns of values that a file consists of.
#[derive(Debug)]
pub(super) struct FileLeaf {
    /// Its number among the file's leaves.
    pub(super) index: usize,
    pub(super) stored: Stored,
    /// The lists around a value, outermost first.
    pub(super) lists: Vec<ListLevels>,
    /// The definition level of a value that is there.
    pub(super) max_def: i16,
}

/// From which definition levels on a list is there, and has an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ListLevels {
    pub(super) present: i16,
    pub(super) element: i16,
}

/// How the leaves of a column come together.
#[derive(Debug)]
pub(super) enum Nest {
    Leaf,
    List(ListLevels, Box<Nest>),
    /// `present` is the definition level from which on it is there.
    Struct {
        of: Arc<StructType>,
        present: i16,
        fields: Vec<Nest>,
    },
}

impl Nest {
    /// How many leaves are below it.
    pub(super) fn leaves(&self) -> usize {
        match self {
            Self::Leaf => 1,
            Self::List(_, element) => element.leaves(),
            Self::Struct { fields, .. } => fields.iter().map(Self::leaves).sum(),
        }
    }
}

/// The columns of a file, or which one cannot be read.
pub(super) fn columns(
    schema: &SchemaDescriptor,
    quirks: &Quirks,
) -> Result<Vec<FileColumn>, String> {
    let fields = schema.root_schema().get_fields();
    if fields.is_empty() {
        return Err("it has no columns".to_owned());
    }
    let mut walk = Walk { schema, quirks, next: 0, leaves: Vec::new() };
    let mut columns = Vec::with_capacity(fields.len());
    for field in fields {
        let name = field.name();
        let built = walk.node(field, &Around::default()).map_err(|kind| {
            format!("column '{name}' has the Parquet type {kind}, which is not supported")
        })?;
        let Built { data_type, nullable, nest } = built;
        let nest = data_type.has_struct().then_some(nest);
        let column = Column { name: name.into(), data_type, nullable };
        columns.push(FileColumn { column, leaves: std::mem::take(&mut walk.leaves), nest });
    }
    Ok(columns)
}

/// What is around a node: lists, and how much of the way down to it may be missing.
#[derive(Debug, Clone, Default)]
struct Around {
    lists: Vec<ListLevels>,
    def: i16,
    depth: usize,
}

impl Around {
    fn deeper(&mut self, what: &str) -> Result<(), String> {
        self.depth += 1;
        if self.depth > NESTING_MAX {
            return Err(format!("{what}, nested more than {NESTING_MAX} deep"));
        }
        Ok(())
    }

    fn list(&mut self) -> Result<ListLevels, String> {
        self.deeper("LIST")?;
        let levels = ListLevels { present: self.def, element: self.def + 1 };
        self.lists.push(levels);
        self.def += 1;
        Ok(levels)
    }
}

/// What a node of the schema is.
struct Built {
    data_type: DataType,
    nullable: bool,
    nest: Nest,
}

impl Built {
    fn list_of(self, levels: ListLevels, nullable: bool) -> Self {
        let data_type = DataType::Array(Box::new(self.data_type));
        Self { data_type, nullable, nest: Nest::List(levels, Box::new(self.nest)) }
    }
}

/// The way through the schema; errors are names of types that are not read.
struct Walk<'s> {
    schema: &'s SchemaDescriptor,
    quirks: &'s Quirks,
    /// The leaf that comes next.
    next: usize,
    /// Those of the column so far.
    leaves: Vec<FileLeaf>,
}

impl Walk<'_> {
    fn node(&mut self, node: &Type, around: &Around) -> Result<Built, String> {
        let mut around = around.clone();
        let info = node.get_basic_info();
        match info.has_repetition().then(|| info.repetition()) {
            Some(Repetition::OPTIONAL) => {
                around.def += 1;
                self.value(node, around, true)
            }
            // A repeated field without a LIST around it is a list that is never NULL.
            Some(Repetition::REPEATED) => {
                let levels = around.list()?;
                Ok(self.value(node, around, false)?.list_of(levels, false))
            }
            Some(Repetition::REQUIRED) | None => self.value(node, around, false),
        }
    }

    fn value(&mut self, node: &Type, mut around: Around, nullable: bool) -> Result<Built, String> {
        if node.is_primitive() {
            return self.leaf(around, nullable);
        }
        let info = node.get_basic_info();
        let is_list = matches!(info.logical_type_ref(), Some(LogicalType::List))
            || info.converted_type() == ConvertedType::LIST;
        match (is_list, node.get_fields()) {
            (true, [repeated]) if is_repeated(repeated) => {
                let levels = around.list()?;
                let element = self.element(node.name(), repeated, around)?;
                Ok(element.list_of(levels, nullable))
            }
            (false, _) if is_plain_group(node) => self.structure(node, around, nullable),
            _ => Err(group_name(node)),
        }
    }

    /// What the repeated field of a LIST is: the list's element itself in old files, a group
    /// around it in all others. The rules are those of the format's own page on lists.
    fn element(&mut self, list: &str, repeated: &Type, around: Around) -> Result<Built, String> {
        if repeated.is_primitive() {
            return self.leaf(around, false);
        }
        let name = repeated.name();
        match repeated.get_fields() {
            [element] if name != "array" && name != format!("{list}_tuple") => {
                self.node(element, &around)
            }
            _ => self.structure(repeated, around, false),
        }
    }

    fn structure(
        &mut self,
        node: &Type,
        mut around: Around,
        nullable: bool,
    ) -> Result<Built, String> {
        around.deeper("STRUCT")?;
        // One that cannot be missing is there at every level.
        let present = if nullable { around.def } else { i16::MIN };
        let (mut described, mut fields) = (Vec::<StructField>::new(), Vec::new());
        for field in node.get_fields() {
            if described.iter().any(|other| *other.name == *field.name()) {
                return Err(format!("STRUCT with two fields '{}'", field.name()));
            }
            let Built { data_type, nest, .. } = self.node(field, &around)?;
            let name = Arc::from(field.name());
            described.push(StructField { name, data_type, nullable: true });
            fields.push(nest);
        }
        if fields.is_empty() {
            return Err("STRUCT without fields".to_owned());
        }
        let of = Arc::new(StructType { fields: described });
        let data_type = DataType::Struct(of.clone());
        Ok(Built { data_type, nullable, nest: Nest::Struct { of, present, fields } })
    }

    fn leaf(&mut self, around: Around, nullable: bool) -> Result<Built, String> {
        let index = self.next;
        self.next += 1;
        let missing = || "of a group without fields".to_owned();
        let descriptor = self.schema.columns().get(index).ok_or_else(missing)?;
        let (stored, data_type) = kind(descriptor, self.quirks).ok_or_else(|| {
            let (name, path) = (describe(descriptor), descriptor.path().string());
            if path.contains('.') { format!("{name} (at {path})") } else { name }
        })?;
        let Around { lists, def, .. } = around;
        let max_def = descriptor.max_def_level();
        let levels = (descriptor.max_rep_level(), max_def);
        if levels != (i16::try_from(lists.len()).unwrap_or(i16::MAX), def) {
            return Err("of lists whose levels do not add up".to_owned());
        }
        self.leaves.push(FileLeaf { index, stored, lists, max_def });
        Ok(Built { data_type, nullable, nest: Nest::Leaf })
    }
}

/// Whether a group has no meaning but that of its fields.
fn is_plain_group(node: &Type) -> bool {
    let info = node.get_basic_info();
    info.logical_type_ref().is_none() && info.converted_type() == ConvertedType::NONE
}

fn is_repeated(node: &Type) -> bool {
    let info = node.get_basic_info();
    info.has_repetition() && info.repetition() == Repetition::REPEATED
}

fn group_name(node: &Type) -> String {
    let info = node.get_basic_info();
    match (info.logical_type_ref(), info.converted_type()) {
        (Some(LogicalType::Map), _) | (_, ConvertedType::MAP | ConvertedType::MAP_KEY_VALUE) => {
            "MAP".to_owned()
        }
        (Some(LogicalType::List), _) | (_, ConvertedType::LIST) => "LIST of no element".to_owned(),
        _ => "STRUCT".to_owned(),
    }
}
