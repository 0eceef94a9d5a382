//! wrk, the HTTP load generator of the benchmarks.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};

use super::{Part, Recipe, perform, write_script};
use crate::progress::Task;

/// wrk: `KRONY_WRK`, else PATH, else out of Debian's packages, without installing them.
pub fn wrk() -> Part {
    Part {
        name: "wrk",
        version: "4.1.0",
        variable: "KRONY_WRK",
        program: Some("wrk"),
        recipe: Recipe {
            tool: "wrk",
            file: "wrk",
            doing: "Fetching",
            usual: "a few seconds, once",
            needs: "Debian or Ubuntu with package lists (`apt-get update`), or wrk on PATH",
            build,
        },
    }
}

fn build(_: &Part, folder: &Path, task: &mut Task) -> Result<()> {
    let packages = tempfile::tempdir_in(folder).context("cannot create a temporary folder in the cache")?;
    let mut download = Command::new("apt-get");
    download.args(["download", "wrk", "libluajit-5.1-2"]).current_dir(packages.path());
    perform("apt-get download", &mut download, task)?;
    for package in fs::read_dir(packages.path()).context("cannot read the downloaded packages")? {
        let mut unpack = Command::new("dpkg-deb");
        unpack.arg("--extract").arg(package?.path()).arg(folder);
        perform("dpkg-deb", &mut unpack, task)?;
    }
    write_script(
        &folder.join("wrk"),
        r#"#!/bin/sh
# wrk with the Lua library that was unpacked beside it.
here=$(dirname "$(readlink -f "$0")")
LD_LIBRARY_PATH=$(echo "$here"/usr/lib/*-linux-gnu) exec "$here/usr/bin/wrk" "$@"
"#,
    )
}
