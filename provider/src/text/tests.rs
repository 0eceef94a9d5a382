use tfplugin::model::TextType;

use super::*;

#[test]
fn examples_are_valid() {
    fn check<T: TextType>() {
        for example in T::EXAMPLES.iter().chain(T::ALLOWED) {
            assert_eq!(T::check(example), Ok(()), "{} {example:?}", T::NAME);
        }
    }
    check::<JobName>();
    check::<ParentName>();
    check::<TenantName>();
    check::<ScheduleText>();
    check::<TimeZone>();
    check::<Concurrency>();
    check::<SaslMechanism>();
    check::<Base64>();
    check::<Method>();
    check::<HttpUrl>();
    check::<Endpoint>();
    check::<Duration>();
    check::<Seconds>();
    check::<Instant>();
}

#[test]
fn job_names_are_as_dkron_wants_them() {
    for good in ["a", "-a", "run", "ñß", "0", "a_b-c"] {
        assert_eq!(JobName::check(good), Ok(()), "{good:?}");
    }
    for bad in ["", "A", "a.b", "a/b", "a:b", "a b", "ª", "日", "٣", "krony--x"] {
        assert!(JobName::check(bad).is_err(), "{bad:?}");
    }
    let detail = JobName::check("My Job").unwrap_err();
    assert!(detail.contains("\"M J\""), "{detail}");
    assert!(detail.contains("Did you mean \"my-job\"?"), "{detail}");
    let detail = JobName::check("日").unwrap_err();
    assert!(!detail.contains("Did you mean"), "{detail}");
}

#[test]
fn tenant_names_hold_no_two_dashes_in_a_row() {
    for good in ["ab", "a1", "0-9", "team-42-x", "kronyx", &"a".repeat(32)] {
        assert_eq!(TenantName::check(good), Ok(()), "{good:?}");
    }
    for bad in ["", "a", "A1", "a_b", "a--b", "-ab", "ab-", "größe", "krony", &"a".repeat(33)] {
        assert!(TenantName::check(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn durations_compare_by_length() {
    assert!(Duration::same("90s", "1m30s"));
    assert!(!Duration::same("90s", "91s"));
    for bad in ["", "5", "-5s", "0s", "1d", "five"] {
        assert!(Duration::check(bad).is_err(), "{bad:?}");
    }
    assert!(Seconds::check("1500ms").unwrap_err().contains("whole seconds"));
}

#[test]
fn instants_compare_in_any_zone() {
    assert!(Instant::same("2030-01-01T02:00:00+02:00", "2030-01-01T00:00:00Z"));
    assert!(!Instant::same("2030-01-01T02:00:00+02:00", "2030-01-01T02:00:00Z"));
    for bad in ["2030-01-01", "2030-01-01T00:00:00", "2030-13-01T00:00:00Z", "tomorrow", ""] {
        assert!(Instant::check(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn urls_are_absolute() {
    for bad in ["", "example.com", "ftp://example.com", "http://", "/path", "localhost:8080"] {
        assert!(HttpUrl::check(bad).is_err(), "{bad:?}");
    }
}
