use super::*;

#[test]
fn the_text_is_kept() {
    for text in ["0  0\t3 * * mon-FRI", "TZ=UTC   0 0 3 * * *  ", "@every 60m", "0 0 ~ * * *"] {
        assert_eq!(text.parse::<Schedule>().unwrap().to_string(), text);
    }
}

#[test]
fn only_a_hash_that_dkron_replaces_depends_on_the_name() {
    for (text, hashed) in [("0 0 ~ * * *", true), ("0 0 3 * * *", false), ("@daily", false)] {
        assert_eq!(text.parse::<Schedule>().unwrap().is_hashed(), hashed, "for {text:?}");
    }
}

/// A step of zero is wrong, so that names whose sum 60 divides are.
#[test]
fn a_hash_may_be_right_for_some_names_only() {
    let schedule: Schedule = "0 */~ * * * *".parse().unwrap();
    assert!(schedule.for_job("a", &TimeZoneName::default()).is_ok());
    assert!(schedule.for_job("<", &TimeZoneName::default()).is_err());
}

#[test]
fn a_long_text_with_a_hash_is_judged_with_the_name() {
    let text = format!("0 {}~-70 * * * *", "~,".repeat(LONGEST_TRIED));
    let schedule: Schedule = text.parse().unwrap();
    assert!(schedule.for_job("a", &TimeZoneName::default()).is_err());
}
