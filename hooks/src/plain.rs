//! Text of strangers, which plays no tricks where it is shown.

/// Whether a character shows as itself: it neither commands a terminal nor turns the direction of what stands beside it.
pub fn is_plain(character: char) -> bool {
    let turns = matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    !character.is_control() && !turns
}

/// Text without what is not [plain](is_plain), but with its lines.
pub fn plain(text: &str) -> String {
    text.chars().filter(|character| is_plain(*character) || matches!(character, '\n' | '\t')).collect()
}

/// The beginning of text, [plain](plain()), with a mark where something is left out; lengths are in bytes.
pub fn excerpt(text: &str, longest: usize) -> String {
    // What is left out need not be looked at.
    let text = plain(&text[..text.floor_char_boundary(longest.saturating_mul(4))]);
    let end = text.floor_char_boundary(longest);
    let mark = if end < text.len() { "…" } else { "" };
    format!("{}{mark}", &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_shows_as_itself_is_left() {
        assert_eq!(plain("a\u{1b}[2J\u{9b}b\u{7}\r\u{0}c\u{202e}d\u{2066}e\n\tä日"), "a[2Jbcde\n\tä日");
    }

    #[test]
    fn an_excerpt_ends() {
        assert_eq!(excerpt("short", 10), "short");
        assert_eq!(excerpt(&"ä".repeat(1000), 5), "ää…");
        assert_eq!(excerpt("\u{7}\u{7}abc", 2), "ab…");
    }
}
