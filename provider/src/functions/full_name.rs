//! `full_name` and `parse_full_name`.

use tfplugin::{
    diagnostic::{Diagnostic, Result},
    function::Function,
    model,
    model::{Attr, Text, TextType},
    resource::expect_known,
};

use crate::{
    full_name,
    text::{JobName, TenantName},
};

model! {
    /// The name of a job in dkron.
    ///
    /// It is what dkron's own tools show, and the id of `krony_job`: the name alone, or `<tenant>--<name>` for the job of
    /// a tenant.
    pub struct FullNameArguments {
        /// The tenant; null for a job without one.
        tenant: Text<TenantName> = optional(),
        /// The name of the job.
        name: Text<JobName> = required(),
    }
}

/// The function.
pub struct FullName;

impl Function for FullName {
    type Arguments = FullNameArguments;
    type Output = String;
    const NAME: &'static str = "full_name";

    fn call(&self, arguments: FullNameArguments) -> Result<String> {
        let name = expect_known(&arguments.name, "name")?;
        let tenant = arguments.tenant.known().map(|tenant| &**tenant);
        if tenant.is_some() {
            full_name::check_in_tenant(name)
                .map_err(|detail| Diagnostic::error("Invalid job name", detail).at_attribute("name"))?;
        }
        Ok(full_name::compose(tenant, name).into_owned())
    }
}

/// The name of a job in dkron, krony's own included.
#[derive(Clone)]
pub enum FullNameText {}

impl TextType for FullNameText {
    const NAME: &'static str = "full name";
    const EXAMPLES: &'static [&'static str] = &["acme--nightly-backup", "nightly-backup"];

    fn check(text: &str) -> std::result::Result<(), String> {
        JobName::check(text.strip_prefix(full_name::RESERVED_PREFIX).unwrap_or(text))
    }
}

model! {
    /// The tenant and the name of a job, from its name in dkron.
    ///
    /// The opposite of `full_name`. Names are all it goes by: whether a job is a tenant's is said by its metadata.
    pub struct ParseFullNameArguments {
        /// The name of the job in dkron.
        full_name: Text<FullNameText> = required(),
    }
}

model! {
    /// Whose job it is, and its name there.
    pub struct ParsedFullName {
        /// The tenant; null if there is none.
        tenant: String = computed(),
        /// The name of the job.
        name: String = computed(),
    }
}

/// The function.
pub struct ParseFullName;

impl Function for ParseFullName {
    type Arguments = ParseFullNameArguments;
    type Output = ParsedFullName;
    const NAME: &'static str = "parse_full_name";

    fn call(&self, arguments: ParseFullNameArguments) -> Result<ParsedFullName> {
        let full_name = expect_known(&arguments.full_name, "full_name")?;
        let (tenant, name) = match full_name::split(full_name) {
            Some((tenant, name)) => (Some(tenant.to_owned()), name),
            None => (None, &**full_name),
        };
        Ok(ParsedFullName { tenant: tenant.into(), name: Attr::Known(name.to_owned()) })
    }
}
