use super::*;

#[track_caller]
fn check_error(text: &str, expected: &str) {
    assert_eq!(parse(text).unwrap_err().to_string(), expected);
}

#[test]
fn errors_say_what_is_wrong() {
    check_error("", "\"\" is no duration such as \"1h30m\" or \"45s\": it is empty");
    check_error("s", "\"s\" is no duration such as \"1h30m\" or \"45s\": each part starts with a number");
    check_error(
        "90",
        "\"90\" is no duration such as \"1h30m\" or \"45s\": a number has no unit (ns, us, ms, s, m or h)",
    );
    check_error(
        "5min",
        "\"5min\" is no duration such as \"1h30m\" or \"45s\": there is no unit \"min\" (only ns, us, ms, s, m and h); \
         a minute is 1m",
    );
    check_error(
        "5m ",
        "\"5m \" is no duration such as \"1h30m\" or \"45s\": there is no unit \"m \" (only ns, us, ms, s, m and h); \
         remove the space",
    );
    check_error(
        "3000000h",
        "\"3000000h\" is no duration such as \"1h30m\" or \"45s\": it is longer than 292 years",
    );
}

#[test]
fn what_exceeds_64_bits_is_written_as_the_longest() {
    assert_eq!(format(SignedDuration::MAX), "2562047h47m16.854775807s");
    assert_eq!(format(SignedDuration::MIN), "-2562047h47m16.854775808s");
}
