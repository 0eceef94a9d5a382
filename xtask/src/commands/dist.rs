//! `cargo xtask dist` and `cargo xtask install`

use std::env::{self, consts};
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use xtask::progress::Task;
use xtask::provider::{self, ADDRESS, PROGRAM, Profile};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::repository;

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Build the provider for release and pack it as the Terraform registry wants it
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Folder to write to
    #[arg(long, default_value = "target/dist")]
    to: PathBuf,
}

/// Build the provider for release and put it where `terraform init` finds it
#[derive(clap::Args)]
pub(crate) struct InstallArguments {
    /// Folder of a filesystem mirror [default: ~/.terraform.d/plugins, which needs no configuration]
    #[arg(long)]
    to: Option<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let program = provider::build(PROGRAM, Profile::Release)?;
    let task = Task::start("Packing", "");
    let folder = repository().join(&arguments.to);
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;

    let archive = format!("{PROGRAM}_{VERSION}_{}.zip", platform());
    pack(&program, &folder.join(&archive))?;
    let manifest = format!("{PROGRAM}_{VERSION}_manifest.json");
    write(&folder.join(&manifest), &registry_manifest())?;
    let mut sums = String::new();
    for name in [&archive, &manifest] {
        writeln!(sums, "{}  {name}", sha256(&folder.join(name))?)?;
    }
    write(&folder.join(format!("{PROGRAM}_{VERSION}_SHA256SUMS")), &sums)?;
    task.done("");
    println!("{}", folder.display());
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn install(arguments: &InstallArguments) -> Result<ExitCode> {
    let implied = env::home_dir().map(|home| home.join(".terraform.d/plugins"));
    let mirror = arguments.to.clone().or_else(|| implied.clone());
    let mirror = mirror.context("no home folder is known: say where with --to")?;
    let mirror = std::path::absolute(&mirror).with_context(|| format!("{} is no path", mirror.display()))?;

    let program = provider::build(PROGRAM, Profile::Release)?;
    let folder = mirror.join(place_in_mirror());
    let file = folder.join(format!("{PROGRAM}_v{VERSION}"));
    fs::create_dir_all(&folder)
        .and_then(|()| fs::copy(&program, &file).map(drop))
        .with_context(|| format!("cannot copy {} to {}", program.display(), file.display()))?;
    println!("{}", file.display());
    if Some(&mirror) != implied.as_ref() {
        println!("\nPut this into ~/.terraformrc:\n\n{}", cli_config(&mirror));
    }
    Ok(ExitCode::SUCCESS)
}

/// The platform as Go and so Terraform names it, such as `linux_amd64`.
fn platform() -> String {
    let system = match consts::OS {
        "macos" => "darwin",
        other => other,
    };
    let machine = match consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "x86" => "386",
        other => other,
    };
    format!("{system}_{machine}")
}

/// Where a mirror holds the unpacked provider: `HOST/NAMESPACE/TYPE/VERSION/PLATFORM`.
fn place_in_mirror() -> PathBuf {
    Path::new(ADDRESS).join(VERSION).join(platform())
}

fn cli_config(mirror: &Path) -> String {
    format!(
        "provider_installation {{
  filesystem_mirror {{
    path    = {:?}
    include = [\"{ADDRESS}\"]
  }}
  direct {{
    exclude = [\"{ADDRESS}\"]
  }}
}}",
        mirror.display().to_string()
    )
}

/// What the registry reads to know which Terraform can use the provider.
fn registry_manifest() -> String {
    let manifest = json!({"version": 1, "metadata": {"protocol_versions": ["6.0"]}});
    format!("{manifest:#}\n")
}

fn pack(program: &Path, archive: &Path) -> Result<()> {
    let doing = || format!("cannot pack {} into {}", program.display(), archive.display());
    let mut zip = ZipWriter::new(File::create(archive).with_context(doing)?);
    let options =
        SimpleFileOptions::default().compression_method(CompressionMethod::Deflated).unix_permissions(0o755);
    zip.start_file(format!("{PROGRAM}_v{VERSION}"), options).with_context(doing)?;
    io::copy(&mut File::open(program).with_context(doing)?, &mut zip).with_context(doing)?;
    zip.finish().with_context(doing)?;
    Ok(())
}

fn sha256(path: &Path) -> Result<String> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect())
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn the_archive_holds_the_program_as_an_executable() {
        let folder = tempfile::tempdir().unwrap();
        let (program, archive) = (folder.path().join("program"), folder.path().join("a.zip"));
        fs::write(&program, "code").unwrap();
        pack(&program, &archive).unwrap();

        let mut zip = zip::ZipArchive::new(File::open(&archive).unwrap()).unwrap();
        assert_eq!(zip.len(), 1);
        let mut entry = zip.by_index(0).unwrap();
        assert_eq!(entry.name().unwrap(), format!("terraform-provider-krony_v{VERSION}"));
        assert_eq!(entry.unix_mode().unwrap() & 0o777, 0o755);
        let mut text = String::new();
        entry.read_to_string(&mut text).unwrap();
        assert_eq!(text, "code");
    }

    #[test]
    fn checksums_are_those_of_sha256sum() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "abc").unwrap();
        let sum = sha256(&file).unwrap();
        assert_eq!(sum, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn the_mirror_is_laid_out_by_address() {
        let place = place_in_mirror();
        let expected = format!("registry.terraform.io/krony-cloud/krony/{VERSION}/{}", platform());
        assert_eq!(place, Path::new(&expected));
    }

    #[test]
    fn the_manifest_names_protocol_6() {
        let manifest: serde_json::Value = serde_json::from_str(&registry_manifest()).unwrap();
        assert_eq!(manifest["metadata"]["protocol_versions"], json!(["6.0"]));
    }
}
