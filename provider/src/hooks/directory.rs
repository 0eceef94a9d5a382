//! Hooks of the organisation: a folder that an environment variable names, and that configuration cannot switch off.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path as FilePath, PathBuf};

use serde_json::{Map, Value as Json};
use tfplugin::{
    codec::json,
    diagnostic::{Diagnostic, Diagnostics, Result},
    model::{Model, Strictness, TfType},
    path::Path,
    schema::object_type,
};

use super::block::{Definition, HookBlock};
use super::source::Source;

/// The environment variable that names the folder.
pub(super) const VARIABLE: &str = "KRONY_HOOKS_DIR";

/// The hooks of a folder: each module there is one, called like its file. Beside it a file with the same name that ends in
/// `.json` may hold what a block in the configuration holds.
///
/// # Errors
/// When something there cannot be used: what is mandatory must not be missed.
pub(super) fn definitions(folder: &FilePath) -> Result<Vec<Definition>> {
    let mut findings = Diagnostics::new();
    let files = findings.collect(files(folder)).unwrap_or_default();
    let found: Vec<_> = files
        .into_iter()
        .filter_map(|(name, files)| {
            let read = definition(folder, &name, &files).map_err(|detail| fault(folder, &detail));
            findings.collect(read)
        })
        .collect();
    findings.into_result().map(|()| found)
}

fn fault(folder: &FilePath, detail: &str) -> Diagnostics {
    let detail = format!("The environment variable {VARIABLE} names {}. {detail}", folder.display());
    Diagnostic::error("Unusable folder of hooks", detail).at_attribute("hooks").into()
}

/// The files of one hook.
#[derive(Default)]
struct Files {
    module: Option<PathBuf>,
    settings: Option<PathBuf>,
}

fn files(folder: &FilePath) -> Result<BTreeMap<String, Files>> {
    let unreadable = |error: std::io::Error| fault(folder, &format!("It cannot be read: {error}."));
    let mut files: BTreeMap<String, Files> = BTreeMap::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        sort_in(&mut files, &path).map_err(|detail| fault(folder, &detail))?;
    }
    Ok(files)
}

/// Puts a file where it belongs, if it is one of a hook. What only looks like one is an error: a rule would be missed.
fn sort_in(files: &mut BTreeMap<String, Files>, path: &FilePath) -> std::result::Result<(), String> {
    let extension = path.extension().unwrap_or_default().to_string_lossy().into_owned();
    let kind = extension.to_ascii_lowercase();
    if !["wasm", "wat", "json"].contains(&kind.as_str()) {
        return Ok(());
    }
    let name = path.file_stem().and_then(|name| name.to_str()).filter(|_| kind == extension);
    let shown = path.file_name().unwrap_or_default().display();
    let Some(name) = name else {
        return Err(format!("Expected a name in UTF-8 that ends in .wasm, .wat or .json, found {shown}."));
    };
    let files = files.entry(name.to_owned()).or_default();
    let place = if kind == "json" { &mut files.settings } else { &mut files.module };
    match place.replace(path.to_owned()) {
        Some(_) => Err(format!("There are two modules called {name}: remove one of them.")),
        None => Ok(()),
    }
}

/// The hook of these files; what is wrong is said in whole sentences.
fn definition(folder: &FilePath, name: &str, files: &Files) -> std::result::Result<Definition, String> {
    let mut block = match &files.settings {
        Some(path) => settings(path)?,
        None => Map::new(),
    };
    match (&files.module, block.contains_key("source")) {
        (Some(module), false) => {
            let name = module.file_name().unwrap_or_default().to_string_lossy();
            block.insert("source".to_owned(), Json::String(name.into_owned()));
        }
        (None, true) => {}
        (Some(_), true) => {
            return Err(format!(
                "`source` in {name}.json and the module {name} beside it exclude each other."
            ));
        }
        (None, false) => {
            return Err(format!("Expected {name}.wasm beside {name}.json, or `source` in that file."));
        }
    }
    // In a block settings are text.
    if let Some(settings) = block.get_mut("settings").filter(|settings| !settings.is_string()) {
        *settings = Json::String(settings.to_string());
    }
    let block = decode(&Json::Object(block)).map_err(|detail| format!("In {name}.json: {detail}"))?;
    let mut definition =
        Definition::of(name, &block).ok_or_else(|| format!("{name}.json is not complete."))?;
    definition.folder = Some(folder.to_owned());
    // Whoever writes the configuration must not decide what lies at a path.
    if let Source::File(path) = &mut definition.source {
        *path = folder.join(&path);
    }
    Ok(definition)
}

fn settings(path: &FilePath) -> std::result::Result<Map<String, Json>, String> {
    let name = path.file_name().unwrap_or_default().display();
    let bytes = fs::read(path).map_err(|error| format!("{name} cannot be read: {error}."))?;
    serde_json::from_slice(&bytes).map_err(|error| {
        format!("Expected a JSON object in {name}: at line {} it cannot be read.", error.line())
    })
}

/// The block that JSON describes, checked like one in the configuration.
fn decode(block: &Json) -> std::result::Result<HookBlock, String> {
    let object = object_type(&HookBlock::fields());
    let value = json::decode(block.to_string().as_bytes(), &object).map_err(|error| format!("{error}."))?;
    HookBlock::decode(&value, &Path::root(), Strictness::Configuration).map_err(|findings| {
        let findings: Vec<_> =
            findings.iter().map(|finding| format!("`{}`: {}", finding.path, finding.detail)).collect();
        findings.join(" ")
    })
}
