//! Full names: what a job is called in dkron, made of its tenant, if it has one, and its name.
//!
//! A tenant's job is called `<tenant>--<name>`, any other job by its name alone. The tenant ends at the first `--`: a
//! tenant's name holds none, and the names of its jobs do not begin with `-`. What a full name looks like does not prove
//! whose job it is; the job's metadata does.

use std::borrow::Cow;

use tfplugin::model::TextType;

use crate::text::TenantName;

/// What stands between tenant and name.
pub const SEPARATOR: &str = "--";

/// Full names that begin like this belong to krony itself.
pub const RESERVED_PREFIX: &str = "krony--";

/// What goes before the full name of a parent that is not of the job's tenant.
const ELSEWHERE: char = '/';

/// The full name of a job.
pub fn compose<'a>(tenant: Option<&str>, name: &'a str) -> Cow<'a, str> {
    tenant.map_or(Cow::Borrowed(name), |tenant| Cow::Owned(format!("{tenant}{SEPARATOR}{name}")))
}

/// Tenant and name, where a full name reads as one of a tenant's job.
pub fn split(full_name: &str) -> Option<(&str, &str)> {
    let (tenant, name) = full_name.split_once(SEPARATOR)?;
    (TenantName::check(tenant).is_ok() && check_in_tenant(name).is_ok()).then_some((tenant, name))
}

/// The full name of a job's parent, which is of the same tenant; empty for none.
pub fn compose_parent<'a>(tenant: Option<&str>, parent: &'a str) -> Cow<'a, str> {
    match parent.strip_prefix(ELSEWHERE) {
        _ if parent.is_empty() => Cow::Borrowed(parent),
        Some(full_name) => Cow::Borrowed(full_name),
        None => compose(tenant, parent),
    }
}

/// What a job says of its parent in dkron. One that is not of the job's tenant must not look like one that is: it gets a
/// slash, which no name holds.
pub fn split_parent<'a>(tenant: Option<&str>, full_name: &'a str) -> Cow<'a, str> {
    match (tenant, split(full_name)) {
        _ if full_name.is_empty() => Cow::Borrowed(full_name),
        (None, _) => Cow::Borrowed(full_name),
        (Some(tenant), Some((parents_tenant, name))) if parents_tenant == tenant => Cow::Borrowed(name),
        (Some(_), _) => Cow::Owned(format!("{ELSEWHERE}{full_name}")),
    }
}

/// Checks what the name of a tenant's job must be beyond the name of any job.
///
/// # Errors
/// What was expected and what was found.
pub fn check_in_tenant(name: &str) -> Result<(), String> {
    if name.is_empty() || name.starts_with('-') {
        return Err(format!(
            "Expected a name that does not begin with `-`, because `{SEPARATOR}` stands between tenant and name; found \
             {name:?}."
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_composed_splits_again() {
        for (tenant, name) in [("acme", "backup"), ("a1-b2", "x--y"), ("acme", "größe_2-"), ("ab", "krony")]
        {
            let full_name = compose(Some(tenant), name);
            assert_eq!(split(&full_name), Some((tenant, name)), "{full_name}");
        }
        assert_eq!(compose(None, "backup"), "backup");
        assert_eq!(compose(Some("acme"), "backup"), "acme--backup");
    }

    #[test]
    fn parents_are_of_the_same_tenant_or_look_like_strangers() {
        for (tenant, full_name, parent) in [
            (None, "", ""),
            (Some("acme"), "", ""),
            (None, "backup", "backup"),
            (None, "acme--backup", "acme--backup"),
            (Some("acme"), "acme--backup", "backup"),
            (Some("acme"), "acme--acme--backup", "acme--backup"),
            (Some("acme"), "other--backup", "/other--backup"),
            (Some("acme"), "backup", "/backup"),
        ] {
            assert_eq!(split_parent(tenant, full_name), parent);
            assert_eq!(compose_parent(tenant, parent), full_name);
        }
    }

    #[test]
    fn names_of_nobody_in_particular_do_not_split() {
        for full_name in [
            "backup",
            "a-b",
            "--x",
            "acme--",
            "acme---x",
            "a_b--x",
            "a--x",
            "-acme--x",
            "acme---",
            "krony--tenant-acme",
            "größe--x",
            "",
        ] {
            assert_eq!(split(full_name), None, "{full_name}");
        }
    }
}
