use super::*;

#[test]
fn secrets_are_hidden_however_they_are_spelled() {
    let quote = Quote::new(&["z\"bra word/ü".to_owned(), "z".to_owned()]);
    for echo in [
        "got z\"bra word/ü!",
        r#"{"key":"z\"bra word/ü"}"#,
        "got z%22bra+word%2F%C3%BC!",
        "got z%22bra%20word%2F%C3%BC!",
    ] {
        let shown = quote.clean(echo.as_bytes(), &[]).unwrap();
        assert!(shown.contains(HIDDEN) && !shown.contains("word"), "{shown}");
    }
    let quote = Quote::new(&["<word>&".to_owned()]);
    let shown = quote.clean(br"Go says \u003cword\u003e\u0026", &[]).unwrap();
    assert_eq!(shown, "Go says [redacted]");
    let shown = quote.clean(b"job says hunter2", &["hunter2".to_owned()]).unwrap();
    assert_eq!(shown, "job says [redacted]");
}

#[test]
fn a_quote_is_one_short_line() {
    let quote = Quote::new(&[]);
    assert_eq!(quote.clean(b" two\r\n\tlines\0 \x1b[31m", &[]).as_deref(), Some("two lines [31m"));
    assert_eq!(quote.clean(b" \n ", &[]), None);
    let long = quote.clean("ü".repeat(1_000).as_bytes(), &[]).unwrap();
    assert_eq!(long.chars().count(), LONGEST_QUOTE + 1);
    assert!(quote.clean(&[0xff, 0xfe], &[]).is_some());
}
