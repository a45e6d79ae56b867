//! Cells of a table that a spreadsheet would take for a formula.
//!
//! Buyers choose some texts of an export. A spreadsheet evaluates a cell that begins with one of a
//! few characters, whether or not it is quoted, and may split a line at other separators than the
//! one that was written: <https://owasp.org/www-community/attacks/CSV_Injection>.

use std::borrow::Cow;

/// Marks a cell as text. Spreadsheets hide it, or show it as the first character.
const MARK: char = '\'';

/// `text` as a spreadsheet shows it and never evaluates it: with an apostrophe before each
/// character that could begin a formula, at the start of the text and after a separator in it.
pub fn neutralised(text: &str) -> Cow<'_, str> {
    let mut marked: Option<String> = None;
    let (mut cell_start, mut copied, mut is_start) = (0, 0, true);
    for (at, char) in text.char_indices() {
        if is_start && begins_formula(char) {
            let marked = marked.get_or_insert_default();
            marked.push_str(&text[copied..cell_start]);
            marked.push(MARK);
            copied = cell_start;
        }
        if is_separator(char) {
            (cell_start, is_start) = (at + char.len_utf8(), true);
        } else if !is_skipped(char) {
            is_start = false;
        }
    }
    match marked {
        None => Cow::Borrowed(text),
        Some(mut marked) => {
            marked.push_str(&text[copied..]);
            Cow::Owned(marked)
        }
    }
}

/// The ASCII characters, and their wide forms, which spreadsheets of East Asia accept.
fn begins_formula(char: char) -> bool {
    matches!(char, '=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '＝' | '＋' | '－' | '＠' | '−')
}

/// Where some spreadsheet begins the next cell.
fn is_separator(char: char) -> bool {
    matches!(char, ',' | ';' | '|' | '\t' | '\r' | '\n')
}

/// What an import may drop from the start of a cell: spaces, quotes, and characters without a
/// width.
fn is_skipped(char: char) -> bool {
    char.is_whitespace()
        || char.is_control()
        || matches!(char, '"' | '\'' | '`' | '“' | '”' | '‘' | '’' | '„' | '«' | '»')
        || matches!(char, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}')
        || matches!(char, '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn formulas_are_marked_and_other_texts_are_not() {
        for (text, expected) in [
            ("=1+1", "'=1+1"),
            ("+49 30 1234", "'+49 30 1234"),
            ("-2+3+cmd|' /C calc'!A0", "'-2+3+cmd|' /C calc'!A0"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\t'=1"),
            ("\r=1", "'\r'=1"),
            ("\"=1", "'\"=1"),
            (" =1", "' =1"),
            ("'=1", "''=1"),
            (" \" '=1", "' \" '=1"),
            ("\u{feff}=1", "'\u{feff}=1"),
            ("\u{200b}\u{a0}@x", "'\u{200b}\u{a0}@x"),
            ("＝1", "'＝1"),
            ("x;=1", "x;'=1"),
            ("x,\"=1", "x,'\"=1"),
            ("a;b;+1;c", "a;b;'+1;c"),
            ("=1;=2", "'=1;'=2"),
        ] {
            assert_eq!(neutralised(text), expected, "{text:?}");
        }
        for text in ["", "Zoë", "a=b", "a-1", "1", "x@example.com", "\"quoted\"", "a, b", "O'Brien"]
        {
            assert!(matches!(neutralised(text), Cow::Borrowed(same) if same == text), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn no_cell_of_a_neutralised_text_begins_a_formula(text in "[ \"'=+@;,|ab\\t-]{0,12}|\\PC{0,12}") {
            let safe = neutralised(&text);
            for cell in safe.split([',', ';', '|']) {
                prop_assert!(!cell.starts_with(begins_formula), "{text:?} became {safe:?}");
                let rest = cell.trim_start_matches(is_skipped);
                prop_assert!(
                    cell.starts_with(MARK) || !rest.starts_with(begins_formula),
                    "{text:?} became {safe:?}"
                );
            }
        }
    }
}
