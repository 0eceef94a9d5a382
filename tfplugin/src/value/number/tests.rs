use proptest::prelude::*;

use super::*;

fn number(text: &str) -> Number {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn the_texts_of_core_are_read() {
    for (text, plain) in [
        ("0", "0"),
        ("+7", "7"),
        ("007", "7"),
        ("-12", "-12"),
        ("1.50", "1.5"),
        (".5", "0.5"),
        ("5.", "5"),
        ("1e3", "1000"),
        ("1E+3", "1000"),
        ("12.5e-3", "0.0125"),
        ("9223372036854775808", "9223372036854775808"),
        ("-0", "-0"),
        ("-0.0", "-0"),
        ("0e99999999999999999999", "0"),
        ("Inf", "inf"),
        ("+inf", "inf"),
        ("-Inf", "-inf"),
    ] {
        assert_eq!(number(text).to_string(), plain, "{text}");
    }
}

#[test]
fn other_texts_are_refused() {
    for text in [
        "", " 1", "1 ", "0x1F", "1_000", "NaN", "1e", "e1", ".", "-", "+-1", "1.2.3", "1e1.5", "infinity",
        "١",
    ] {
        assert_eq!(text.parse::<Number>(), Err(NumberError::Syntax), "{text:?}");
    }
}

#[test]
fn exponents_and_digits_are_bounded() {
    let just_enough = "9".repeat(MAX_DIGITS as usize);
    for text in ["1e9999", "1e-9999", "123e-9998", &just_enough] {
        assert!(text.parse::<Number>().is_ok(), "{text}");
    }
    let digits = "9".repeat(MAX_DIGITS as usize + 1);
    let fraction = format!("0.{}1", "0".repeat(MAX_DIGITS as usize));
    for text in ["1e10000", "1e-10001", "1e999999999", "1e-99999999999999999999999", &digits, &fraction] {
        assert_eq!(text.parse::<Number>(), Err(NumberError::TooLong), "{text}");
    }
}

#[test]
fn conversions_are_exact_or_nothing() {
    assert_eq!(number("3.0").to_i64(), Some(3));
    assert_eq!(Number::Float(3.0).to_i64(), Some(3));
    assert_eq!(Number::Float(-0.0).to_u64(), Some(0));
    assert_eq!(number("3.5").to_i64(), None);
    assert_eq!(Number::Float(9_223_372_036_854_775_808.0).to_i64(), None);
    assert_eq!(number("18446744073709551615").to_u64(), Some(u64::MAX));
    assert_eq!(number("18446744073709551616").to_u64(), None);
    assert_eq!(Number::from(-1_i64).to_u64(), None);
    assert_eq!(Number::Float(f64::INFINITY).to_i64(), None);

    assert_eq!(number("0.1").to_f64(), Some(0.1));
    assert_eq!(number("0.1").to_exact_f64(), None, "its bits are another number");
    assert_eq!(number("0.5").to_exact_f64(), Some(0.5));
    assert_eq!(number("590850309004664.875").to_exact_f64(), Some(590_850_309_004_664.9));
    assert_eq!(number("9007199254740993").to_f64(), None);
    assert_eq!(number("1e400").to_f64(), None);
    assert_eq!(Number::try_from(f64::NAN), Err(NumberError::NotANumber));
}

#[test]
fn equality_is_core_s() {
    let equal = [
        (number("0.1"), Number::Float(0.1)),
        (number("0.100"), number("0.1")),
        (number("1"), Number::Float(1.0)),
        (number("0"), Number::Float(-0.0)),
        (number("1e19"), Number::Float(1e19)),
        (number("Inf"), Number::Float(f64::INFINITY)),
    ];
    for (a, b) in equal {
        assert_eq!(a, b);
        assert_eq!(b, a);
    }
    let different = [
        (number("0.1"), Number::Float(f64::from(0.1_f32))),
        (number("9007199254740993"), Number::Float(9_007_199_254_740_992.0)),
        // An integer is compared by its value, not by its shortest text.
        (number("1e23"), Number::Float(1e23)),
        (number("-1"), number("1")),
        (Number::Float(f64::INFINITY), Number::Float(f64::NEG_INFINITY)),
    ];
    for (a, b) in different {
        assert_ne!(a, b);
        assert_ne!(b, a);
    }
}

/// As Go prints a number of 53 or 512 bits with the fewest digits.
#[test]
fn digits_are_core_s() {
    let float = |value: f64| Number::Float(value).to_string();
    assert_eq!(float(1e21), format!("1{}", "0".repeat(21)));
    assert_eq!(float(140_834_283_308_328.63), "140834283308328.62", "half to even");
    assert_eq!(float(5e-324), format!("0.{}4940656458412465", "0".repeat(323)), "digits of full precision");
    assert_eq!(float(2_f64.powi(64)), "18446744073709550000", "a power of two");

    let third = format!("0.{}", "3".repeat(200));
    assert_eq!(number(&third).to_string(), format!("0.{}5", "3".repeat(154)), "512 bits");
    assert_eq!(number(&format!("1.{}1", "0".repeat(200))), Number::from(1_i64), "512 bits");
    let long = "7".repeat(153);
    assert_eq!(number(&long).to_string(), long, "fits 512 bits");
}

/// Any number that may arrive.
fn numbers() -> impl Strategy<Value = Number> {
    prop_oneof![
        any::<i64>().prop_map(Number::from),
        any::<u64>().prop_map(Number::from),
        any::<f64>().prop_filter_map("NaN", |float| Number::try_from(float).ok()),
        "-?[0-9]{1,30}(\\.[0-9]{1,30})?(e-?[0-9]{1,3})?".prop_map(|text| number(&text)),
        (-20_i32..20).prop_map(|tenths| Number::Float(f64::from(tenths) / 10.0)),
        (-20_i32..20).prop_map(|tenths| number(&format!("{tenths}e-1"))),
    ]
}

proptest! {
    #[test]
    fn text_is_read_back(number in numbers()) {
        let again: Number = number.to_string().parse().unwrap();
        // A large integer that came as a float is printed by its shortest text, as in core.
        if !matches!(number, Number::Float(float) if float.is_finite() && float.abs() >= 2_f64.powi(53)) {
            prop_assert_eq!(&again, &number);
        }
        prop_assert_eq!(again.to_string(), number.to_string());
    }

    #[test]
    fn order_is_total(a in numbers(), b in numbers(), c in numbers()) {
        prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
        prop_assert_eq!(a.cmp(&a.clone()), Ordering::Equal);
        if a <= b && b <= c {
            prop_assert!(a <= c);
        }
    }
}
