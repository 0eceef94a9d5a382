use super::*;

#[track_caller]
fn check_hint(name: &str, expected: &str) {
    let error = name.parse::<TimeZoneName>().unwrap_err().to_string();
    let hint = error.split_once("or \"UTC\"").unwrap().1;
    assert_eq!(hint, expected, "for {name:?}");
}

#[test]
fn near_misses_are_named() {
    check_hint("europe/berlin", "; did you mean \"Europe/Berlin\"?");
    check_hint("Europe/Berln", "; did you mean \"Europe/Berlin\"?");
    check_hint("Berlin", "; did you mean \"Europe/Berlin\"?");
    check_hint(" Europe/Berlin", "; did you mean \"Europe/Berlin\"?");
    check_hint("America/New York", "; did you mean \"America/New_York\"?");
    check_hint("America/New", "; did you mean \"America/New_York\"?");
    check_hint("utc", "; did you mean \"UTC\"?");
    check_hint("local", "");
    check_hint("Mars/Olympus", "");
    check_hint(&"Europe/".repeat(1000), "");
}

#[test]
fn offsets_have_their_own_zones() {
    check_hint("+02:00", "; for a fixed offset write \"Etc/GMT-2\" (its sign is the other way round)");
    check_hint("UTC-5", "; for a fixed offset write \"Etc/GMT+5\" (its sign is the other way round)");
    check_hint("-1100", "; for a fixed offset write \"Etc/GMT+11\" (its sign is the other way round)");
    check_hint("+05:30", "");
    check_hint("+99", "");
}

#[test]
fn nothing_and_local_mean_the_zone_of_the_server() {
    assert_eq!(TimeZoneName::default(), "".parse().unwrap());
    for name in ["", "Local"] {
        assert!(name.parse::<TimeZoneName>().unwrap().time_zone().is_none());
    }
    let zone: TimeZoneName = "Europe/Berlin".parse().unwrap();
    assert_eq!(zone.time_zone().and_then(TimeZone::iana_name), Some("Europe/Berlin"));
    assert_eq!(TimeZoneName::utc(), "UTC".parse().unwrap());
}

/// What stands in the list is what dkron can load.
#[test]
fn every_listed_name_is_accepted() {
    let names: Vec<_> = DATABASE.available().map(|name| name.to_string()).collect();
    assert!(names.len() > 500);
    for name in names {
        assert_eq!(name.parse::<TimeZoneName>().unwrap().as_str(), name);
    }
}
