//! What looks like an address of electronic mail.

/// Checks that `email` has a name, one `@` and a domain: `domain` or a part of it, if that is asked for.
///
/// # Errors
///
/// What was expected and what was found.
pub(crate) fn check(email: &str, domain: Option<&str>) -> Result<(), String> {
    let found = match email.split_once('@') {
        Some((name, found)) if is_word(name) && is_domain(found) => found,
        _ => return Err(format!("Expected an address such as \"team@example.com\", found {email:?}.")),
    };
    match domain {
        Some(domain) if !is_within(found, domain) => {
            Err(format!("Expected an address that ends in {domain:?}, found {email:?}."))
        }
        _ => Ok(()),
    }
}

/// Whether a text may stand behind the `@`.
pub(crate) fn is_domain(text: &str) -> bool {
    is_word(text) && !text.starts_with('.') && !text.ends_with('.')
}

fn is_word(text: &str) -> bool {
    let parts_two = |letter: char| letter.is_whitespace() || matches!(letter, '@' | ',' | ';' | '<' | '>');
    !text.is_empty() && !text.contains(parts_two)
}

/// `mail.example.com` is within `example.com`, `notexample.com` is not.
fn is_within(found: &str, domain: &str) -> bool {
    let (found, domain) = (found.to_lowercase(), domain.to_lowercase());
    found.strip_suffix(&domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn knows_an_address() {
        for email in ["team@example.com", "a.b+c@mail.example.com"] {
            assert_eq!(check(email, None), Ok(()), "{email}");
        }
        for email in
            ["", "team", "@example.com", "team@", "a@b@c", "a b@example.com", "team@.com", "a@x, b@y"]
        {
            assert!(check(email, None).is_err(), "{email}");
        }
    }

    #[test]
    fn compares_whole_names_of_domains() {
        for email in ["team@example.com", "team@Mail.Example.com"] {
            assert_eq!(check(email, Some("example.com")), Ok(()), "{email}");
        }
        for email in ["team@notexample.com", "team@example.com.evil.test", "team@com"] {
            assert!(check(email, Some("example.com")).is_err(), "{email}");
        }
    }
}
