//! `hook inspect`

use std::process::ExitCode;

use clap::Args;
use hooks::Wasi;
use hooks::author;
use hooks::verdict::Description;

use super::{Failure, Module, not_a_hook, print};

/// Shows what a module is: its interface, what it says about itself, and how to switch it on
#[derive(Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    module: Module,
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let module = &arguments.module;
    let size = module.read()?.len();
    let hook = module.load()?;
    let described = hook.describe(&module.limits());
    let Description { name, version, summary, resource_types, stages, settings_schema } =
        described.result.map_err(|error| not_a_hook(&module.path, error))?;
    let stages: Vec<_> = stages.iter().map(ToString::to_string).collect();
    let or_all = |items: Vec<String>| if items.is_empty() { "all".to_owned() } else { items.join(", ") };
    print(format_args!("{name} {version}\n{summary}\n"))?;
    print(format_args!("interface   {}", hook.interface()))?;
    print(format_args!("sha256      {}", hook.digest()))?;
    print(format_args!("size        {size} bytes"))?;
    print(format_args!("judges      {}", or_all(resource_types)))?;
    print(format_args!("stages      {}", or_all(stages)))?;
    // Names of arguments stand in a column, as `terraform fmt` has them.
    let (mut column, mut further) = (6, String::new());
    if let Some(schema) = settings_schema {
        print(format_args!("settings    {schema:#}"))?;
        column = 8;
        further += "\n      settings = jsonencode({ … })";
    }
    if module.wasi() == Wasi::Stub {
        further += &format!("\n      {:column$} = \"stub\"", "wasi");
    }
    let name = if author::is_name(&name) { &name } else { "my-hook" };
    print(format_args!(
        "\nSwitch it on with:\n\nprovider \"krony\" {{\n  hooks = {{\n    {name} = {{\n      {:column$} = {:?}\n      \
         {:column$} = \"{}\"{further}\n    }}\n  }}\n}}",
        "source",
        module.path.display().to_string(),
        "sha256",
        hook.digest(),
    ))?;
    Ok(ExitCode::SUCCESS)
}
