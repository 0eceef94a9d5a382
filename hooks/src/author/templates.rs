//! Projects of one hook, in the languages that hooks are written in.

use std::fmt;
use std::path::PathBuf;

/// A language with a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// A component, through `wit-bindgen`.
    Rust,
    /// A component, through `componentize-py`.
    Python,
    /// A component, through `jco`.
    JavaScript,
    /// A plain module.
    Go,
    /// A plain module in the text format.
    Wat,
}

/// The files of a template, by their paths in it.
type Files = &'static [(&'static str, &'static str)];

macro_rules! files {
    ($folder:literal: $($path:literal),+ $(,)?) => {
        &[$(($path, include_str!(concat!("../../templates/", $folder, "/", $path)))),+]
    };
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Rust, Self::Python, Self::JavaScript, Self::Go, Self::Wat];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::Python => "python",
            Self::JavaScript => "javascript",
            Self::Go => "go",
            Self::Wat => "wat",
        }
    }

    fn files(self) -> Files {
        match self {
            Self::Rust => {
                files!("rust": ".cargo/config.toml", ".gitignore", "README.md", "Cargo.toml.template", "src/lib.rs",
                    "cases/allowed.json", "cases/denied.json")
            }
            Self::Python => {
                files!("python": ".gitignore", "README.md", "app.py", "cases/allowed.json", "cases/denied.json")
            }
            Self::JavaScript => {
                files!("javascript": ".gitignore", "README.md", "app.js", "cases/allowed.json", "cases/denied.json")
            }
            Self::Go => {
                files!("go": ".gitignore", "README.md", "go.mod.template", "abi.go", "hook.go",
                    "cases/allowed.json", "cases/denied.json")
            }
            Self::Wat => {
                files!("wat": "README.md", "{{name_snake}}.wat", "cases/allowed.json", "cases/denied.json")
            }
        }
    }

    /// Whether its hooks are components, which are built against the interface.
    fn makes_components(self) -> bool {
        matches!(self, Self::Rust | Self::Python | Self::JavaScript)
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What was expected and what was found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "Expected a name of lower-case letters, digits and single dashes that begins with a letter, found {0:?}"
)]
pub struct InvalidName(String);

/// The files of a new hook, by their paths in its folder.
///
/// # Errors
/// When `name` is none.
pub fn project(language: Language, name: &str) -> Result<Vec<(PathBuf, String)>, InvalidName> {
    if !is_name(name) {
        return Err(InvalidName(name.to_owned()));
    }
    let snake = name.replace('-', "_");
    let fill = |text: &str| text.replace("{{name}}", name).replace("{{name_snake}}", &snake);
    let files = language.files().iter();
    let mut files: Vec<(PathBuf, String)> =
        files.map(|(path, text)| (fill(path.trim_end_matches(".template")).into(), fill(text))).collect();
    if language.makes_components() {
        files.push(("wit/hooks.wit".into(), crate::WIT.to_owned()));
    }
    Ok(files)
}

/// Whether a hook may be called so.
pub fn is_name(name: &str) -> bool {
    let mut words = name.split('-');
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && words.all(|word| {
            !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_has_its_name_everywhere() {
        for language in Language::ALL {
            let files = project(language, "my-hook").unwrap();
            assert!(files.iter().any(|(_, text)| text.contains("my-hook")), "{language}");
            for (path, text) in &files {
                let path = path.to_str().unwrap();
                assert!(
                    !text.contains("{{name") && !path.contains("{{") && !path.ends_with(".template"),
                    "{path}"
                );
            }
            let has_interface = files.iter().any(|(path, _)| path.ends_with("hooks.wit"));
            assert_eq!(has_interface, language.makes_components());
        }
    }

    #[test]
    fn a_template_has_all_of_its_files() {
        fn count(folder: &std::path::Path) -> usize {
            let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
            entries.map(|path| if path.is_dir() { count(&path) } else { 1 }).sum()
        }
        for language in Language::ALL {
            let folder =
                std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("templates").join(language.name());
            assert_eq!(language.files().len(), count(&folder), "{language}");
        }
    }

    #[test]
    fn names_are_checked() {
        for name in ["a", "my-hook", "hook-2"] {
            assert!(project(Language::Wat, name).is_ok(), "{name}");
        }
        for name in ["", "-", "a-", "a--b", "2nd", "My", "a_b", "../a", "ä"] {
            assert!(project(Language::Wat, name).is_err(), "{name}");
        }
    }
}
