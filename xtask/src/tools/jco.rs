//! jco, which makes a hook of JavaScript.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::{Part, Recipe, perform};
use crate::progress::Task;

/// The engine that jco puts into a hook; jco itself asks for any that is not older.
const ENGINE: &str = "componentize-qjs@0.4.5";

/// jco: `KRONY_JCO`, else fetched once.
pub fn jco() -> Part {
    Part {
        name: "jco",
        version: "1.35.0",
        variable: "KRONY_JCO",
        program: None, // another version may bring another engine
        recipe: Recipe {
            tool: "jco",
            file: "node_modules/.bin/jco",
            doing: "Fetching",
            usual: "about 20 seconds, once",
            needs: "Node.js 20.19 or newer with npm on PATH and access to npm's registry",
            build,
        },
    }
}

fn build(part: &Part, folder: &Path, task: &mut Task) -> Result<()> {
    let mut npm = Command::new("npm");
    npm.args(["install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--prefix"]);
    npm.arg(folder).arg(format!("@bytecodealliance/jco@{}", part.version)).arg(ENGINE);
    perform("npm install", &mut npm, task)
}
