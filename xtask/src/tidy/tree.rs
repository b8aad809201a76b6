//! The text files of the workspace, read once, by their path from the root.
//!
//! Rules work on this value, so that a test can hand them a tree of its own.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

/// Folders that hold nothing of ours.
const SKIPPED: [&str; 2] = ["target", ".git"];

/// Endings of the files that rules look at.
const ENDINGS: [&str; 12] =
    ["rs", "toml", "md", "snap", "new", "pending-snap", "sql", "slt", "yml", "http", "py", "mjs"];

pub(super) struct Tree {
    files: BTreeMap<String, String>,
}

impl Tree {
    /// Reads all text files below `root`.
    pub(super) fn read(root: &Path) -> io::Result<Tree> {
        let mut files = BTreeMap::new();
        let mut folders = vec![root.to_path_buf()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder)? {
                let entry = entry?;
                let (path, name) = (entry.path(), entry.file_name());
                let name = name.to_string_lossy();
                let ending = name.rsplit('.').next().unwrap_or_default();
                if entry.file_type()?.is_dir() {
                    if !SKIPPED.contains(&name.as_ref()) {
                        folders.push(path);
                    }
                } else if ENDINGS.contains(&ending) {
                    let text = String::from_utf8_lossy(&std::fs::read(&path)?).into_owned();
                    let relative = path.strip_prefix(root).unwrap_or(&path);
                    let relative = relative.to_string_lossy().replace('\\', "/");
                    files.insert(relative, text);
                }
            }
        }
        Ok(Tree { files })
    }

    /// A tree for a test.
    #[cfg(test)]
    pub(super) fn of(files: &[(&str, &str)]) -> Tree {
        let owned = files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned()));
        Tree { files: owned.collect() }
    }

    /// Path and text of every file, in the order of the paths.
    pub(super) fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// Those with this ending, such as `.rs`.
    pub(super) fn ending(&self, ending: &str) -> impl Iterator<Item = (&str, &str)> {
        self.files().filter(move |(path, _)| path.ends_with(ending))
    }

    pub(super) fn text(&self, path: &str) -> Option<&str> {
        self.files.get(path).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_on_disk_is_read_without_what_was_built() {
        let root = std::env::temp_dir().join(format!("tidy-tree-{}", std::process::id()));
        for (path, text) in
            [("a/b.rs", "x"), ("target/c.rs", "y"), ("a/d.bin", "z"), ("e.toml", "t")]
        {
            let path = root.join(path);
            std::fs::create_dir_all(path.parent().expect("it has a parent")).expect("a folder");
            std::fs::write(path, text).expect("a file");
        }
        let tree = Tree::read(&root).expect("it can be read");
        std::fs::remove_dir_all(&root).expect("it can be removed");
        let found: Vec<_> = tree.files().collect();
        assert_eq!(found, [("a/b.rs", "x"), ("e.toml", "t")]);
    }
}
